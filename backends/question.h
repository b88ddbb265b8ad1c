/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file question.h
 * @brief What samplers want to know about a row of logits, and the answer in about a hundred bytes.
 *
 * A question says all that an answer depends on: what the columns of the row are, how the distribution is shaped,
 * and what is asked about it. Random bits are part of it: draws are addressed by counters, so they are known
 * before the logits are. So a row can be answered where its logits are, and only the answer has to travel.
 *
 * How a row is answered, in this order (MATH 4.1 and 4.3):
 *   1. `offset` is subtracted from every column in float32. NaN and +infinity make the row unusable.
 *   2. Log-scores are decoded to logits of a prediction where `form` asks for it.
 *   3. The mask (unless ::TEMPER_ASK_MASK_STAYS), `excluded`, ids not `allowed` and `banned` become impossible.
 *      Decoded scores that leave only `excluded` ids become alike for all the others.
 *   4. Penalties for what was `seen`, then `biases`.
 *   5. The belief at temperature 1 is that of this row: softmax(l).
 *   6. Filters at `filter_scale`: top-k, top-p, min-p, typical, each on what the one before left.
 *   7. Favourite, entropy and margin are those of this row, at `filter_scale`.
 *   8. The own token is treated as `own_weight` says. Best, total, draw and weights are those of this row, at `scale`.
 *
 * Weights are whole numbers, w(x) = floor(2^44 exp((l(x) - top) scale) + 1/2) with `top` the row's largest logit in
 * step 8, so a sum doesn't depend on its order. The draw is the integer inverse CDF in order of ids: the first id
 * whose weights up to and with it exceed floor(bits total / 2^64).
 *
 * Plain data. Pointers are to host memory that is valid and unchanged while the question is answered.
 */
#ifndef TEMPER_BACKEND_QUESTION_H
#define TEMPER_BACKEND_QUESTION_H

#include <stddef.h>
#include <stdint.h>

/** The weight of a row's largest logit: 2^44. */
#define TEMPER_WEIGHT_ONE 0x1p44

/** The widest row: so many weights of at most 2^44 add up to less than 2^63. */
#define TEMPER_MOST_COLUMNS (1 << 18)

/** What the columns of a row are. */
enum {
  TEMPER_ROW_LOGITS = 0,      /**< a softmax turns them into the prediction */
  TEMPER_ROW_SCORES = 1,      /**< log-scores, decoded to the leave-one-out prediction with `kappa` (MATH (10)) */
  TEMPER_ROW_GAMMA_SCORES = 2 /**< log-scores of the published gamma loss, decoded with `sigma` (MATH (12)) */
};

/** What becomes of the own token's weight after step 7. */
enum {
  TEMPER_OWN_KEPT = 0,    /**< nothing; `own` isn't looked at */
  TEMPER_OWN_SHIFTED = 1, /**< its logit is l + shift / scale */
  TEMPER_OWN_APART = 2    /**< it is taken out of the row; its weight is reported beside that of the others */
};

/** What is asked: bits of temper_question.asked. What isn't asked is 0 in the answer, token ids are -1. */
enum {
  TEMPER_ASK_FAVOURITE = 1 << 0,
  TEMPER_ASK_ENTROPY = 1 << 1,
  TEMPER_ASK_MARGIN = 1 << 2,
  TEMPER_ASK_BEST = 1 << 3,
  TEMPER_ASK_TOTAL = 1 << 4,
  TEMPER_ASK_DRAW = 1 << 5,    /**< token and weight; total comes with it */
  TEMPER_ASK_PROBE = 1 << 6,   /**< total comes with it */
  TEMPER_ASK_BELIEF = 1 << 7,  /**< in the token if a draw is asked for, in the best if that is asked for */
  TEMPER_ASK_ROUGH = 1 << 8,   /**< the belief may be as inexact as eight digits */
  TEMPER_ASK_MASK_STAYS = 1 << 9 /**< the mask's column is a token like others; not with decoded scores */
};

/** How often a token was seen. */
typedef struct temper_token_count {
  int32_t token;
  int32_t count;
} temper_token_count;

