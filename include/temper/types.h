/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file types.h
 * @brief Status codes, errors, callbacks and handles that all other headers share.
 *
 * Errors: every function that can fail returns a ::temper_status and takes an optional
 * ::temper_error as its last argument. The caller owns that struct; it has a fixed size, nothing in
 * it is allocated, and it is filled whenever the status is negative (never touched otherwise).
 *
 * Ownership: what a `create` or `open` function returns is ended by the matching `destroy`, which
 * accepts NULL. Handles keep what they need alive, so the order of destruction is free. The library
 * never hands out memory to be freed: results are copied to the caller's buffers, and returned
 * strings live as long as their handle or, where stated, for ever.
 *
 * Threads: a runtime may be shared between threads once its first model is open; models and
 * tokenizers and hyperschedules are immutable and may always be shared. Noise mixes and samplers are
 * values: one thread while they are being changed; a session copies what it is given. A session is
 * used by one thread at a time; only temper_session_cancel() may come from another one.
 *
 * fork(2): a child may end every handle, in any order. It may also go on using those that no other thread
 * was inside a call with, of a runtime that no other thread was opening a model with: the library's
 * threads aren't there, so the calling thread does all the work. Whatever another thread of the parent was
 * working on may only be ended.
 *
 * Locale and arithmetic: texts read the same in every locale. Results don't depend on the caller's floating-point
 * environment (rounding, traps, flush-to-zero), and it is as before after every call, flags too; callbacks run in
 * the default environment.
 */
#ifndef TEMPER_TYPES_H
#define TEMPER_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define TEMPER_EXTERN_C_BEGIN extern "C" {
#define TEMPER_EXTERN_C_END }
#else
#define TEMPER_EXTERN_C_BEGIN
#define TEMPER_EXTERN_C_END
#endif

#if defined(TEMPER_BUILDING) && defined(__GNUC__)
#define TEMPER_API __attribute__((visibility("default")))
#else
#define TEMPER_API
#endif

TEMPER_EXTERN_C_BEGIN

/** Outcome of a call: 0 is success, positive values inform, negative values are errors. */
typedef int32_t temper_status;

/** Values of ::temper_status. Numbers are fixed and never reused. */
enum {
  TEMPER_OK = 0,               /**< done; a step: more steps follow */
  TEMPER_DONE = 1,             /**< a step: every row is finished, nothing was computed */
  TEMPER_LENGTH_LIMIT = 2,     /**< a step: rows ended because the model's trained length was reached */
  TEMPER_E_ARGUMENT = -1,      /**< an argument is NULL, out of range or inconsistent */
  TEMPER_E_MEMORY = -2,        /**< memory could not be allocated */
  TEMPER_E_IO = -3,            /**< a file could not be opened, read or mapped */
  TEMPER_E_FORMAT = -4,        /**< a file's content is malformed */
  TEMPER_E_UNSUPPORTED = -5,   /**< well-formed, but this library, model or backend can't do it */
  TEMPER_E_STATE = -6,         /**< the call isn't allowed now (for instance a prompt after the first step) */
  TEMPER_E_CANCELLED = -7,     /**< stopped by temper_session_cancel(); the session stays usable */
  TEMPER_E_BACKEND = -8,       /**< a backend is missing, unusable or failed */
  TEMPER_E_CAPACITY = -9,      /**< the caller's buffer is too small, the needed size is reported; a row is full */
  TEMPER_E_INTERNAL = -10      /**< a defect of the library */
};

/**
 * @brief Static name of a status, such as "TEMPER_E_FORMAT"; "unknown" for other numbers.
 * Thread: any. Never fails, never NULL. @since 0.1
 */
TEMPER_API const char *temper_status_name(temper_status status);

/** What went wrong. Owned by the caller; layout frozen at 256 bytes. */
typedef struct temper_error {
  temper_status status; /**< the status the function returned */
  char message[252];    /**< UTF-8, NUL-terminated, one line */
} temper_error;

/**
 * @brief Memory source for weights, caches and work buffers. Layout frozen.
 *
 * @c alloc returns @p size bytes aligned to @p alignment (a power of two) or NULL; @c release gets
 * back exactly what @c alloc returned, with the same size. Both may be called from any thread that
 * uses the runtime. Small bookkeeping objects use the C++ `operator new`. Nothing but reads and writes is done to
 * what @c alloc returns: the library asks for large pages for its own memory only (without an allocator), so one that
 * wants them (weights are read some 10 to 30 percent faster) asks itself.
 */
typedef struct temper_allocator {
  void *user;
  void *(*alloc)(void *user, size_t size, size_t alignment);
  void (*release)(void *user, void *memory, size_t size);
} temper_allocator;

/** Message severities for ::temper_log_fn. */
enum { TEMPER_LOG_ERROR = 1, TEMPER_LOG_WARNING = 2, TEMPER_LOG_INFO = 3, TEMPER_LOG_DEBUG = 4 };

/**
 * @brief Receives one finished UTF-8 line. Called on the thread that uses the library; must not call
 * back into the same handle and must not unwind. @p message is valid during the call only.
 */
typedef void (*temper_log_fn)(void *user, int32_t level, const char *message);

/**
 * @brief Progress of long work, @p done of @p total units. Return 0 to go on, anything else to cancel
 * (the function then returns ::TEMPER_E_CANCELLED).
 */
typedef int32_t (*temper_progress_fn)(void *user, int64_t done, int64_t total);

/** @brief One piece of work; @p worker is below temper_executor.workers. */
typedef void (*temper_task_fn)(void *argument, int32_t index, int32_t worker);

/**
 * @brief Threads that work is shared out over. Layout frozen.
 *
 * @c run runs task(argument, i, w) once for every 0 <= i < @p count and returns when all are done. Pieces
 * that run at the same time within one call of @c run have different w, 0 <= w < workers. @c run may be
 * called from several threads at once. Tasks neither unwind nor call @c run.
 */
typedef struct temper_executor {
  void *user;
  int32_t workers; /**< 1..256 */
  void (*run)(void *user, temper_task_fn task, void *argument, int32_t count);
} temper_executor;

typedef struct temper_runtime temper_runtime;             /**< backends, threads, allocator, log */
typedef struct temper_model temper_model;                 /**< weights and what they were trained with */
typedef struct temper_tokenizer temper_tokenizer;         /**< text to tokens and back */
typedef struct temper_decoder temper_decoder;             /**< streaming tokens to text */
typedef struct temper_hyperschedule temper_hyperschedule; /**< a noise level per step and position */
typedef struct temper_noise temper_noise;                 /**< the noising path */
typedef struct temper_sampler temper_sampler;             /**< how a step moves tokens */
typedef struct temper_session temper_session;             /**< one generation in progress */

TEMPER_EXTERN_C_END

#endif
