// SPDX-License-Identifier: Apache-2.0
#include "runtime/runtime.h"

#include "base/float_environment.h"
#include "runtime/device.h"
#include "runtime/memory.h"

#include <algorithm>
#include <thread>

namespace temper {
namespace {

constexpr int32_t most_threads = 256;

struct Piece {
  temper_task_fn task;
  void *argument;
};

// The program's threads may have settings of their own for floating-point numbers; results don't depend on them.
void compute(void *piece, int32_t index, int32_t worker) {
  const FloatEnvironment defaults;
  const Piece &work = *static_cast<const Piece *>(piece);
  work.task(work.argument, index, worker);
}

void run_on(void *executor, temper_task_fn task, void *argument, int32_t count) {
  const temper_executor &given = *static_cast<const temper_executor *>(executor);
  Piece piece{task, argument};
  given.run(given.user, compute, &piece, count);
}

}  // namespace

Result<std::shared_ptr<Runtime>> Runtime::create(const temper_allocator *allocator) {
  std::shared_ptr<Runtime> runtime(new Runtime());
  if (allocator != nullptr) {
    if (allocator->alloc == nullptr || allocator->release == nullptr)
      return Status(TEMPER_E_ARGUMENT, "the allocator lacks alloc or release");
    runtime->allocator_ = *allocator;
  } else {
    runtime->allocator_ = default_allocator();
  }
  TEMPER_ASSIGN(runtime->registry_, BackendRegistry::create());
  return runtime;
}

Status Runtime::set_threads(int64_t threads) {
  const std::lock_guard lock(mutex_);
  if (frozen_) return Status(TEMPER_E_STATE, "threads can't be set once a backend was opened");
  if (threads < 0 || threads > most_threads)
    return fail(TEMPER_E_ARGUMENT, "threads must be 0 to %d, not %lld", most_threads,
                static_cast<long long>(threads));
  threads_ = static_cast<int32_t>(threads);
  return Status();
}

Status Runtime::set_log(int32_t level, temper_log_fn function, void *user) {
  const std::lock_guard lock(mutex_);
  if (frozen_) return Status(TEMPER_E_STATE, "the log can't be set once a backend was opened");
  if (function != nullptr && (level < TEMPER_LOG_ERROR || level > TEMPER_LOG_DEBUG))
    return fail(TEMPER_E_ARGUMENT, "unknown log level %d", level);
  log_level_ = level;
  log_ = function;
  log_user_ = user;
  return Status();
}

Status Runtime::set_executor(const temper_executor *executor) {
  const std::lock_guard lock(mutex_);
  if (frozen_) return Status(TEMPER_E_STATE, "the executor can't be set once a backend was opened");
  if (executor == nullptr) {
    executor_ = {};
    return Status();
  }
  if (executor->run == nullptr) return Status(TEMPER_E_ARGUMENT, "the executor lacks run");
  if (executor->workers < 1 || executor->workers > most_threads)
    return fail(TEMPER_E_ARGUMENT, "an executor has 1 to %d workers, not %d", most_threads, executor->workers);
  given_ = *executor;
  executor_ = {.user = &given_, .workers = given_.workers, .run = run_on};
  return Status();
}

Status Runtime::load_backend(const std::string &path) {
  const std::lock_guard lock(mutex_);
  if (frozen_) return Status(TEMPER_E_STATE, "backends can't be loaded once a backend was opened");
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

// The pool is made for the first device and kept while the runtime has a holder: opening a model again
// doesn't start threads again.
Status Runtime::start_threads() {
  if (executor_.run != nullptr) return Status();
  const int32_t wanted = threads();
  pool_ = Pool::create(wanted);
  if (pool_ == nullptr) return Status(TEMPER_E_MEMORY, "out of memory");
  executor_ = pool_->executor();
  if (pool_->size() < wanted) {
    const Status fewer = fail(TEMPER_E_MEMORY, "the system gave %d of %d threads", pool_->size(), wanted);
    log(TEMPER_LOG_WARNING, fewer.message().c_str());
  }
  return Status();
}

void Runtime::stop_threads() noexcept {
  if (pool_ == nullptr) return;
  executor_ = {};
  pool_.reset();
}

// With the mutex held.
Result<std::shared_ptr<Device>> Runtime::open_one(int32_t index) {
  TEMPER_ASSIGN(std::shared_ptr<const Module> module, registry_->open(index));
  for (const std::weak_ptr<Device> &weak : devices_) {
    std::shared_ptr<Device> device = weak.lock();
    if (device != nullptr && &device->ops() == &module->table()) return device;
  }
  std::erase_if(devices_, [](const auto &weak) { return weak.expired(); });
  devices_.reserve(devices_.size() + 1);
  // Threads that were started for nothing go again, whatever stood in the way.
  struct Started {
    Runtime *runtime;
    ~Started() {
      if (!runtime->frozen_) runtime->stop_threads();
    }
  } started{this};
  TEMPER_TRY(start_threads());
  TEMPER_ASSIGN(std::shared_ptr<Device> device, Device::open(shared_from_this(), std::move(module)));
  devices_.push_back(device);
  frozen_ = true;
  registry_->let_go();
  return device;
}

Result<std::shared_ptr<Device>> Runtime::open_device(const std::string &name) {
  const std::lock_guard lock(mutex_);
  if (!is_auto(name)) {
    const int32_t index = registry_->find(name);
    if (index < 0) return fail(TEMPER_E_BACKEND, "no backend is called %s", name.c_str());
    return open_one(index);
  }
  // Down the ranking until one opens. Whoever wonders why it is slow finds the reasons in the log: they are
  // warnings when a backend is there and doesn't open, and when nothing but the reference is left.
  struct Passed {
    bool expected;
    std::string reason;
  };
  std::vector<Passed> passed;
  Status last(TEMPER_E_BACKEND, "there is no backend");
  for (int32_t index = 0; index < registry_->count(); ++index) {
    auto device = open_one(index);
    if (!device.ok()) {
      last = device.status();
      passed.push_back({registry_->expected(index), device.status().message()});
      continue;
    }
    for (const Passed &other : passed) {
      const bool worth = other.expected || registry_->name(index) == "reference";
      const std::string line = "auto takes " + registry_->name(index) + ": " + other.reason;
      log(worth ? TEMPER_LOG_WARNING : TEMPER_LOG_DEBUG, line.c_str());
    }
    return device;
  }
  return last;
}

}  // namespace temper
