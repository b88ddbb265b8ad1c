/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file runtime.h
 * @brief The root of everything: backends, thread count, allocator, log. There are no globals.
 *
 * A runtime is set up by one thread. From its first model on it is frozen (setters return
 * ::TEMPER_E_STATE) and may be shared between threads.
 */
#ifndef TEMPER_RUNTIME_H
#define TEMPER_RUNTIME_H

#include <temper/types.h>

TEMPER_EXTERN_C_BEGIN

/**
 * @brief Creates a runtime.
 * @param[in] allocator source of weights, caches and work buffers, copied; NULL: the C heap.
 * @param[out] out the runtime; NULL on error. End it with temper_runtime_destroy().
 * @param[out] error optional.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_MEMORY.
 * Thread: any. Starts no threads, reads no environment, prints nothing. @since 0.1
 */
TEMPER_API temper_status temper_runtime_create(const temper_allocator *allocator, temper_runtime **out,
                                               temper_error *error);

/** @brief Releases the caller's hold; models and sessions keep what they need. NULL is fine. @since 0.1 */
TEMPER_API void temper_runtime_destroy(temper_runtime *runtime);

/** Keys of temper_runtime_set_i64(). */
enum {
  /** Threads of one operation, the caller's included: 1..256; 0 (default): as many as cores, at most 8. */
  TEMPER_RUNTIME_THREADS = 1
};

/**
 * @brief Sets a number. Threads are started when a model opens a backend and joined when the last
 * user of that backend is gone; settings of OpenMP, OpenBLAS and the process stay as they are.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (NULL, unknown key, out of range); ::TEMPER_E_STATE (a model
 * was opened). Thread: the one that sets up. @since 0.1
 */
TEMPER_API temper_status temper_runtime_set_i64(temper_runtime *runtime, int32_t key, int64_t value,
                                                temper_error *error);

/**
 * @brief Sends messages up to severity @p level (TEMPER_LOG_...) to @p log. NULL (the default): silence.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_STATE. Thread: the one that sets up. @since 0.1
 */
TEMPER_API temper_status temper_runtime_set_log(temper_runtime *runtime, int32_t level, temper_log_fn log,
                                                void *user, temper_error *error);

/**
 * @brief Loads one backend module by its full path, next to those found in the library's own folder.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (not an absolute path); ::TEMPER_E_BACKEND (can't be loaded, or
 * made for another interface number: the message has both); ::TEMPER_E_STATE. @since 0.1
 */
TEMPER_API temper_status temper_runtime_load_backend(temper_runtime *runtime, const char *path,
                                                     temper_error *error);

/** @brief How many backends are known, usable or not; 0 for NULL. Thread: any. @since 0.1 */
TEMPER_API int32_t temper_backend_count(const temper_runtime *runtime);

/** Keys of temper_backend_text(). */
enum {
  TEMPER_BACKEND_NAME = 1,        /**< "onednn", ... */
  TEMPER_BACKEND_DESCRIPTION = 2, /**< library version and instruction set; "" when unavailable */
  TEMPER_BACKEND_REASON = 3,      /**< why it can't be used here; "" when it can */
  TEMPER_BACKEND_PATH = 4         /**< of its module; "" when linked in */
};

/**
 * @brief Text about backend @p index (0..count-1, best first). Lives as long as the runtime.
 * NULL for a NULL runtime, a wrong index or an unknown key. Thread: any. @since 0.1
 */
TEMPER_API const char *temper_backend_text(const temper_runtime *runtime, int32_t index, int32_t key);

/** @brief 1 when backend @p index can be used on this machine, else 0. Thread: any. @since 0.1 */
TEMPER_API int32_t temper_backend_available(const temper_runtime *runtime, int32_t index);

TEMPER_EXTERN_C_END

#endif
