// SPDX-License-Identifier: Apache-2.0
// What every other object hangs from: the allocator, the threads, the log and the backends.
// Set up by one thread; frozen by the first device that is opened.
#pragma once

#include "backends/registry.h"
#include "base/status.h"
#include "runtime/pool.h"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace temper {

class Device;

class Runtime : public std::enable_shared_from_this<Runtime> {
 public:
  static Result<std::shared_ptr<Runtime>> create(const temper_allocator *allocator);

  Status set_threads(int64_t threads);
  Status set_log(int32_t level, temper_log_fn log, void *user);
  // The program's own threads instead of a pool; nullptr: a pool of threads().
  Status set_executor(const temper_executor *executor);
  Status load_backend(const std::string &path);

  const temper_allocator &allocator() const noexcept { return allocator_; }
  const BackendRegistry &backends() const noexcept { return *registry_; }
  int32_t threads() const noexcept;
  // Whose threads work is done on. Exists from the first opened device to the end of the runtime.
  const temper_executor &executor() const noexcept { return executor_; }
  void log(int32_t level, const char *message) const noexcept;

  // The named backend's device ("auto": the best that opens), opened once and shared by all models
  // that use it while any of them lives.
  Result<std::shared_ptr<Device>> open_device(const std::string &name);

 private:
  Runtime() = default;
  Result<std::shared_ptr<Device>> open_one(int32_t index);
  Status start_threads();
  void stop_threads() noexcept;

  temper_allocator allocator_{};
  std::unique_ptr<BackendRegistry> registry_;
  int32_t threads_ = 0;
  int32_t log_level_ = 0;
  temper_log_fn log_ = nullptr;
  void *log_user_ = nullptr;
  temper_executor given_{};     // the program's own
  temper_executor executor_{};  // run is nullptr until it is set or the pool is made
  std::unique_ptr<Pool> pool_;
  std::mutex mutex_;  // guards what follows
  bool frozen_ = false;
  std::vector<std::weak_ptr<Device>> devices_;
};

// No name, or "auto": the best backend that opens.
inline bool is_auto(const std::string &name) { return name.empty() || name == "auto"; }

}  // namespace temper
