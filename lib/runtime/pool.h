// SPDX-License-Identifier: Apache-2.0
// The threads of one runtime. Work is cut into chunks that are claimed from a counter: the caller
// works too and never waits for a chunk that nobody has begun, so a busy machine costs little.
//
// In a child of fork(2) there are no workers: the caller does everything alone, and ending the pool
// joins nothing. For that nothing here is a lock that another thread may have held at the time.
#pragma once

#include <temper/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <pthread.h>
#include <unistd.h>

namespace temper {

class Pool {
 public:
  // A pool of at most `threads`, the caller's included: fewer when the system gives no more. nullptr
  // when there is no memory for the pool itself.
  static std::unique_ptr<Pool> create(int32_t threads);
  ~Pool();
  Pool(const Pool &) = delete;
  Pool &operator=(const Pool &) = delete;

  int32_t size() const noexcept { return size_; }

  // task(argument, i, worker) for 0 <= i < count; returns when all are done. When another thread is
  // using the pool, the caller does its work alone as worker 0.
  void run(temper_task_fn task, void *argument, int32_t count) noexcept;

  // The pool as others see it; usable while the pool lives.
  temper_executor executor() noexcept;

 private:
  struct Worker {
    Pool *pool = nullptr;
    int32_t index = 0;
    pthread_t thread{};
  };

  Pool() = default;
  void start(int32_t workers) noexcept;
  static void *main(void *worker);
  void serve(int32_t index) noexcept;
  void join_in(int32_t index) noexcept;
  void claim(int32_t worker) noexcept;
  void wait_for_workers() noexcept;

  std::unique_ptr<Worker[]> workers_;
  int32_t started_ = 0;
  int32_t size_ = 1;
  bool spin_ = false;         // more threads (as asked for) than cores never spin
  pid_t process_ = getpid();  // where the workers are

  std::atomic<bool> taken_{false};  // by the thread whose work is shared out
  // The work; written before open_, read only by those counted in active_ who have seen open_.
  temper_task_fn task_ = nullptr;
  void *argument_ = nullptr;
  int32_t count_ = 0;
  alignas(64) std::atomic<int32_t> next_{0};
  alignas(64) std::atomic<uint32_t> call_{0};    // grows with every call; workers sleep on it
  alignas(64) std::atomic<uint32_t> active_{0};  // workers inside the current call
  std::atomic<bool> open_{false};
  std::atomic<bool> stop_{false};
};

}  // namespace temper
