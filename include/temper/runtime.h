/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file runtime.h
 * @brief The root of everything: backends, thread count, allocator, log. There are no globals.
 *
 * A runtime is set up by one thread. From the first model that is opened or estimated on it is frozen, because that
 * opens a backend (setters return ::TEMPER_E_STATE), and may be shared between threads.
 *
 * Backends: some are linked in, others are modules in the folder `temper/` beside the library. A module is loaded
 * when a model is opened on it, or when one asks about it; never earlier. "auto" tries them best first and loads no
 * more than it needs. What is loaded and not in use is unloaded when a model has been opened, and with its last
 * model. A module brings a library along, and what that does to the process is its own affair:
 * - oneDNN with OpenMP reads OMP_... and ONEDNN_... variables when it is loaded, and prints if they say so.
 * - OpenBLAS reads OPENBLAS_... and OMP_... variables, reserves 128 MiB of address space for each core, and in its
 *   flavour on plain threads starts one for each core but the first. Its module (libtemper-openblas.so)
 *   isn't loaded when a limit on address space (ulimit -v) leaves too little, because it would then try for ever.
 * - Libraries with an OpenMP runtime (both, as Debian builds them) stay mapped until the process ends, because that
 *   runtime doesn't survive being unloaded. Loading them again adds nothing.
 * Neither computes on threads of its own, as long as Temper calls it. Temper's own backends do nothing of all that.
 */
#ifndef TEMPER_RUNTIME_H
#define TEMPER_RUNTIME_H

#include <temper/types.h>

TEMPER_EXTERN_C_BEGIN

/**
 * @brief Creates a runtime.
 * @param[in] allocator source of weights, caches and work buffers, copied; NULL: the C heap for small
 *   blocks, memory of the system, in large pages where it has them, for those from 4 MiB on.
 * @param[out] out the runtime; NULL on error. End it with temper_runtime_destroy().
 * @param[out] error optional.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_MEMORY.
 * Thread: any. Looks which modules are there, and no more: loads nothing, starts no threads, reads no environment,
 * prints nothing. @since 0.1
 */
TEMPER_API temper_status temper_runtime_create(const temper_allocator *allocator, temper_runtime **out,
                                               temper_error *error);

/** @brief Releases the caller's hold; models and sessions keep what they need. NULL is fine. @since 0.1 */
TEMPER_API void temper_runtime_destroy(temper_runtime *runtime);

/** Keys of temper_runtime_set_i64(). */
enum {
  /**
   * Threads of one operation, the caller's included: 1..256; 0 (default): as many as cores, at most 8. When
   * the system gives fewer, work goes on with those, and a warning says so. Without meaning when
   * temper_runtime_set_executor() brings the threads.
   */
  TEMPER_RUNTIME_THREADS = 1
};

/**
 * @brief Sets a number. Threads are started when the first model opens a backend and joined when the last
 * holder of the runtime is gone; settings of OpenMP, OpenBLAS and the process stay as they are.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (NULL, unknown key, out of range); ::TEMPER_E_STATE (a backend
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
 * @brief Has all work done on the program's own threads: the library then starts none.
 * @param[in] executor copied; what it points at must live until the runtime's last holder is gone. NULL (the
 * default): threads of the runtime, see ::TEMPER_RUNTIME_THREADS.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (no @c run, workers outside 1..256); ::TEMPER_E_STATE (a backend was
 * opened). Thread: the one that sets up. Results don't depend on who does the work. @since 0.1
 */
TEMPER_API temper_status temper_runtime_set_executor(temper_runtime *runtime, const temper_executor *executor,
                                                     temper_error *error);

/**
 * @brief Loads one backend module by its full path, next to those found in the library's own folder.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (not an absolute path); ::TEMPER_E_BACKEND (can't be loaded, or
 * made for another interface number: the message has both); ::TEMPER_E_STATE. @since 0.1
 */
TEMPER_API temper_status temper_runtime_load_backend(temper_runtime *runtime, const char *path,
                                                     temper_error *error);

/**
 * @brief How many backends are known, usable or not; 0 for NULL. Only temper_runtime_load_backend() changes that
 * number, or the order. Thread: any. @since 0.1
 */
TEMPER_API int32_t temper_backend_count(const temper_runtime *runtime);

/** Keys of temper_backend_text(). */
enum {
  TEMPER_BACKEND_NAME = 1,        /**< "onednn", ... */
  TEMPER_BACKEND_DESCRIPTION = 2, /**< library version and instruction set; "" when unavailable */
  TEMPER_BACKEND_REASON = 3,      /**< why it can't be used here; "" when it can */
  TEMPER_BACKEND_PATH = 4         /**< of its module; "" when linked in */
};

/**
 * @brief Text about backend @p index (0..count-1, in the order in which "auto" tries them). Lives as long as the
 * runtime. Asking for the description or the reason loads the module once, because only it can tell; the name and
 * the path are known without. NULL for a NULL runtime, a wrong index or an unknown key, or when memory is out.
 * Thread: any. @since 0.1
 */
TEMPER_API const char *temper_backend_text(const temper_runtime *runtime, int32_t index, int32_t key);

/** @brief 1 when backend @p index can be used on this machine, else 0. Asking loads it. Thread: any. @since 0.1 */
TEMPER_API int32_t temper_backend_available(const temper_runtime *runtime, int32_t index);

TEMPER_EXTERN_C_END

#endif
