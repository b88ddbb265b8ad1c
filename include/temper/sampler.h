/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sampler.h
 * @brief How a step moves every active position from its noise level to the next one.
 *
 * The model's logits are processed in a fixed order (MATH 4.1): mask and unknown ids excluded,
 * temperature, top-k, top-p, min-p, softmax in double. Filters act on what a position turns into, never
 * on whether it is revealed or kept. Draws are addressed by (seed, row id, step, position) (MATH 6), so
 * they depend neither on threads nor on the batch.
 *
 * A sampler is a value: change it on one thread at a time; sessions copy it.
 */
#ifndef TEMPER_SAMPLER_H
#define TEMPER_SAMPLER_H

#include <temper/types.h>

TEMPER_EXTERN_C_BEGIN

/** Kinds of sampler. */
enum {
  /** The exact reverse chain on any path (MATH 1.4, equation (4)): masked positions are revealed with
   *  probability (m_t-m_s)/m_t; visible ones are edited as far as the path has uniform noise. */
  TEMPER_SAMPLER_ANCESTRAL = 0,
  /** Adaptive correction (HDLM, arXiv 2504.06416): reveals as ancestral, and draws each visible active token
   *  anew with probability eta m_s/m_t. A heuristic: doesn't keep the marginals, lowers the entropy. */
  TEMPER_SAMPLER_ACS = 1,
  /** Ancestral decisions, and always the most probable token; the lowest id wins ties. */
  TEMPER_SAMPLER_GREEDY = 2
};

/** Parameters of a sampler. */
enum {
  TEMPER_SAMPLER_TEMPERATURE = 1, /**< logits are divided by it; 0..100, default 1; 0: the most probable token */
  TEMPER_SAMPLER_TOP_K = 2,       /**< keep logits not below the k-th largest (ties kept); 0..2^30, default 0: off */
  TEMPER_SAMPLER_TOP_P = 3,       /**< keep tokens, by falling probability, while the mass before them is below it; 0..1, default 1: off */
  TEMPER_SAMPLER_MIN_P = 4,       /**< keep tokens with at least this share of the largest probability; 0..1, default 0: off */
  /** ACS only; 0..1, default 0.01 (the published program's default; the paper's tables go up to 0.25). */
  TEMPER_SAMPLER_ETA = 5
};

/**
 * @brief Makes a sampler with the defaults of its kind.
 * @param[in] kind TEMPER_SAMPLER_ANCESTRAL ... @param[out] out NULL on error.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_MEMORY. Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_sampler_create(int32_t kind, temper_sampler **out, temper_error *error);

/** @brief Ends a sampler. NULL is fine; sessions made with it go on. @since 0.1 */
TEMPER_API void temper_sampler_destroy(temper_sampler *sampler);

/**
 * @brief Sets a parameter. On error the old value stays.
 * @param[in] value within temper_sampler_bounds(); top-k must be whole.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (also for a parameter that the kind doesn't have).
 * Thread: one at a time per sampler. @since 0.1
 */
TEMPER_API temper_status temper_sampler_set(temper_sampler *sampler, int32_t parameter, double value,
                                            temper_error *error);

/** @brief Reads a parameter. @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT. @since 0.1 */
TEMPER_API temper_status temper_sampler_get(const temper_sampler *sampler, int32_t parameter, double *value,
                                            temper_error *error);

/**
 * @brief Range (both ends included) and default of a parameter, for a kind of sampler.
 * @param[out] low may be NULL. @param[out] high may be NULL. @param[out] initial the default, may be NULL.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT. Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_sampler_bounds(int32_t kind, int32_t parameter, double *low, double *high,
                                               double *initial, temper_error *error);

TEMPER_EXTERN_C_END

#endif
