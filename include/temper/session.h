/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file session.h
 * @brief One generation in progress: rows of tokens, their KV cache, and the step that sharpens them.
 *
 * At every step the positions of a row are settled (final, level 0), active (the window, computed now)
 * or worthless (pure noise, not stored). A step computes the active window and the tokens that have
 * settled since the last step; a settled token that sees only settled ones is frozen and never computed
 * again (MATH 3.3-3.6). How many rows of the model that takes is reported.
 *
 * A session allocates when it is created and when an option is set; a step allocates nothing, with one exception:
 * see temper_session_fork(). An option for which there is no memory isn't set. The session may then be without
 * memory, until its next call takes what it had.
 * One thread at a time; only temper_session_cancel() may come from another.
 */
#ifndef TEMPER_SESSION_H
#define TEMPER_SESSION_H

#include <temper/types.h>

TEMPER_EXTERN_C_BEGIN

/**
 * @brief Creates a session.
 *
 * Tokens are drawn from the ids that have one: padded rows of the head are left out of every draw, of uniform noise
 * too (::TEMPER_MODEL_OPTION_TOKENS). The first session of a model opens the model's tokenizer for that, unless the
 * option says how many there are.
 * @param[in] model kept alive by the session.
 * @param[in] schedule copied; NULL: what the model was trained with.
 * @param[in] noise copied; NULL: the path the model was trained on.
 * @param[in] sampler copied; NULL: ancestral.
 * @param[in] rows sequences generated side by side, 1..4096; each has its own prompt and end.
 * @param[in] length positions of a row, the prompt included, >= 1. 0: unbounded, which needs
 *   ::TEMPER_SESSION_SLIDING_CONTEXT and a schedule that can stream (quench, block, slide).
 * @param[in] seed of all random draws; results depend on seed, row id, step and position only.
 * @param[out] out NULL on error.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_UNSUPPORTED (the model can't follow this schedule
 *   or noise: the message says why); ::TEMPER_E_MEMORY. @since 0.1
 */
TEMPER_API temper_status temper_session_create(temper_model *model, const temper_hyperschedule *schedule,
                                               const temper_noise *noise, const temper_sampler *sampler,
                                               int32_t rows, int64_t length, uint64_t seed,
                                               temper_session **out, temper_error *error);

/** @brief Ends a session. NULL is fine. @since 0.1 */
TEMPER_API void temper_session_destroy(temper_session *session);

/**
 * @brief Memory a session would take, before taking it: caches and work buffers, without the model.
 * @param[out] bytes from the allocator of the runtime, to within small bookkeeping.
 * @return as temper_session_create(). @since 0.1
 */
TEMPER_API temper_status temper_session_estimate(const temper_model *model,
                                                 const temper_hyperschedule *schedule, int32_t rows,
                                                 int64_t length, int64_t *bytes, temper_error *error);

