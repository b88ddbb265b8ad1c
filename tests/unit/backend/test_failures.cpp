// SPDX-License-Identifier: Apache-2.0
// Every allocation failing in turn, and several callers sharing one device's threads.
#include "linear_case.h"

#include <thread>

using namespace temper::test;

namespace {

// Everything a model and a session take; false when memory ran out on the way.
bool take_all(const Opened &on, const LinearCase &linear) {
  const temper_backend &ops = *on.ops;
  const temper_linear_desc desc{linear.inputs, static_cast<int32_t>(linear.parts.size()), linear.parts.data(), 0,
                                linear.storage, linear.activation};
  temper_linear *made = nullptr;
  temper_stream *stream = nullptr;
  temper_kv *kv = nullptr;
  void *memory = ops.alloc(on.device, 1000);
  bool complete = memory != nullptr;
  const auto step = [&](int32_t code) {
    assert_true(code == TEMPER_OK || code == TEMPER_E_MEMORY);
    complete = complete && code == TEMPER_OK;
  };
  if (memory != nullptr) {
    assert_int_equal(reinterpret_cast<uintptr_t>(memory) % 64, 0);
    for (int i = 0; i < 1000; ++i) assert_int_equal(static_cast<unsigned char *>(memory)[i], 0);
  }
  step(ops.linear_create(on.device, &desc, &made));
  assert_true((made != nullptr) || !complete);
  if (made != nullptr) {
    const temper_stream_plan plan{300, 8, 40, 64};
    step(ops.stream_create(on.device, &plan, &made, 1, &stream));
  }
  const temper_kv_plan cache{2, 1, 40, 1, 8};
  step(ops.kv_create(on.device, &cache, &kv));
  if (stream != nullptr) ops.stream_destroy(on.device, stream);
  ops.kv_destroy(on.device, kv);
  ops.linear_destroy(on.device, made);
  if (memory != nullptr) ops.release(on.device, memory, 1000);
  assert_int_equal(on.allocator.live.load(), 0);
  return complete;
}

void memory_may_run_out_anywhere(void **) {
  Random random(9);
  const LinearCase linear(random, 20, {30, 11}, TEMPER_DTYPE_F32, 0, 0, TEMPER_DTYPE_F32, true);
  for (const temper_backend *table : usable()) {
    Opened on(table, 2);
    int64_t failures = 0;
    for (;; ++failures) {
      on.allocator.calls = 0;
      on.allocator.fail_at = failures;
      if (take_all(on, linear)) break;
      assert_true(failures < 100);
    }
    assert_true(failures >= 4);
  }
}

void sizes_that_overflow_are_out_of_memory(void **) {
  for (const temper_backend *table : usable()) {
    const Opened on(table, 1);
    const temper_kv_plan plan{INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX};
    temper_kv *kv = nullptr;
    assert_int_equal(table->kv_create(on.device, &plan, &kv), TEMPER_E_MEMORY);
    const temper_kv_plan empty{1, 1, 0, 1, 1};
    assert_int_equal(table->kv_create(on.device, &empty, &kv), TEMPER_E_ARGUMENT);
  }
}

struct Counts {
  std::vector<std::atomic<int32_t>> done;
  std::atomic<int32_t> wrong{0};
  int32_t workers;
  Counts(size_t count, int32_t most) : done(count), workers(most) {}
};

void count_one(void *argument, int32_t index, int32_t worker) {
  auto *counts = static_cast<Counts *>(argument);
  if (worker < 0 || worker >= counts->workers) ++counts->wrong;
  ++counts->done[static_cast<size_t>(index)];
}

// Each caller's work is done exactly once, however many callers share the device.
void callers_share_the_threads(void **) {
  for (const temper_backend *table : usable())
    for (const int32_t threads : {1, 2, 3, 8}) {
      const Opened on(table, threads);
      std::vector<std::thread> callers;
      std::atomic<int32_t> bad{0};
      for (int caller = 0; caller < 3; ++caller)
        callers.emplace_back([&, caller] {
          const temper_stream_plan plan{4, 4, 4, 8};
          temper_stream *stream = nullptr;
          if (table->stream_create(on.device, &plan, nullptr, 0, &stream) != TEMPER_OK) {
            ++bad;
            return;
          }
          for (int round = 0; round < 3000; ++round) {
            const auto count = static_cast<size_t>((round * 7 + caller) % 23);
            Counts counts(count, table->workers(on.device));
            table->parallel(stream, count_one, &counts, static_cast<int32_t>(count));
            for (const auto &done : counts.done) bad += done.load() != 1;
            bad += counts.wrong.load();
          }
          table->stream_destroy(on.device, stream);
        });
      for (std::thread &caller : callers) caller.join();
      assert_int_equal(bad.load(), 0);
    }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(memory_may_run_out_anywhere),
      cmocka_unit_test(sizes_that_overflow_are_out_of_memory),
      cmocka_unit_test(callers_share_the_threads),
  };
  return cmocka_run_group_tests_name("backend failures", tests, nullptr, nullptr);
}