/** What is added to a token's logit; -infinity bans it. */
typedef struct temper_token_bias {
  int32_t token;
  double bias;
} temper_token_bias;

/** A question about one row. Lists of ids are ascending; ids that are no column are passed over. */
typedef struct temper_question {
  /* The row. */
  int32_t form;       /**< TEMPER_ROW_... */
  int32_t columns;    /**< floats of the row, 1 to TEMPER_MOST_COLUMNS */
  int32_t vocabulary; /**< ids from here on are never drawn, 1 to columns */
  int32_t mask;       /**< the mask's id, maybe beyond the columns; -1: there is none */
  int32_t own;        /**< the visible token at this place, an id below vocabulary that isn't the mask; -1: masked */
  float offset;       /**< subtracted from every column, in float32 */
  double kappa;       /**< TEMPER_ROW_SCORES: retention of the noise, 0..1 */
  double sigma;       /**< TEMPER_ROW_GAMMA_SCORES: total noise, 0 or more */
  const int32_t *excluded; /**< ids below vocabulary that no token has, without the mask */
  size_t excluded_count;

  /* Shaping. */
  const int32_t *allowed; /**< nothing else may be drawn; count 0: everything may */
  size_t allowed_count;
  const int32_t *banned;  /**< end tokens where none may stand */
  size_t banned_count;
  const temper_token_count *seen; /**< what penalties look at; count 0: there are none */
  size_t seen_count;
  int32_t seen_here;  /**< the token at this place, which counts once less; -1: none */
  double repetition;  /**< > 0; a seen token's logit l becomes l / repetition if positive, else l repetition, ... */
  double frequency;   /**< ... and then loses frequency * count + presence */
  double presence;
  const temper_token_bias *biases;
  size_t biases_count;

  /* Filters. */
  double filter_scale; /**< 1 / temperature that filters, entropy and margin are at, > 0 and finite */
  double top_p;        /**< keep tokens by falling logit while the share before them is below it; 1: off */
  double min_p;        /**< keep tokens with at least this share of the largest; 0: off */
  double typical_p;    /**< keep tokens of typical information up to this share; 1: off */
  int32_t top_k;       /**< keep logits not below the k-th largest; 0: off */

  /* What is asked. */
  uint32_t asked;     /**< TEMPER_ASK_... */
  int32_t own_weight; /**< TEMPER_OWN_... */
  int32_t probe;      /**< an id below vocabulary that isn't the mask */
  double scale;       /**< 1 / temperature that is drawn at, > 0 and finite */
  double shift;       /**< the own token's, in the logarithm of its weight */
  uint64_t bits;      /**< of the draw */
} temper_question;

/** temper_answer.status */
enum {
  TEMPER_ANSWER_GIVEN = 0,
  TEMPER_ANSWER_NOTHING = 1 /**< NaN, +infinity, or no token that may be drawn: all the rest is as if not asked */
};

/** Weights are whole numbers below 2^62, rounded to double; the own weight needn't be whole. */
typedef struct temper_answer {
  int32_t status;
  int32_t token;      /**< drawn; -1 where nothing is left beside the own token */
  int32_t best;       /**< most probable in step 8, the lowest id of equals; -1 likewise */
  int32_t favourite;  /**< most probable in step 7 */
  double total;       /**< of all weights in step 8; 0 where nothing is left beside the own token */
  double own;         /**< TEMPER_OWN_APART: the own token's, shifted, on the others' scale; 2^44 without others */
  double weight;      /**< of `token` */
  double probe;       /**< of the probed token */
  double belief;      /**< share of `token` in step 5, 0..1 */
  double best_belief; /**< share of `best` in step 5 */
  double entropy;     /**< nats */
  double margin;      /**< between the two largest shares, 0..1 */
} temper_answer;

#if defined(__cplusplus)
static_assert(sizeof(temper_answer) <= 104, "answers travel");
#else
_Static_assert(sizeof(temper_answer) <= 104, "answers travel");
#endif

#endif