/** Keys of temper_session_set_i64() and temper_session_get_i64(). */
enum {
  /** 1 (default): settled tokens are served from the KV cache. 0: every step recomputes every row, with
   *  equal results; for comparison. */
  TEMPER_SESSION_CACHE = 1,
  /** Positions a row looks back over at most, >= 1; 0 (default): no limit, and a row ends with
   *  ::TEMPER_LENGTH_LIMIT at the model's trained length. Needs a model with rotary positions and causal
   *  or block-causal context. */
  TEMPER_SESSION_SLIDING_CONTEXT = 2,
  /** 1: end tokens don't end a row. Default 0. */
  TEMPER_SESSION_IGNORE_END = 3,
  /** 1: a call of the model in which no token could change is left out (its rows aren't computed).
   *  Exact. Default 0. */
  TEMPER_SESSION_SKIP_IDLE = 4,
  /** Most rows of the model in one call that only reads a prompt, which is done for those that are too long to be
   *  read beside the window, 1..65536; default 256. */
  TEMPER_SESSION_PREFILL_ROWS = 5,
  /** An end token in addition to the model's own and to those of earlier calls; -1 adds none. They can't be taken
   *  back. Set only. */
  TEMPER_SESSION_END_TOKEN = 6,
  /** 1: positions behind the window are shown to the model from the start, as masks (or random tokens), up
   *  to the row's length; 0: they don't exist for it. -1 (default): 1 for models that attend in both
   *  directions everywhere, which were trained on whole sequences (LLaDA, Dream, MDLM), 0 for the others;
   *  models of block windows are shown whole blocks. Reads as what it came to, 0 or 1. */
  TEMPER_SESSION_CANVAS = 7,
  /** TEMPER_APPROXIMATE_...: caches that aren't exact, for models that attend in both directions everywhere.
   *  Default ::TEMPER_APPROXIMATE_NONE. */
  TEMPER_SESSION_APPROXIMATE = 8,
  /** Calls after which an approximate cache is computed anew, 1..2^20; 0 (default): whenever the settled
   *  part has grown. */
  TEMPER_SESSION_REFRESH = 9,
  /** 1: every call of an approximate cache is also computed exactly, and the step reports the largest
   *  difference of the logits. Doubles the cost. Default 0. */
  TEMPER_SESSION_MEASURE = 10,
  /** Fixed positions (temper_session_fix()) more than so many positions behind the window aren't shown to
   *  the model yet, >= 0; -1 (default): all are. */
  TEMPER_SESSION_LOOK_AHEAD = 11,
  /** 1: blocks of the hyperschedule begin at multiples of its width, the prompt counted, so that the first one
   *  may be begun by the prompt; 0: the first one begins behind the prompt. -1 (default): 1 for models whose
   *  windows are blocks of that width (BD3-LM, SDAR, Fast-dLLM v2), 0 for the others. Reads as what it came to. */
  TEMPER_SESSION_ALIGN = 12,
  /* Read only: */
  TEMPER_SESSION_ROWS = 100,
  TEMPER_SESSION_LENGTH = 101,
  /** Of the longest row; -1: unbounded. Progress = steps / total; samplers with calls of their own (gibbs,
   *  self-correction, edit) come to more than that. */
  TEMPER_SESSION_STEPS_TOTAL = 102,
  TEMPER_SESSION_STEPS = 103,         /**< steps done */
  TEMPER_SESSION_BYTES = 104,         /**< memory it took; a fork doesn't count what it shares */
  TEMPER_SESSION_CACHED = 105,        /**< frozen positions, all rows together */
  TEMPER_SESSION_ROWS_COMPUTED = 106, /**< rows of the model computed so far */
  TEMPER_SESSION_CACHE_RULE = 107,    /**< TEMPER_CACHE_... */
  TEMPER_SESSION_MODEL_CALLS = 108    /**< forward passes so far, prompts and commits included */
};

/** How settled tokens are frozen. */
enum {
  TEMPER_CACHE_OFF = 0,   /**< full context, or switched off: nothing is frozen */
  TEMPER_CACHE_TOKEN = 1, /**< causal context: each settled token */
  TEMPER_CACHE_BLOCK = 2  /**< block-causal context: whole blocks */
};

/**
 * Approximate caches (Fast-dLLM, arXiv 2505.22618). A full call computes every row and keeps its keys and
 * values; the calls after it reuse some of them although what those rows see has changed.
 */
enum {
  TEMPER_APPROXIMATE_NONE = 0,
  TEMPER_APPROXIMATE_PREFIX = 1, /**< the prompt and the settled tokens are reused */
  TEMPER_APPROXIMATE_DUAL = 2    /**< and the undecided positions behind the window; needs the canvas */
};

/**
 * @brief Sets an option; only before the first step. May reallocate.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_STATE; ::TEMPER_E_UNSUPPORTED; ::TEMPER_E_MEMORY.
 * @since 0.1
 */
TEMPER_API temper_status temper_session_set_i64(temper_session *session, int32_t key, int64_t value,
                                                temper_error *error);

/** @brief Reads an option or a figure. @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT. @since 0.1 */
TEMPER_API temper_status temper_session_get_i64(const temper_session *session, int32_t key, int64_t *value,
                                                temper_error *error);

/**
 * @brief Sets the id of a row (default: its index). Draws are keyed by it, so a row with the same id,
 * prompt and seed gives the same tokens alone and in any batch. Before the first step.
 *
 * That rests on logits having the same bits alone and in any batch. On the backends "reference" and "cpu" they
 * always have. On "onednn" and "openblas" they have as long as no call of the model has more than 1,024 rows, those
 * of all sequences together: larger calls sum in another order, and a token may differ where its draw is within
 * rounding (about 1e-6 of the probabilities) of a border.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_STATE. @since 0.1
 */
TEMPER_API temper_status temper_session_set_row_id(temper_session *session, int32_t row, uint32_t id,
                                                   temper_error *error);

