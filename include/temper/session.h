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
 * A session allocates when it is created and when an option is set; a step allocates nothing.
 * One thread at a time; only temper_session_cancel() may come from another.
 */
#ifndef TEMPER_SESSION_H
#define TEMPER_SESSION_H

#include <temper/types.h>

TEMPER_EXTERN_C_BEGIN

/**
 * @brief Creates a session.
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
  /** Most rows of the model in one call while a prompt is read, 1..65536; default 256. */
  TEMPER_SESSION_PREFILL_ROWS = 5,
  /** An end token in addition to the model's own; -1: none. Set only. */
  TEMPER_SESSION_END_TOKEN = 6,
  /* Read only: */
  TEMPER_SESSION_ROWS = 100,
  TEMPER_SESSION_LENGTH = 101,
  TEMPER_SESSION_STEPS_TOTAL = 102,   /**< of the longest row; -1: unbounded. Progress = steps / total */
  TEMPER_SESSION_STEPS = 103,         /**< steps done */
  TEMPER_SESSION_BYTES = 104,         /**< memory in use */
  TEMPER_SESSION_CACHED = 105,        /**< frozen positions, all rows together */
  TEMPER_SESSION_ROWS_COMPUTED = 106, /**< rows of the model computed so far */
  TEMPER_SESSION_CACHE_RULE = 107     /**< TEMPER_CACHE_... */
};

/** How settled tokens are frozen. */
enum {
  TEMPER_CACHE_OFF = 0,   /**< full context, or switched off: nothing is frozen */
  TEMPER_CACHE_TOKEN = 1, /**< causal context: each settled token */
  TEMPER_CACHE_BLOCK = 2  /**< block-causal context: whole blocks */
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
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_STATE. @since 0.1
 */
TEMPER_API temper_status temper_session_set_row_id(temper_session *session, int32_t row, uint32_t id,
                                                   temper_error *error);

/**
 * @brief Sets the settled prefix of a row, replacing an earlier one; @p count tokens, copied. Before the
 * first step. A shifted model needs at least one token; when a row has none the model's begin token (or
 * end token, as GPT-2) is used, if it has one.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (a token outside the vocabulary, longer than the row);
 *   ::TEMPER_E_STATE. @since 0.1
 */
TEMPER_API temper_status temper_session_prompt(temper_session *session, int32_t row, const int32_t *tokens,
                                               size_t count, temper_error *error);

/** What a step did, all rows together. Set @c struct_size to sizeof before the call. */
typedef struct temper_step_info {
  uint32_t struct_size;
  int32_t step;            /**< index of this step, from 0 */
  int64_t steps_total;     /**< of the longest row still running; -1: unbounded */
  int32_t rows_running;    /**< rows not finished after this step */
  int32_t model_calls;     /**< forward passes: 1, more while a long prompt is read, 0 when idle */
  int64_t rows_computed;   /**< rows of the model computed */
  int64_t rows_cached;     /**< frozen positions attended to without being computed */
  int64_t logit_rows;      /**< rows the head was computed for */
  int64_t settled;         /**< tokens that became final */
  int64_t changed;         /**< positions whose token changed */
  int32_t logits_reused;   /**< 1: no row was computed because none could change a token */
  int32_t reserved;
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
 *   ::TEMPER_E_CANCELLED: nothing changed, the step can be tried again; ::TEMPER_E_BACKEND;
 *   ::TEMPER_E_UNSUPPORTED (the model gave logits that aren't finite). After an error nothing changed.
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
