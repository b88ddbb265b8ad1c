/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file hyperschedule.h
 * @brief A noise level per step and position: what makes a generation autoregressive, diffusion, or both.
 *
 * Before call k of the model position i stands at level tau(k, i), from T (pure noise) to 0 (settled,
 * final). Levels never rise. Positions count from the first generated one; a prompt stands in front and
 * isn't part of the schedule. (Fathi, Scholak, Noel: "Unifying Autoregressive and Diffusion-Based Sequence
 * Generation", arXiv 2504.06416, section 3.)
 *
 * A hyperschedule can't be changed once it is made: any number of threads may read it and any number of
 * sessions be given it; they copy it, so it may be destroyed at once.
 */
#ifndef TEMPER_HYPERSCHEDULE_H
#define TEMPER_HYPERSCHEDULE_H

#include <temper/types.h>

TEMPER_EXTERN_C_BEGIN

/** Kinds of hyperschedule; w = width (positions), T = levels, K = calls for d positions. */
enum {
  TEMPER_QUENCH = 0,        /**< one position per call, left to right (GPT); T = 1, K = d */
  TEMPER_FLAT = 1,          /**< all positions together; K = T */
  TEMPER_BLOCK = 2,         /**< blocks of w, T calls each; K = T ceil(d/w) */
  TEMPER_SLIDE = 3,         /**< a window of w that moves on by w/T per call; K = T + floor((d-1)T/w) */
  TEMPER_SLIDE_JUMP = 4,    /**< slide without its ramp of T-1 calls: fewer calls for the first positions */
  TEMPER_HYBRID = 5,        /**< blocks of w whose positions start one call apart;
                             *   K = (T+w-1) ceil(d/w) - (w - last block) */
  TEMPER_SLIDE_OFFICIAL = 6 /**< slide with the levels of the published code (rounded half to even) */
};

/** What temper_hyperschedule_get_i64() also answers: how a schedule was given. */
enum {
  TEMPER_HYPERSCHEDULE_TABLE = 7,   /**< by temper_hyperschedule_create_table() */
  TEMPER_HYPERSCHEDULE_CALLBACK = 8 /**< by temper_hyperschedule_create_callback() */
};

/** Keys of temper_hyperschedule_get_i64(). */
enum {
  TEMPER_HYPERSCHEDULE_KIND = 1,   /**< TEMPER_QUENCH ... ::TEMPER_HYPERSCHEDULE_CALLBACK */
  TEMPER_HYPERSCHEDULE_WIDTH = 2,  /**< w; 0 where the kind has none */
  TEMPER_HYPERSCHEDULE_LEVELS = 3  /**< T */
};

/**
 * @brief Level of @p position (from 0) before call @p step (from 0), 0..T; 0 from the last call on.
 *
 * Called on the thread that uses the hyperschedule or a session with it, also long after creation, for
 * any step and position below the session's length. Must give the same answer for the same arguments and
 * never a higher level for a later step. @p user must live as long as every session that uses it.
 */
typedef int32_t (*temper_level_fn)(void *user, int64_t step, int64_t position);

/**
 * @brief Makes one of the named hyperschedules. MATH 3.2, equation (13).
 * @param[in] kind TEMPER_QUENCH ... ::TEMPER_SLIDE_OFFICIAL.
 * @param[in] width w in positions, 1..2^31; ignored by quench and flat. Need not divide the length.
 * @param[in] levels T, 1..2^20; ignored by quench. Need not divide, or be divided by, the width.
 * @param[out] out NULL on error.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_MEMORY. Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_hyperschedule_create(int32_t kind, int64_t width, int32_t levels,
                                                     temper_hyperschedule **out, temper_error *error);

/**
 * @brief Makes a hyperschedule from a table, which is copied.
 *
 * Checked (MATH 3.1): 0 <= level <= T; no level rises from one row to the next; the last row is all 0.
 * A first row with levels below T is a warm start. Steps that lower nothing are allowed (a session runs
 * them unless told otherwise). Usable for up to @p positions generated positions.
 * @param[in] values row-major, @p steps + 1 rows of @p positions levels: before call 0, ..., after the last.
 * @param[in] steps calls, 1..2^24. @param[in] positions 1..2^31.
 * @param[in] levels T, the level that means pure noise, 1..2^20.
 * @param[out] out NULL on error.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT, naming the step and position at fault; ::TEMPER_E_MEMORY.
 * Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_hyperschedule_create_table(const int32_t *values, int64_t steps,
                                                           int64_t positions, int32_t levels,
                                                           temper_hyperschedule **out, temper_error *error);

/**
 * @brief Makes a hyperschedule from a function. It is checked when a session is created with it, for the
 * session's length, by the rules of temper_hyperschedule_create_table(); the number of calls is found by
 * search (the first step at which all positions are 0, at most 2^24).
 * @param[in] function see ::temper_level_fn. @param[in] user handed to it, may be NULL.
 * @param[in] levels T, 1..2^20. @param[out] out NULL on error.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_MEMORY. Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_hyperschedule_create_callback(temper_level_fn function, void *user,
                                                              int32_t levels, temper_hyperschedule **out,
                                                              temper_error *error);

/** @brief Ends a hyperschedule. NULL is fine; sessions made with it go on. @since 0.1 */
TEMPER_API void temper_hyperschedule_destroy(temper_hyperschedule *schedule);

/**
 * @brief Number of calls of the model that settle @p length positions, K of MATH 3.2.
 * @param[in] length 0..2^31, the prompt not included.
 * @param[out] steps K.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT, also when the schedule can't settle so many positions (a table
 * that is too short, a function that breaks the rules). Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_hyperschedule_steps(const temper_hyperschedule *schedule, int64_t length,
                                                    int64_t *steps, temper_error *error);

/**
 * @brief Level of one position before call @p step; the sampler of that call moves it to the level at
 * @p step + 1.
 * @param[in] step >= 0; from K on all levels are 0. @param[in] position 0..2^31-1.
 * @param[out] level 0..T.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT. Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_hyperschedule_level(const temper_hyperschedule *schedule, int64_t step,
                                                    int64_t position, int32_t *level, temper_error *error);

/**
 * @brief The parts of a sequence in call @p step (MATH 3.3): [0, settled_end) is settled,
 * [settled_end, active_end) is the active window, the rest is worthless (pure noise before and after).
 * @param[in] step >= 0. @param[in] length generated positions, 0..2^31.
 * @param[out] settled_end may be NULL. @param[out] active_end may be NULL.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT. Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_hyperschedule_span(const temper_hyperschedule *schedule, int64_t step,
                                                   int64_t length, int64_t *settled_end,
                                                   int64_t *active_end, temper_error *error);

/**
 * @brief How it was made: kind, width, levels.
 * @param[in] key ::TEMPER_HYPERSCHEDULE_KIND, ::TEMPER_HYPERSCHEDULE_WIDTH or ::TEMPER_HYPERSCHEDULE_LEVELS.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT. Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_hyperschedule_get_i64(const temper_hyperschedule *schedule, int32_t key,
                                                      int64_t *value, temper_error *error);

TEMPER_EXTERN_C_END

#endif