/**
 * @brief Sets the settled prefix of a row, replacing an earlier one; @p count tokens, copied. Before the
 * first step. A shifted model needs at least one token; when a row has none the model's begin token (or
 * end token, as GPT-2) is used, if it has one. What was said of the row before is forgotten: fixed tokens, drafts,
 * weights, allowed tokens and the unconditional prompt come after it.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (a token outside the vocabulary, longer than the row);
 *   ::TEMPER_E_STATE. @since 0.1
 */
TEMPER_API temper_status temper_session_prompt(temper_session *session, int32_t row, const int32_t *tokens,
                                               size_t count, temper_error *error);

/**
 * @brief Fixes tokens at any positions of a row; the rest is generated around them (infilling).
 *
 * Fixed positions are at level 0 from the first call on: the model sees them, the sampler never changes them,
 * and they are emitted in their place. Call it after temper_session_prompt(), once or several times; a later
 * call wins. Before the first step. May reallocate.
 * @param[in] positions @p count absolute positions, the prompt included, below the row's length and not in the
 *   prompt. @param[in] tokens one for each.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_STATE; ::TEMPER_E_UNSUPPORTED (an unbounded row; a
 *   model that attends to the past only and can't know what follows); ::TEMPER_E_MEMORY. @since 0.1
 */
TEMPER_API temper_status temper_session_fix(temper_session *session, int32_t row, const int64_t *positions,
                                            const int32_t *tokens, size_t count, temper_error *error);

/** Flags of temper_session_draft(). */
enum { TEMPER_DRAFT_AS_IT_IS = 1 /**< the draft isn't noised: it is already at its levels */ };

/**
 * @brief Starts a row from the caller's draft instead of pure noise: editing in place.
 *
 * Token i stands at position prompt + i and starts at @p levels[i]: 0 keeps it, T throws it away, in between
 * it is noised to that level by the session's noise (draws of the row, so the seed decides) and comes down with
 * the hyperschedule from there on; until then it is seen as it is. Calls in which nothing would come down are
 * left out. After temper_session_prompt(), before the first step. May reallocate.
 * @param[in] tokens @p count tokens; the mask token is allowed and starts as undecided.
 * @param[in] levels @p count levels 0..T of the hyperschedule. @param[in] flags 0 or TEMPER_DRAFT_...
 * @return as temper_session_fix(). @since 0.1
 */
TEMPER_API temper_status temper_session_draft(temper_session *session, int32_t row, const int32_t *tokens,
                                              const int32_t *levels, size_t count, int32_t flags,
                                              temper_error *error);

/**
 * @brief Bends the hyperschedule: a position of weight w comes down w times as fast as one of the smallest
 * weight, from the call on in which its window reaches it (compare semantic-aware noising, arXiv 2407.10998).
 * Equal weights change nothing. After temper_session_prompt(), before the first step. May reallocate.
 * @param[in] weights of positions prompt + 0, 1, ...; > 0, finite; positions beyond @p count have the smallest.
 * @return as temper_session_fix(). @since 0.1
 */
TEMPER_API temper_status temper_session_weights(temper_session *session, int32_t row, const float *weights,
                                                size_t count, temper_error *error);

/**
 * @brief Allows only these tokens at a position; one token forces it, without showing it to the model
 * beforehand. Later calls for the same position replace earlier ones. After temper_session_prompt(), before the
 * first step.
 * @param[in] position absolute, not in the prompt. @param[in] tokens @p count tokens, without the mask; 0: all.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_STATE. @since 0.1
 */
TEMPER_API temper_status temper_session_allow(temper_session *session, int32_t row, int64_t position,
                                              const int32_t *tokens, size_t count, temper_error *error);

/**
 * @brief Classifier-free guidance: every call runs the model twice over the window, with the prompt (c) and
 * without it (u), in one batch; the sampler gets u + (scale + 1)(c - u) (MATH 4.1; LLaDA, arXiv 2502.09992).
 * Before the first step. Reallocates. For score models the logarithms of the decoded predictions are combined.
 * @param[in] scale -1..100; 0 switches it off.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_STATE; ::TEMPER_E_MEMORY;
 *   ::TEMPER_E_UNSUPPORTED (with an approximate cache, or for unbounded rows). @since 0.1
 */
TEMPER_API temper_status temper_session_guide(temper_session *session, double scale, temper_error *error);

/**
 * @brief The prompt of the run "without the prompt", no longer than the row's own, which is set before (setting it
 * again forgets this one). Without this call it is the row's own with every token masked, which a model without a mask
 * token can't have.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_STATE (guidance is off, or after the first step).
 * @since 0.1
 */
