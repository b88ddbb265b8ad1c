/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file shaping.h
 * @brief Biases, banned tokens, penalties for what was said, end tokens only after a while.
 *
 * Part of a sampler, whatever its kind. The logits of a position are processed in this order (MATH 4.1):
 *
 *  1. the mask and ids that no token has (::TEMPER_MODEL_OPTION_TOKENS) are excluded; so are the tokens that
 *     temper_session_allow() doesn't name for the position, and end tokens where ::TEMPER_SHAPE_MIN_LENGTH or
 *     ::TEMPER_SHAPE_NO_END says so;
 *  2. penalties for tokens seen: repetition, then frequency and presence;
 *  3. biases and bans;
 *  4. temperature, top-k, top-p, min-p and the rest, see sampler.h.
 *
 * Seen are the visible tokens of the prompt and of the generated positions, each as often as it stands there,
 * behind the position as well as before it; the token that stands at the very position isn't held against
 * itself. A position where nothing is left that could be drawn fails the step with ::TEMPER_E_UNSUPPORTED. What
 * score models give is decoded first: their logits are those of the prediction.
 *
 * Shaping changes what a position turns into, never whether it is revealed, kept or masked again. Uniform noise that
 * a path itself injects between two levels isn't shaped: a banned token may be seen in a window for a while, but
 * the last step draws from the shaped prediction. A shaped
 * distribution isn't the model's: results about exactness speak of samplers without it.
 */
#ifndef TEMPER_SHAPING_H
#define TEMPER_SHAPING_H

#include <temper/types.h>

TEMPER_EXTERN_C_BEGIN

/** Keys of temper_sampler_shape(). */
enum {
  /** r: a token seen gets l / r when its logit l is positive, l * r otherwise (arXiv 1909.05858, made right for
   *  negative logits); above 1 makes repetitions less likely; 0.01..100, default 1: off. */
  TEMPER_SHAPE_REPETITION = 1,
  TEMPER_SHAPE_FREQUENCY = 2,  /**< subtracted once per time seen; -100..100, default 0 */
  TEMPER_SHAPE_PRESENCE = 3,   /**< subtracted once if seen at all; -100..100, default 0 */
  /** Settled tokens that the three above look back over; 0..2^31-1, default 0: all. Tokens of the window always
   *  count. */
  TEMPER_SHAPE_WINDOW = 4,
  TEMPER_SHAPE_MIN_LENGTH = 5, /**< generated positions before the first end token; 0..2^31-1, default 0 */
  TEMPER_SHAPE_NO_END = 6      /**< 1: end tokens are never drawn; default 0 */
};

/**
 * @brief Sets one of the keys above. On error the old value stays.
 * @param[in] key TEMPER_SHAPE_... @param[in] value within temper_sampler_shape_bounds(); whole from
 * ::TEMPER_SHAPE_WINDOW on.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT. Thread: one at a time per sampler. @since 0.1
 */
TEMPER_API temper_status temper_sampler_shape(temper_sampler *sampler, int32_t key, double value,
                                              temper_error *error);

/** @brief Reads one. @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT. @since 0.1 */
TEMPER_API temper_status temper_sampler_get_shape(const temper_sampler *sampler, int32_t key, double *value,
                                                  temper_error *error);

/**
 * @brief Range (both ends included) and default of a key.
 * @param[out] low may be NULL. @param[out] high may be NULL. @param[out] initial the default, may be NULL.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT. Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_sampler_shape_bounds(int32_t key, double *low, double *high, double *initial,
                                                     temper_error *error);

/**
 * @brief Adds to the logits of tokens.
 * @param[in] tokens @p count ids, >= 0, copied; ids beyond the model's vocabulary have no effect. Of an id named
 * twice, or in an earlier call, or banned, the last word counts.
 * @param[in] biases one each: -1e6..1e6, or -INFINITY, which bans; 0 forgets the token.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT, then nothing has changed; ::TEMPER_E_MEMORY.
 * Thread: one at a time per sampler. @since 0.1
 */
TEMPER_API temper_status temper_sampler_bias(temper_sampler *sampler, const int32_t *tokens, const double *biases,
                                             size_t count, temper_error *error);

/**
 * @brief Tokens that are never drawn: temper_sampler_bias() with -INFINITY. Tokens given by the caller may still
 * be such.
 * @param[in] tokens @p count ids, >= 0, copied. @return as temper_sampler_bias(). @since 0.1
 */
TEMPER_API temper_status temper_sampler_ban(temper_sampler *sampler, const int32_t *tokens, size_t count,
                                            temper_error *error);

/** @brief Back to no shaping at all; NULL is fine. Thread: one at a time per sampler. @since 0.1 */
TEMPER_API void temper_sampler_clear_shaping(temper_sampler *sampler);

TEMPER_EXTERN_C_END

#endif
