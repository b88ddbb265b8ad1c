/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file score.h
 * @brief How probable given texts are: exact log-likelihoods and variational bounds, in nats.
 *
 * A hyperschedule with a noise path and a model defines a chain of calls from pure noise to text. For it (MATH
 * 5.1, equation 15)
 *
 *     -log p(x) <= NELBO = KL_prior + sum over calls k of E sum over the positions i whose level drops of
 *                  KL( q(x_s^i | x_t^i, x^i) || p(x_s^i | x_k) )
 *
 * with the settled positions clean and the active ones noised to their levels. Under quench every position is
 * predicted once, from the clean tokens before it: the bound is then the exact -log p(x) of autoregression. Under
 * block it is the bound of BD3-LM (arXiv 2503.09573), under flat that of D3PM (arXiv 2107.03006) and MDLM (arXiv
 * 2406.07524) at T levels; other paths and heads as MATH 5. The number belongs to model, hyperschedule, levels
 * and path together: name them with it.
 *
 * p is the whole head's, as the published programs have it: rows that no token has (padding of the vocabulary, never
 * drawn by a session, ::TEMPER_MODEL_OPTION_TOKENS) keep their share, and a document may hold such ids. What a session
 * draws is p without them, so its text is at least as probable as the score says where one token is predicted at a
 * time.
 *
 * Settled tokens come from a KV cache, as in a session.
 */
#ifndef TEMPER_SCORE_H
#define TEMPER_SCORE_H

#include <temper/types.h>

TEMPER_EXTERN_C_BEGIN

/** What and how much to compute. Zeroes are the defaults; set struct_size. */
typedef struct temper_score_options {
  uint32_t struct_size;
  /** Independent estimates per document, 1..4096; 0: 2. Their spread gives the standard error, their mean the
   *  result. Two are enough when all calls are visited or documents are many; few documents with @c samples get a
   *  wide error from two, a narrower one from 4 or 8. One where nothing is random (temper_score_result.exact). */
  int32_t replicates;
  /** Calls of the hyperschedule that each replicate visits, in even strata with one random offset (MATH 5.5);
   *  0, or as many as there are: all of them, and only the noise is random. */
  int64_t samples;
  uint64_t seed;     /**< of all random draws; document i has draws of its own */
  int32_t batch;     /**< documents side by side, 1..4096; 0: 8. Costs memory; changes no draw, and no bit of
                        the result unless calls of more than 1,024 rows go to a library (temper_session_set_row_id) */
  int32_t no_cache;  /**< 1: recompute every row at every call, for comparison */
} temper_score_options;

/** A text to score, and what came out. Set struct_size, tokens, count, prefix and terms. */
typedef struct temper_document {
  uint32_t struct_size;
  uint32_t reserved;
  /** @c count real tokens (never the mask); read only. At most the model's trained length, the begin token
   *  that a shifted model needs in front of a document without a prefix included. */
  const int32_t *tokens;
  size_t count;
  size_t prefix;     /**< the first so many are conditioning: clean from the start and not scored */
  double *terms;     /**< NULL, or @c count doubles: each token's part of @c nats without the prior's; 0 in
                      *   the prefix. Under quench -log p(token | the ones before), else its part of the bound */
  int64_t scored;         /**< out: tokens that count; fixed ones of a table (level 0 throughout) don't */
  double nats;            /**< out: of this document, the prior's part included; an upper bound unless exact */
  double standard_error;  /**< out: of @c nats, see temper_score_result */
} temper_document;

/** Of all documents together. Set struct_size. */
typedef struct temper_score_result {
  uint32_t struct_size;
  int32_t exact;          /**< 1: no random draw has played a part. Under quench then -log p itself */
  int64_t scored;         /**< tokens: nats / scored is the figure per token, exp of it the perplexity */
  double nats;            /**< sum over the documents; infinite when the model excludes what is there */
  /** How sure @c nats is: @c nats +- this holds the bound of these very documents in 68 of 100 cases, for one
   *  document as for many and with two replicates as with more. It is the standard deviation that the spread of
   *  the replicates shows, times Student's factor for how well they show it (MATH 5.7): 1.84 for one document,
   *  two replicates and some calls; near 1 where all calls are visited or documents are many. 0 when exact, NaN
   *  with one replicate. Says nothing of other documents. */
  double standard_error;
  double prior;           /**< KL_prior, part of @c nats: 0 when the last level is pure noise */
  int64_t model_calls;
  int64_t rows_computed;  /**< rows of the model in them */
  int32_t replicates;     /**< made */
  int32_t reserved;
  char definition[512];   /**< what the number is, in words */
} temper_score_result;

/**
 * @brief Scores documents. Allocates what temper_score_estimate() says; threads are the runtime's.
 * @param[in] model as for a session. @param[in] schedule NULL: what the model was trained with.
 * @param[in] noise NULL: the path the model was trained on. @param[in] options NULL: the defaults.
 * @param[in,out] documents @p count of them, one after another; all have the struct_size of the first.
 * @param[out] result NULL is fine.
 * @param[in] progress NULL, or called between calls of the model with visits done and in all; may cancel.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (a document is too long, a token isn't a real one);
 *   ::TEMPER_E_UNSUPPORTED (the model can't follow this schedule or noise, or the bound would be infinite by
 *   construction: the message says why); ::TEMPER_E_CANCELLED; ::TEMPER_E_MEMORY. After an error what is written
 *   into documents means nothing. Several threads may score with the same model. @since 0.1
 */
TEMPER_API temper_status temper_score(temper_model *model, const temper_hyperschedule *schedule,
                                      const temper_noise *noise, const temper_score_options *options,
                                      temper_document *documents, size_t count, temper_score_result *result,
                                      temper_progress_fn progress, void *user, temper_error *error);

/**
 * @brief Memory a score would take from the allocator of the runtime, without the model.
 * @param[in] longest tokens of the longest document, >= 0; one more where temper_score() puts a begin token.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_UNSUPPORTED; ::TEMPER_E_MEMORY. @since 0.1
 */
TEMPER_API temper_status temper_score_estimate(const temper_model *model, const temper_hyperschedule *schedule,
                                               const temper_noise *noise, const temper_score_options *options,
                                               int64_t longest, int64_t *bytes, temper_error *error);

TEMPER_EXTERN_C_END

#endif