TEMPER_API temper_status temper_session_unconditional(temper_session *session, int32_t row,
                                                      const int32_t *tokens, size_t count, temper_error *error);

/** One row of logits on its way to the sampler, see ::temper_logits_fn. Set by the library. */
typedef struct temper_logits {
  uint32_t struct_size;
  int32_t row;            /**< of the session */
  int64_t position;       /**< absolute: the position whose token these logits predict */
  int64_t call;           /**< model call of the row, from 0; when a candidate is looked at: the next one */
  int32_t level;          /**< of the position before the step */
  int32_t next_level;     /**< and after it */
  const int32_t *tokens;  /**< the row as it stands: tokens of positions first..first+count-1; masks are the
                           *   mask token (or -1) */
  int64_t first;
  int64_t count;
  float *logits;          /**< @c columns values, to be read and changed; NaN and +inf are errors, -inf forbids */
  int32_t columns;
  int32_t reserved;
} temper_logits;

/**
 * @brief The caller's own work on logits, once per predicted position and call, in order of the rows. Called on
 * the thread that steps; must not use the session. After guidance, before everything the sampler does
 * (exclusions, biases, penalties, temperature, filters). For score models: log probabilities after decoding.
 * @return 0 to go on; anything else ends the step with ::TEMPER_E_CANCELLED and nothing changed.
 */
typedef int32_t (*temper_logits_fn)(void *user, temper_logits *logits);

/**
 * @brief Sets or (NULL) removes the function that sees all logits. Any time between steps.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT. @since 0.1
 */
TEMPER_API temper_status temper_session_set_logits_fn(temper_session *session, temper_logits_fn function,
                                                      void *user, temper_error *error);

/** Windows to choose from, see ::temper_value_fn. Set by the library. */
typedef struct temper_candidates {
  uint32_t struct_size;
  int32_t row;               /**< of the session */
  int64_t call;              /**< model call of the row, from 0 */
  const int32_t *settled;    /**< tokens of positions first..first+settled_count-1 */
  int64_t first;
  int64_t settled_count;
  const int32_t *tokens;     /**< [count][width]: the positions behind the settled ones */
  int32_t count;             /**< M */
  int32_t reserved;
  int64_t width;
} temper_candidates;

/**
 * @brief The caller's value of each candidate, the larger the better, into @p values (M finite numbers or
 * -inf). Called on the thread that steps; must not use the session.
 * @return 0 to go on; anything else ends the step with ::TEMPER_E_CANCELLED and nothing changed.
 */
typedef int32_t (*temper_value_fn)(void *user, const temper_candidates *candidates, double *values);

/** What candidates look like to the caller. */
enum {
  TEMPER_VALUE_DRAFT = 0, /**< as they would be after the step, masks included (SVDD-MC) */
  TEMPER_VALUE_CLEAN = 1  /**< every token that isn't certain yet as the model predicts it from the candidate (the
                           *   most probable one of p(x_0 | candidate), SVDD-PM): one more call of the model for
                           *   each candidate and step, in which the caller's function for logits takes part.
                           *   Positions that take no part in that call stay masked. Needs an exact or a
                           *   prefix cache. */
};

/**
 * @brief Guidance by value (SVDD, arXiv 2408.08252, algorithm 1): every step draws @p candidates windows from
 * one call of the model and keeps one of them, window m with probability proportional to exp(value_m / alpha).
 * One candidate is the unguided sampler, token for token. Before the first step. Reallocates.
 * @param[in] function NULL: off, whatever the rest is. @param[in] candidates M, 1..256. @param[in] alpha >= 0; 0: the
 *   best, the first of equals. @param[in] form TEMPER_VALUE_...
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_STATE; ::TEMPER_E_MEMORY; ::TEMPER_E_UNSUPPORTED.
 *   @since 0.1
 */
TEMPER_API temper_status temper_session_set_value_fn(temper_session *session, temper_value_fn function,
                                                     void *user, int32_t candidates, double alpha,
                                                     int32_t form, temper_error *error);

