// SPDX-License-Identifier: Apache-2.0
#include "runtime/pool.h"

#include <chrono>
#include <csignal>
#include <new>
#include <sched.h>
#include <thread>

namespace temper {
namespace {

// Longer than the gap between two operations of a step, shorter than anyone would notice.
constexpr std::chrono::microseconds spin_time{30};

inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Spins while `waiting` holds, for a moment; false when it still holds.
template <typename Waiting>
bool spin(Waiting &&waiting) noexcept {
  const auto end = std::chrono::steady_clock::now() + spin_time;
  do {
    for (int i = 0; i < 64; ++i) {
      if (!waiting()) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

int32_t usable_cores() noexcept {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return static_cast<int32_t>(std::thread::hardware_concurrency());
}

}  // namespace

std::unique_ptr<Pool> Pool::create(int32_t threads) {
  std::unique_ptr<Pool> pool(new (std::nothrow) Pool());
  if (pool == nullptr || threads <= 1) return pool;
  pool->start(threads - 1);
  return pool;
}

void Pool::start(int32_t workers) noexcept {
  workers_.reset(new (std::nothrow) Worker[static_cast<size_t>(workers)]);
  if (workers_ == nullptr) return;
  spin_ = workers + 1 <= usable_cores();  // workers read it as soon as they are there
  // Workers inherit a mask that blocks everything: signals stay with the program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return;
  for (int32_t i = 0; i < workers; ++i) {
    Worker &worker = workers_[static_cast<size_t>(i)];
    worker.pool = this;
    worker.index = i + 1;
    if (pthread_create(&worker.thread, nullptr, main, &worker) != 0) break;
    ++started_;
  }
  (void)pthread_sigmask(SIG_SETMASK, &before, nullptr);
  size_ = started_ + 1;
}

Pool::~Pool() {
  if (started_ == 0 || getpid() != process_) return;
  stop_.store(true);
  call_.fetch_add(1);
  call_.notify_all();
  for (int32_t i = 0; i < started_; ++i) (void)pthread_join(workers_[static_cast<size_t>(i)].thread, nullptr);
}

temper_executor Pool::executor() noexcept {
  return {.user = this, .workers = size_, .run = [](void *user, temper_task_fn task, void *argument, int32_t count) {
            static_cast<Pool *>(user)->run(task, argument, count);
          }};
}

void *Pool::main(void *worker) {
  const Worker &self = *static_cast<Worker *>(worker);
  self.pool->serve(self.index);
  return nullptr;
}

void Pool::serve(int32_t index) noexcept {
  uint32_t seen = 0;
  for (;;) {
    auto unchanged = [&] { return call_.load(std::memory_order_acquire) == seen; };
    if (!spin_ || !spin(unchanged)) call_.wait(seen, std::memory_order_acquire);
    seen = call_.load(std::memory_order_acquire);
    if (stop_.load()) return;
    join_in(index);
  }
}

// Counted in first, then looks whether the call is still open: the caller closes it first and then
// looks at the count, so (both orders being total) the work can't change under a worker.
void Pool::join_in(int32_t index) noexcept {
  active_.fetch_add(1);
  if (open_.load()) claim(index);
  if (active_.fetch_sub(1) == 1 && !open_.load()) active_.notify_all();
}

void Pool::claim(int32_t worker) noexcept {
  for (;;) {
    const int32_t index = next_.fetch_add(1, std::memory_order_relaxed);
    if (index >= count_) return;
    task_(argument_, index, worker);
  }
}

void Pool::run(temper_task_fn task, void *argument, int32_t count) noexcept {
  if (count <= 0) return;
  if (count == 1 || size_ == 1 || taken_.exchange(true, std::memory_order_acquire)) {
    for (int32_t i = 0; i < count; ++i) task(argument, i, 0);
    return;
  }
  task_ = task;
  argument_ = argument;
  count_ = count;
  next_.store(0, std::memory_order_relaxed);
  open_.store(true);
  call_.fetch_add(1, std::memory_order_release);
  call_.notify_all();
  claim(0);
  open_.store(false);
  wait_for_workers();
  taken_.store(false, std::memory_order_release);
}

void Pool::wait_for_workers() noexcept {
  const auto busy = [&] { return active_.load() != 0; };
  if (!busy() || (spin_ && spin(busy))) return;
  // A child of fork inherits the count of workers that are only in its parent.
  if (getpid() != process_) {
    active_.store(0);
    return;
  }
  for (uint32_t active = active_.load(); active != 0; active = active_.load()) active_.wait(active);
}

}  // namespace temper
