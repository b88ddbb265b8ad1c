// SPDX-License-Identifier: Apache-2.0
// The runtime's threads: every piece once, several callers at a time, fewer threads than asked for, fork(2).
#include "runtime/pool.h"

#include <sys/wait.h>
#include <thread>
#include <vector>

// cmocka needs these before it.
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
extern "C" {
#include <cmocka.h>
}

using temper::Pool;

namespace {

struct Counts {
  std::vector<std::atomic<int32_t>> done;
  std::vector<std::atomic<int32_t>> inside;  // pieces that a worker number is at work on
  std::atomic<int32_t> wrong{0};
  Counts(size_t count, int32_t workers) : done(count), inside(static_cast<size_t>(workers)) {}
};

void count_one(void *argument, int32_t index, int32_t worker) {
  auto *counts = static_cast<Counts *>(argument);
  if (worker < 0 || static_cast<size_t>(worker) >= counts->inside.size()) {
    ++counts->wrong;
    return;
  }
  std::atomic<int32_t> &inside = counts->inside[static_cast<size_t>(worker)];
  if (inside.fetch_add(1) != 0) ++counts->wrong;
  ++counts->done[static_cast<size_t>(index)];
  inside.fetch_sub(1);
}

// How many pieces of a call weren't done exactly once by a worker of their own.
int32_t mistakes(const temper_executor &executor, size_t count) {
  Counts counts(count, executor.workers);
  executor.run(executor.user, count_one, &counts, static_cast<int32_t>(count));
  int32_t bad = counts.wrong.load();
  for (const auto &done : counts.done) bad += done.load() != 1;
  return bad;
}

void callers_share_the_threads(void **) {
  for (const int32_t threads : {1, 2, 3, 8}) {
    const auto pool = Pool::create(threads);
    assert_non_null(pool.get());
    const temper_executor executor = pool->executor();
    assert_int_equal(executor.workers, pool->size());
    std::vector<std::thread> callers;
    std::atomic<int32_t> bad{0};
    for (int caller = 0; caller < 3; ++caller)
      callers.emplace_back([&, caller] {
        for (int round = 0; round < 3000; ++round) bad += mistakes(executor, static_cast<size_t>((round * 7 + caller) % 23));
      });
    for (std::thread &caller : callers) caller.join();
    assert_int_equal(bad.load(), 0);
  }
}

// Stacks larger than the address space: the system gives no threads, and the work is done all the same.
void fewer_threads_are_enough(void **) {
  pthread_attr_t before, huge;
  assert_int_equal(pthread_getattr_default_np(&before), 0);
  assert_int_equal(pthread_attr_init(&huge), 0);
  assert_int_equal(pthread_attr_setstacksize(&huge, size_t{1} << 46), 0);
  assert_int_equal(pthread_setattr_default_np(&huge), 0);
  const auto pool = Pool::create(8);
  assert_int_equal(pthread_setattr_default_np(&before), 0);
  pthread_attr_destroy(&huge);
  pthread_attr_destroy(&before);
  assert_non_null(pool.get());
  assert_true(pool->size() >= 1 && pool->size() < 8);
  assert_int_equal(mistakes(pool->executor(), 100), 0);
}

#if !defined(__SANITIZE_THREAD__)
// What a child does with the pool; its exit status: 0 when all is well.
int in_child(std::unique_ptr<Pool> pool) {
  alarm(30);
  int32_t bad = 0;
  for (size_t count : {1U, 2U, 7U, 100U}) bad += mistakes(pool->executor(), count);
  pool.reset();
  return bad == 0 ? 0 : 1;
}

// Each fork happens while another thread is somewhere inside run(), often with a worker.
void a_child_works_alone(void **) {
  for (const int32_t threads : {2, 3}) {
    auto pool = Pool::create(threads);
    std::atomic<bool> stop{false};
    std::atomic<int32_t> bad{0}, rounds{0};
    std::thread busy([&] {
      const temper_executor executor = pool->executor();
      for (; !stop.load(); ++rounds) bad += mistakes(executor, 40);
    });
    while (rounds.load() == 0) std::this_thread::yield();
    for (int i = 0; i < 60; ++i) {
      const pid_t child = fork();
      assert_true(child >= 0);
      if (child == 0) _exit(in_child(std::move(pool)));
      int status = 0;
      assert_int_equal(waitpid(child, &status, 0), child);
      assert_true(WIFEXITED(status));
      assert_int_equal(WEXITSTATUS(status), 0);
    }
    stop.store(true);
    busy.join();
    assert_int_equal(bad.load(), 0);
  }
}
#endif

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(callers_share_the_threads),
      cmocka_unit_test(fewer_threads_are_enough),
#if !defined(__SANITIZE_THREAD__)
      cmocka_unit_test(a_child_works_alone),
#endif
  };
  return cmocka_run_group_tests_name("runtime pool", tests, nullptr, nullptr);
}