/** What a step did, all rows together. Set @c struct_size to sizeof before the call. */
typedef struct temper_step_info {
  uint32_t struct_size;
  int32_t step;            /**< index of this step, from 0 */
  int64_t steps_total;     /**< of the longest row, whether or not it still runs; -1: unbounded */
  int32_t rows_running;    /**< rows not finished after this step */
  int32_t model_calls;     /**< forward passes: 1, more while a long prompt is read or clean candidates are looked
                            *   at, 0 when idle */
  int64_t rows_computed;   /**< rows of the model computed */
  int64_t rows_cached;     /**< frozen positions attended to without being computed */
  int64_t logit_rows;      /**< rows the head was computed for */
  int64_t settled;         /**< tokens that became final */
  int64_t changed;         /**< positions whose token changed */
  int32_t logits_reused;   /**< 1: no row was computed because none could change a token */
  int32_t reserved;
  int64_t rows_stale;      /**< of rows_cached: those that an exact call would have computed */
  double cache_difference; /**< largest difference of a logit to an exact call's; -1: not measured */
} temper_step_info;

/** Where a row stands. Set @c struct_size to sizeof before the call. Positions include the prompt. */
typedef struct temper_row_info {
  uint32_t struct_size;
  int32_t finished;        /**< TEMPER_ROW_... */
  int64_t step;            /**< model calls of this row so far */
  int64_t settled_begin;   /**< the last step settled [settled_begin, settled_end) */
  int64_t settled_end;
  int64_t window_end;      /**< the window is [settled_end, window_end) */
  int64_t cached;          /**< frozen positions */
  int64_t changed;         /**< positions the last step changed */
} temper_row_info;

/** Why a row ended. */
enum {
  TEMPER_ROW_RUNNING = 0,
  TEMPER_ROW_LENGTH = 1,      /**< all positions are settled */
  TEMPER_ROW_END_TOKEN = 2,   /**< an end token settled; nothing after it is emitted or computed */
  TEMPER_ROW_MODEL_LIMIT = 3  /**< the model's trained length was reached */
};

/**
 * @brief One step: a forward pass over the newly settled and the active positions, and one move of
 * the sampler. Settled ranges come in order, each position once, and never change afterwards.
 * @param[in,out] info optional.
 * @return ::TEMPER_OK: something was done; ::TEMPER_DONE: all rows were finished before;
 *   ::TEMPER_LENGTH_LIMIT: as OK, and a row ended now because of the trained length;
 *   ::TEMPER_E_CANCELLED: nothing changed, the step can be tried again; ::TEMPER_E_CAPACITY: an unbounded row has no
 *   room for more tokens, read what has settled; ::TEMPER_E_BACKEND; ::TEMPER_E_UNSUPPORTED (the model gave logits
 *   that aren't finite); ::TEMPER_E_ARGUMENT (a row without a prompt whose model has no begin token, guidance of a
 *   model without a mask token and without an unconditional prompt, a schedule that ends before the row does, values
 *   of candidates that are NaN, +inf or all -inf); ::TEMPER_E_STATE (an unbounded row without a sliding context);
 *   ::TEMPER_E_MEMORY (what was shared with a fork is written to). After an error nothing changed, but that a first
 *   step that was cancelled, or failed once the rows had begun, counts as the first step: prompts and options stay.
 * @since 0.1
 */
TEMPER_API temper_status temper_session_step(temper_session *session, temper_step_info *info,
                                             temper_error *error);

/** @brief Where a row stands. @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT. @since 0.1 */
TEMPER_API temper_status temper_session_row(const temper_session *session, int32_t row,
                                            temper_row_info *info, temper_error *error);

/**
 * @brief Moves settled tokens out, each once, in order; the prompt isn't among them. An end token is.
 * @param[out] tokens @p capacity places. @param[out] count tokens written; 0 is no error.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT. @since 0.1
 */
TEMPER_API temper_status temper_session_read(temper_session *session, int32_t row, int32_t *tokens,
                                             size_t capacity, size_t *count, temper_error *error);

/**
 * @brief Copies the window's tentative tokens, [settled_end, window_end); undecided places hold the mask
 * token (or -1 for a model without one).
 * @param[out] count tokens of the window; with a smaller @p capacity the first ones are written and
 *   ::TEMPER_E_CAPACITY is returned. @return ::TEMPER_OK; ::TEMPER_E_CAPACITY; ::TEMPER_E_ARGUMENT. @since 0.1
 */
TEMPER_API temper_status temper_session_window(const temper_session *session, int32_t row, int32_t *tokens,
                                               size_t capacity, size_t *count, temper_error *error);

/**
 * @brief Copies all settled tokens of a row, the prompt included. Same rules as temper_session_window().
 * @since 0.1
 */
