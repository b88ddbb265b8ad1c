/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sampler.h
 * @brief How a step moves every active position from its noise level to the next one.
 *
 * The model's logits are processed in a fixed order (MATH 4.1): guidance, the caller's function (session.h); mask
 * and unknown ids excluded, allowed and end tokens, penalties, biases (shaping.h); temperature, top-k, top-p,
 * min-p, typical, softmax in double. All of it acts on what a position turns into, never on whether it is
 * revealed or kept. Draws are addressed by (seed, row id, step, position) (MATH 6), so
 * they depend neither on threads nor on the batch.
 *
 * A sampler is a value: change it on one thread at a time; sessions copy it. A parameter that was set and does
 * nothing on a session's model and path is told through the runtime's log (::TEMPER_LOG_WARNING) when the session is
 * made.
 */
#ifndef TEMPER_SAMPLER_H
#define TEMPER_SAMPLER_H

#include <temper/types.h>

TEMPER_EXTERN_C_BEGIN

/**
 * Kinds of sampler. "Visible" is an active token that isn't the mask; m, kappa and levels are those of the noise
 * (noise.h), going from t to s < t in one call. Where a kind can't follow a model or a path,
 * temper_session_create() says why. Numbers are fixed.
 */
enum {
  /** The exact reverse chain on any path (MATH 1.4, equation (4); D3PM, arXiv 2107.03006): masked positions are
   *  revealed with probability (m_t-m_s)/m_t; visible ones are edited as far as the path has uniform noise. */
  TEMPER_SAMPLER_ANCESTRAL = 0,
  /** Adaptive correction (HDLM, arXiv 2504.06416): reveals as ancestral, and draws each visible active token
   *  anew with probability eta m_s/m_t. A heuristic: doesn't keep the marginals, lowers the entropy. */
  TEMPER_SAMPLER_ACS = 1,
  /** Ancestral decisions, and always the most probable token; the lowest id wins ties. */
  TEMPER_SAMPLER_GREEDY = 2,
  /** The step's whole distribution in one draw: scores to the leave-one-out prediction (10), to the step (6)
   *  (SEDD, arXiv 2310.16834). The same law as ancestral; any path and head. */
  TEMPER_SAMPLER_ANALYTIC = 3,
  /** Exact remasking (MATH 1.6, equation (8); zeta = 1: GIDD's kernel, arXiv 2503.04482): visible tokens become
   *  masks again, the likelier the less the model believes them, and the path's marginals stay. Needs a path
   *  with masks and uniform noise. */
  TEMPER_SAMPLER_REMASK = 4,
  /** ReMDM (arXiv 2503.00307) on paths of masks alone: visible tokens become masks again with probability
   *  sigma, see ::TEMPER_SAMPLER_RULE. */
  TEMPER_SAMPLER_REMDM = 5,
  /** First hitting (arXiv 2409.02908): the chain of masks in continuous time, one token per model call, so a
   *  call of the hyperschedule may take several of the model. A model told the time is told the call's. */
  TEMPER_SAMPLER_FIRST_HITTING = 6,
  /** As many masked positions a call as the levels say, the most confident first (LLaDA, arXiv 2502.09992; Dream,
   *  arXiv 2508.15487). */
  TEMPER_SAMPLER_CONFIDENCE = 7,
  /** All masked positions that are confident enough, at least one (Fast-dLLM, arXiv 2505.22618). A window
   *  without masks settles at once, so there are fewer calls than the hyperschedule's. */
  TEMPER_SAMPLER_THRESHOLD = 8,
  /** The least uncertain masked positions while the sum of their entropies, the largest left out, is within a
   *  bound (EB-sampler, arXiv 2505.24857). Settles like threshold. */
  TEMPER_SAMPLER_ENTROPY_BOUND = 9,
  /** Predictor-corrector: before each exact move, calls that draw random visible tokens anew from what the others
   *  say (leave-one-out Gibbs, arXiv 2605.22765; MATH 4.2). Exact for one position a call. Needs a model that
   *  predicts visible tokens. */
  TEMPER_SAMPLER_GIBBS = 10,
  /** Draws a clean token everywhere and noises it to the next level: the correct form of the published "remask";
   *  keeps the marginals, forgets the state (MATH 4.2). */
  TEMPER_SAMPLER_RENOISE = 11,
  /** Ancestral; the last call of a window is then repeated, replacing the tokens that gain most, until nothing
   *  improves (GIDD, arXiv 2503.04482, section 5). Needs a model that predicts visible tokens. */
  TEMPER_SAMPLER_SELF_CORRECT = 12,
  /** Threshold for masks, and visible tokens give way to a better one that is sure enough (LLaDA2.1, arXiv
   *  2602.08676). Needs a model that predicts visible tokens. */
  TEMPER_SAMPLER_EDIT = 13
};

