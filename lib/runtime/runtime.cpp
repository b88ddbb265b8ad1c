// SPDX-License-Identifier: Apache-2.0
#include "runtime/runtime.h"

#include "runtime/device.h"

#include <algorithm>
#include <cstdlib>
#include <thread>

namespace temper {
namespace {

void *default_alloc(void *, size_t size, size_t alignment) {
  const size_t rounded = (size + alignment - 1) / alignment * alignment;
  if (rounded < size) return nullptr;
  return std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
}

void default_release(void *, void *memory, size_t) { std::free(memory); }

}  // namespace

Result<std::shared_ptr<Runtime>> Runtime::create(const temper_allocator *allocator) {
  std::shared_ptr<Runtime> runtime(new Runtime());
  if (allocator != nullptr) {
    if (allocator->alloc == nullptr || allocator->release == nullptr)
      return Status(TEMPER_E_ARGUMENT, "the allocator lacks alloc or release");
    runtime->allocator_ = *allocator;
  } else {
    runtime->allocator_ = {nullptr, default_alloc, default_release};
  }
  TEMPER_ASSIGN(runtime->registry_, BackendRegistry::create());
  return runtime;
}

Status Runtime::set_threads(int64_t threads) {
  const std::lock_guard lock(mutex_);
  if (frozen_) return Status(TEMPER_E_STATE, "threads can't be set once a model was opened");
  if (threads < 0 || threads > 256)
    return fail(TEMPER_E_ARGUMENT, "threads must be 0 to 256, not %lld", static_cast<long long>(threads));
  threads_ = static_cast<int32_t>(threads);
  return Status();
}

Status Runtime::set_log(int32_t level, temper_log_fn function, void *user) {
  const std::lock_guard lock(mutex_);
  if (frozen_) return Status(TEMPER_E_STATE, "the log can't be set once a model was opened");
  if (function != nullptr && (level < TEMPER_LOG_ERROR || level > TEMPER_LOG_DEBUG))
    return fail(TEMPER_E_ARGUMENT, "unknown log level %d", level);
  log_level_ = level;
  log_ = function;
  log_user_ = user;
  return Status();
}

Status Runtime::load_backend(const std::string &path) {
  const std::lock_guard lock(mutex_);
  if (frozen_) return Status(TEMPER_E_STATE, "backends can't be loaded once a model was opened");
  return registry_->load(path);
}

int32_t Runtime::threads() const noexcept {
  if (threads_ > 0) return threads_;
  const unsigned cores = std::thread::hardware_concurrency();
  return static_cast<int32_t>(std::clamp(cores, 1U, 8U));
}

void Runtime::log(int32_t level, const char *message) const noexcept {
  if (log_ != nullptr && level <= log_level_) log_(log_user_, level, message);
}

Result<std::shared_ptr<Device>> Runtime::open_device(const std::string &name) {
  const std::lock_guard lock(mutex_);
  Status last(TEMPER_E_BACKEND, "no backend can be used on this machine");
  // "auto" walks down the ranking until one opens; a name means that one or an error.
  for (const BackendInfo &info : registry_->list()) {
    if (!is_auto(name) && info.name != name) continue;
    if (info.table == nullptr || info.score <= 0) {
      if (is_auto(name)) continue;
      return fail(TEMPER_E_BACKEND, "backend %s can't be used here: %s", name.c_str(), info.reason.c_str());
    }
    for (const std::weak_ptr<Device> &weak : devices_) {
      std::shared_ptr<Device> device = weak.lock();
      if (device != nullptr && &device->ops() == info.table) return device;
    }
    std::erase_if(devices_, [](const auto &weak) { return weak.expired(); });
    auto opened = Device::open(shared_from_this(), *info.table);
    if (opened.ok()) {
      frozen_ = true;
      devices_.push_back(opened.value());
      return opened;
    }
    last = opened.status();
    if (!is_auto(name)) return last;
    log(TEMPER_LOG_WARNING, last.message().c_str());
  }
  if (is_auto(name)) return last;
  return fail(TEMPER_E_BACKEND, "no backend is called %s", name.c_str());
}

}  // namespace temper