TEMPER_API temper_status temper_session_tokens(const temper_session *session, int32_t row, int32_t *tokens,
                                               size_t capacity, size_t *count, temper_error *error);

/** How a token came about, see temper_session_provenance(). Layout frozen. */
typedef struct temper_token_record {
  int32_t token;       /**< its present value; undecided: the mask token or -1 */
  int32_t set_call;    /**< model call of the row (from 0) that gave it this value; -1: the caller did */
  int32_t settled_call;/**< model call after which it was final; -1: not yet, or given by the caller */
  int32_t changes;     /**< how often it changed in all */
  float probability;   /**< of its value under the (filtered) prediction it was drawn from; 0: not from one */
} temper_token_record;

/**
 * @brief Where the tokens of positions [@p first, @p first + @p count) come from. Positions that haven't been
 * reached yet are reported as undecided. Unbounded rows know what they haven't forgotten.
 * @param[out] records @p count places.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (outside the row, or forgotten). @since 0.1
 */
TEMPER_API temper_status temper_session_provenance(const temper_session *session, int32_t row, int64_t first,
                                                   temper_token_record *records, size_t count,
                                                   temper_error *error);

/**
 * @brief Makes a second session that goes on from where this one stands: same options, tokens, draft and
 * position in the hyperschedule, with its own seed. What is frozen in the KV cache is shared: no row is computed,
 * and it is in memory once, as long as one of the two lives (in whole pages of at most 64 slots; approximate
 * caches are copied). The first step that writes to what is still shared, because a sliding context lets go of
 * slots or because of another prompt after temper_session_reset(), takes memory of its own for it. Functions set
 * by the caller aren't taken over; that of temper_session_set_value_fn() can't be set again, so that a fork of a
 * session guided by value goes on unguided. The two are independent afterwards and may be used on different threads.
 * @param[in] seed of the copy's draws; the same seed gives the same tokens as this session where no function is missed.
 * @param[out] out NULL on error.
 * @return ::TEMPER_OK; ::TEMPER_E_MEMORY; ::TEMPER_E_STATE. @since 0.1
 */
TEMPER_API temper_status temper_session_fork(const temper_session *session, uint64_t seed,
                                             temper_session **out, temper_error *error);

/**
 * @brief Writes the state of a session: seed, prompts, tokens, levels, what the sampler remembers. No caches
 * and no weights: about 48 bytes a position. Byte order and layout are this machine's.
 * @param[out] bytes @p capacity places, may be NULL with 0. @param[out] size bytes needed.
 * @return ::TEMPER_OK; ::TEMPER_E_CAPACITY; ::TEMPER_E_ARGUMENT; ::TEMPER_E_UNSUPPORTED (a sliding context: what
 *   the row has forgotten would be needed to compute its cache again; fork it instead). @since 0.1
 */
TEMPER_API temper_status temper_session_save(const temper_session *session, void *bytes, size_t capacity,
                                             size_t *size, temper_error *error);

/**
 * @brief Takes over a state that temper_session_save() wrote, from a session created with the same model,
 * hyperschedule, noise, kind of sampler, rows and length and given the same options. The next step computes the
 * cache again and then goes on with the same tokens (an approximate cache begins anew). The bytes aren't trusted.
 * That hyperschedules and noise paths which are functions are the same ones is the caller's word: they aren't compared
 * level by level.
 * @return ::TEMPER_OK; ::TEMPER_E_FORMAT; ::TEMPER_E_ARGUMENT (of another session); ::TEMPER_E_UNSUPPORTED (a sliding
 *   context); ::TEMPER_E_STATE (fixed, drafted or weighted positions after the first step of a session that has no room
 *   for them); ::TEMPER_E_MEMORY; on error the session is as it was. @since 0.1
 */
TEMPER_API temper_status temper_session_restore(temper_session *session, const void *bytes, size_t size,
                                                temper_error *error);

/**
 * @brief Back to just-created, with another seed: prompts and tokens are gone, options, row ids and
 * memory stay. Can't fail but for NULL. @since 0.1
 */
TEMPER_API temper_status temper_session_reset(temper_session *session, uint64_t seed, temper_error *error);

/**
 * @brief Asks the running step, or else the next one, to stop; it returns ::TEMPER_E_CANCELLED within one
 * layer's time and the session stays usable. Idempotent. NULL is fine. Thread: any. @since 0.1
 */
TEMPER_API void temper_session_cancel(temper_session *session);

TEMPER_EXTERN_C_END

#endif