/** Parameters of a sampler. Which kinds have which, and in what range, temper_sampler_bounds() says. */
enum {
  TEMPER_SAMPLER_TEMPERATURE = 1, /**< logits are divided by it; 0..100, default 1 (self-correction: 0.1, for its
                                   *   rounds); 0: the most probable token */
  TEMPER_SAMPLER_TOP_K = 2,       /**< keep logits not below the k-th largest (ties kept); 0..2^30, default 0: off */
  TEMPER_SAMPLER_TOP_P = 3,       /**< keep tokens, by falling probability, while the mass before them is below it;
                                   *   0..1, default 1: off */
  TEMPER_SAMPLER_MIN_P = 4,       /**< keep tokens with at least this share of the largest probability; 0..1,
                                   *   default 0: off */
  /** ACS, 0..1, default 0.01 (the published program's; the paper's tables go up to 0.25). ReMDM, default 0.02:
   *  the cap of sigma, its share of the largest, or its value in the loop. Renoise with compat 2: as ACS. Does
   *  nothing in ACS on models that were trained to keep visible tokens (MDLM, BD3-LM, LLaDA, Dream). */
  TEMPER_SAMPLER_ETA = 5,
  /** Locally typical sampling (arXiv 2202.00666): keep the tokens whose information is nearest the entropy, up to
   *  this mass; 0..1, default 1: off. */
  TEMPER_SAMPLER_TYPICAL_P = 6,
  /** 1: as the published program does it where that isn't exact, for comparisons; default 0. Ancestral, ACS,
   *  confidence, threshold: the mask id keeps its place in the softmax, and a position that draws it stays
   *  (or becomes) masked; does nothing where logits have no column for the mask or scores have to be decoded.
   *  Confidence: a call may reveal nothing. Analytic: the staggered score of the
   *  gamma-hybrid program. ReMDM: its `remdm`. Renoise: 1 its `remask`, 2 its `remask_adhoc_shuffle`. */
  TEMPER_SAMPLER_COMPAT = 7,
  /** Remask: from 0, the absorbing chain, to 1, the resampling kernel; default 1. Does nothing on paths whose uniform
   *  noise doesn't grow with time (epsilon). */
  TEMPER_SAMPLER_ZETA = 8,
  TEMPER_SAMPLER_RULE = 9,        /**< ReMDM: TEMPER_REMDM_...; confidence: TEMPER_COUNT_... */
  TEMPER_SAMPLER_T_ON = 10,       /**< ReMDM loop: the time at which it begins; 0..1, default 0.55 */
  TEMPER_SAMPLER_T_OFF = 11,      /**< and ends, below t_on; default 0.05 */
  TEMPER_SAMPLER_ALPHA_ON = 12,   /**< share of visible tokens in the loop; 0..0.999, default 0.9 */
  TEMPER_SAMPLER_ORDER = 13,      /**< TEMPER_ORDER_...: what confident means; default ::TEMPER_ORDER_PROBABILITY */
  /** Confidence: positions are drawn without replacement with weights exp(confidence / this) (Dream's alg_temp);
   *  0..100, default 0: the most confident. */
  TEMPER_SAMPLER_ORDER_TEMPERATURE = 14,
  TEMPER_SAMPLER_THRESHOLD_AT = 15, /**< threshold, edit: confidence that is enough; 0..1, default 0.9 */
  /** Threshold, edit: instead, the n most confident with (n + 1)(1 - confidence of the n-th) below it (Fast-dLLM);
   *  0..1000, default 0: off. */
  TEMPER_SAMPLER_FACTOR = 16,
  TEMPER_SAMPLER_BOUND = 17,      /**< entropy bound: nats; 0..1000, default 0.1 */
  TEMPER_SAMPLER_CORRECTOR_STEPS = 18,     /**< gibbs: correcting calls before each move; 0..1000, default 1 */
  TEMPER_SAMPLER_CORRECTOR_POSITIONS = 19, /**< gibbs, self-correction: positions per call; 1..65536, default 1 */
  TEMPER_SAMPLER_EDIT_AT = 20,    /**< edit: probability, at temperature 1 before filters, that a better token
                                   *   needs; 0..1, default 0.9 */
  TEMPER_SAMPLER_EXTRA_STEPS = 21,/**< self-correction, edit: calls beyond the hyperschedule's, per window, at most;
                                   *   0..2^20, default 256, 16 */
  TEMPER_SAMPLER_PATIENCE = 22,   /**< self-correction: rounds without better agreement; 1..2^20, default 32 */
  /** Adaptive stop (as in DiffusionGemma): when every position's most probable token has been the same for so many
   *  calls in a row, and the mean entropy is below ::TEMPER_SAMPLER_STOP_ENTROPY, the window takes those tokens
   *  and settles. 0..2^20, default 0: off. */
  TEMPER_SAMPLER_STOP_STABLE = 23,
  TEMPER_SAMPLER_STOP_ENTROPY = 24, /**< nats; 0..100, default 0.005 */
  TEMPER_SAMPLER_END_RULE = 25      /**< TEMPER_END_...; default ::TEMPER_END_FREE */
};

