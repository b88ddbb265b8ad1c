// SPDX-License-Identifier: Apache-2.0
// Every allocation failing in turn, and plans that can't be.
#include "linear_case.h"

using namespace temper::test;

namespace {

// Everything a model and a session take; false when memory ran out on the way.
bool take_all(const Opened &on, const LinearCase &linear) {
  const temper_backend &ops = *on.ops;
  const temper_linear_desc desc = linear.describe();
  temper_linear *made = nullptr;
  temper_stream *stream = nullptr;
  temper_lane *lane = nullptr;
  void *memory = ops.alloc(on.device, 1000);
  bool complete = memory != nullptr;
  const auto step = [&](int32_t code) {
    assert_true(code == TEMPER_OK || code == TEMPER_E_MEMORY);
    complete = complete && code == TEMPER_OK;
  };
  if (memory != nullptr) {
    assert_int_equal(reinterpret_cast<uintptr_t>(memory) % 64, 0);
    unsigned char bytes[1000];
    step(ops.download(on.device, bytes, memory, sizeof bytes));
    for (const unsigned char byte : bytes) assert_int_equal(byte, 0);
  }
  step(ops.linear_create(on.device, &desc, &made));
  assert_true((made != nullptr) || !complete);
  if (made != nullptr) {
    const temper_stream_plan plan{300, 8, 40, 64};
    step(ops.stream_create(on.device, &plan, &made, 1, &stream));
  }
  const temper_lane_plan plan{2, 40, 1, 8, TEMPER_KV_F32};
  step(ops.lane_create(on.device, &plan, &lane));
  if (stream != nullptr) ops.stream_destroy(on.device, stream);
  ops.lane_destroy(on.device, lane);
  ops.linear_destroy(on.device, made);
  if (memory != nullptr) ops.release(on.device, memory, 1000);
  assert_int_equal(on.allocator.live.load(), 0);
  return complete;
}

void memory_may_run_out_anywhere(void **) {
  Random random(9);
  const LinearCase linear(random, 20, {30, 11}, TEMPER_FORMAT_F32, 0, 0, TEMPER_DTYPE_F32, true);
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
    const temper_lane_plan plan{INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, TEMPER_KV_F32};
    temper_lane *lane = nullptr;
    assert_int_equal(table->lane_create(on.device, &plan, &lane), TEMPER_E_MEMORY);
  }
}

void lanes_are_checked(void **) {
  for (const temper_backend *table : usable()) {
    const Opened on(table, 1);
    temper_lane *lane = nullptr;
    const temper_lane_plan empty{1, 0, 1, 1, TEMPER_KV_F32}, typed{1, 1, 1, 1, 9};
    assert_int_equal(table->lane_create(on.device, &empty, &lane), TEMPER_E_ARGUMENT);
    assert_int_equal(table->lane_create(on.device, &typed, &lane), TEMPER_E_UNSUPPORTED);
    assert_non_null(std::strstr(table->last_error(on.device), "9"));
    assert_true(table->lane_bytes(on.device, &typed) == SIZE_MAX);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(memory_may_run_out_anywhere),
      cmocka_unit_test(sizes_that_overflow_are_out_of_memory),
      cmocka_unit_test(lanes_are_checked),
  };
  return cmocka_run_group_tests_name("backend failures", tests, nullptr, nullptr);
}
