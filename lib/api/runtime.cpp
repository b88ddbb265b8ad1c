// SPDX-License-Identifier: Apache-2.0
#include "api/runtime.h"

#include "api/guard.h"

#include <temper/runtime.h>

using temper::guard;
using temper::Status;

extern "C" {

temper_status temper_runtime_create(const temper_allocator *allocator, temper_runtime **out,
                                    temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(out != nullptr, "out is NULL");
    *out = nullptr;
    TEMPER_ASSIGN(std::shared_ptr<temper::Runtime> runtime, temper::Runtime::create(allocator));
    *out = new temper_runtime{std::move(runtime)};
    return Status();
  });
}

void temper_runtime_destroy(temper_runtime *runtime) { delete runtime; }

temper_status temper_runtime_set_i64(temper_runtime *runtime, int32_t key, int64_t value, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(runtime != nullptr, "runtime is NULL");
    if (key != TEMPER_RUNTIME_THREADS) return temper::fail(TEMPER_E_ARGUMENT, "unknown runtime key %d", key);
    return runtime->impl->set_threads(value);
  });
}

temper_status temper_runtime_set_log(temper_runtime *runtime, int32_t level, temper_log_fn log, void *user,
                                     temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(runtime != nullptr, "runtime is NULL");
    return runtime->impl->set_log(level, log, user);
  });
}

temper_status temper_runtime_set_executor(temper_runtime *runtime, const temper_executor *executor,
                                          temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(runtime != nullptr, "runtime is NULL");
    return runtime->impl->set_executor(executor);
  });
}

temper_status temper_runtime_load_backend(temper_runtime *runtime, const char *path, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(runtime != nullptr, "runtime is NULL");
    TEMPER_REQUIRE(path != nullptr, "path is NULL");
    // A relative path would be looked for in folders that somebody else may fill.
    TEMPER_REQUIRE(path[0] == '/', "the path of a backend must be absolute");
    return runtime->impl->load_backend(path);
  });
}

int32_t temper_backend_count(const temper_runtime *runtime) {
  return runtime == nullptr ? 0 : runtime->impl->backends().count();
}

const char *temper_backend_text(const temper_runtime *runtime, int32_t index, int32_t key) {
  if (index < 0 || index >= temper_backend_count(runtime)) return nullptr;
  const temper::BackendRegistry &backends = runtime->impl->backends();
  const char *text = nullptr;
  (void)guard(nullptr, [&]() -> Status {
    switch (key) {
      case TEMPER_BACKEND_NAME: text = backends.name(index).c_str(); break;
      case TEMPER_BACKEND_DESCRIPTION: text = backends.info(index).description.c_str(); break;
      case TEMPER_BACKEND_REASON: text = backends.info(index).reason.c_str(); break;
      case TEMPER_BACKEND_PATH: text = backends.path(index).c_str(); break;
      default: break;
    }
    return Status();
  });
  return text;
}

int32_t temper_backend_available(const temper_runtime *runtime, int32_t index) {
  if (index < 0 || index >= temper_backend_count(runtime)) return 0;
  int32_t available = 0;
  (void)guard(nullptr, [&]() -> Status {
    available = runtime->impl->backends().info(index).score > 0 ? 1 : 0;
    return Status();
  });
  return available;
}

}  // extern "C"