/** Values of ::TEMPER_SAMPLER_RULE for ReMDM: sigma, at most sigma_max = min(1, (1-alpha_s)/alpha_t). */
enum {
  TEMPER_REMDM_CAP = 0,     /**< min(eta, sigma_max) */
  TEMPER_REMDM_RESCALE = 1, /**< eta sigma_max */
  TEMPER_REMDM_CONF = 2,    /**< sigma_max, shared out by softmax(-probability that the token was drawn with) */
  TEMPER_REMDM_LOOP = 3     /**< alpha_on is reached at t_on and left at t_off; calls in between remask with eta */
};

/** Values of ::TEMPER_SAMPLER_RULE for confidence: positions per call. */
enum {
  TEMPER_COUNT_EVEN = 0, /**< the number that the path reveals on average, rounded up: the masks split evenly over
                          *   the calls (LLaDA) */
  TEMPER_COUNT_FLOOR = 1 /**< rounded down, but at least one (Dream, whose path is linear) */
};

/** Values of ::TEMPER_SAMPLER_ORDER. Larger is sooner; ties go to the smaller position. At temperature 0 those after
 *  filters are as at temperature 1 (as Dream's program has it). */
enum {
  TEMPER_ORDER_PROBABILITY = 0, /**< of the drawn token at temperature 1, before filters (LLaDA) */
  TEMPER_ORDER_FILTERED = 1,    /**< of the drawn token after temperature and filters (Dream's maskgit_plus) */
  TEMPER_ORDER_MARGIN = 2,      /**< the two largest probabilities' difference, after filters */
  TEMPER_ORDER_ENTROPY = 3,     /**< negative entropy, after filters */
  TEMPER_ORDER_RANDOM = 4,
  TEMPER_ORDER_POSITION = 5     /**< from left to right (SDAR's sequential) */
};

/** Values of ::TEMPER_SAMPLER_END_RULE. */
enum {
  TEMPER_END_FREE = 0,  /**< end tokens are tokens like others */
  TEMPER_END_NEVER = 1, /**< they aren't drawn (LLaDA's logits_eos_inf, for all end ids) */
  TEMPER_END_LAST = 2   /**< samplers by confidence: they are the least confident (confidence_eos_eot_inf) */
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
 * @param[in] value within temper_sampler_bounds(); counts and TEMPER_ numbers must be whole.
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
