// SPDX-License-Identifier: Apache-2.0
// A fork of a lane: what both hold, that neither sees what the other writes, what it takes in memory.
#include "harness.h"

#include <algorithm>
#include <array>
#include <thread>
#include <tuple>

using namespace temper::test;

namespace {

constexpr int32_t slot_count = 200, heads = 2, head_size = 6, layers = 2;
constexpr temper_attention attention{heads, heads, head_size, 0.4F, nullptr, nullptr, nullptr, nullptr, 0};
constexpr temper_lane_plan plan{layers, slot_count, heads, head_size, TEMPER_KV_F32};

// Fills slots [begin, end) of all layers with rows of the seed.
int32_t fill(const Opened &on, temper_lane *lane, int32_t begin, int32_t end, unsigned seed) {
  Random random(seed);
  StreamOf stream(on, end - begin, slot_count, 8);
  Rows rows;
  for (int32_t slot = begin; slot < end; ++slot) rows.add(0, 0, 0, 0, slot, 0, slot + 1);
  const temper_rows view = rows.view({lane});
  check(on, on.ops->begin(stream.stream, &view));
  for (int32_t layer = 0; layer < layers; ++layer) {
    const OnDevice qkv(on, randoms(random, static_cast<size_t>(view.count * 3 * heads * head_size)));
    const int32_t code = on.ops->rotary_write(stream.stream, qkv.floats(), &attention, layer);
    if (code != TEMPER_OK) return code;
  }
  return TEMPER_OK;
}

// What queries find in the first `slots` slots.
std::vector<float> look(const Opened &on, temper_lane *lane, int32_t slots) {
  Random random(3);
  StreamOf stream(on, 2, slot_count, 8);
  Rows rows;
  for (const int32_t begin : {0, slots / 3}) rows.add(0, 0, 0, 0, 0, begin, slots);
  const temper_rows view = rows.view({lane});
  check(on, on.ops->begin(stream.stream, &view));
  std::vector<float> out;
  for (int32_t layer = 0; layer < layers; ++layer) {
    const OnDevice qkv(on, randoms(random, static_cast<size_t>(view.count * 3 * heads * head_size)));
    const OnDevice found(on, std::vector<float>(static_cast<size_t>(view.count * heads * head_size)));
    check(on, on.ops->attend(stream.stream, found.floats(), qkv.floats(), &attention, layer));
    const std::vector<float> values = found.read();
    out.insert(out.end(), values.begin(), values.end());
  }
  return out;
}

// What a lane that shares nothing takes.
int64_t whole(const Opened &on) {
  const int64_t before = on.allocator.live;
  const Lanes lane(on, 1, plan);
  return on.allocator.live - before;
}

temper_lane *fork(const Opened &on, const temper_lane *from, int32_t kept, int32_t lasting) {
  temper_lane *lane = nullptr;
  size_t shared = 0;
  const int64_t all = whole(on), before = on.allocator.live;
  check(on, on.ops->lane_fork(on.device, from, kept, lasting, &lane, &shared));
  // What it shares it doesn't take.
  assert_int_equal(on.allocator.live - before + static_cast<int64_t>(shared), all);
  // All but the last page, which is an eighth at the most.
  if (lasting == slot_count) assert_true(static_cast<int64_t>(shared) > all - all / 4);
  return lane;
}

void assert_finds(const Opened &on, temper_lane *lane, int32_t slots, const std::vector<float> &want) {
  const std::vector<float> got = look(on, lane, slots);
  assert_int_equal(got.size(), want.size());
  assert_same(got.data(), want.data(), want.size(), on.ops->name);
}

// Two lanes go their own ways from what they share, whichever writes and whichever ends first.
void forks_are_independent(void **) {
  for (const temper_backend *table : usable())
    for (const int32_t lasting : {0, 1, 27, 28, 64, 150, 200})
      for (const bool origin_writes : {false, true}) {
        const Opened on(table, 2);
        temper_lane *origin = nullptr;
        check(on, table->lane_create(on.device, &plan, &origin));
        check(on, fill(on, origin, 0, slot_count, 1));
        const int32_t kept = std::min(slot_count, lasting + 20);
        const std::vector<float> before = look(on, origin, kept);
        temper_lane *other = fork(on, origin, kept, lasting);
        assert_finds(on, other, kept, before);
        temper_lane *writer = origin_writes ? origin : other, *reader = origin_writes ? other : origin;
        // Behind what lasts, then in it, then by moving slots into it.
        check(on, fill(on, writer, lasting < slot_count ? lasting : 0, slot_count, 2));
        assert_finds(on, reader, kept, before);
        check(on, fill(on, writer, 10, 12, 3));
        assert_finds(on, reader, kept, before);
        assert_true(look(on, writer, kept) != before);
        StreamOf stream(on, 1, slot_count, 8);
        check(on, table->lane_move(stream.stream, writer, 70, 3, 120));
        assert_finds(on, reader, kept, before);
        table->lane_destroy(on.device, writer);
        assert_finds(on, reader, kept, before);
        table->lane_destroy(on.device, reader);
      }
}

// Moves within a sequence: what stood at a slot stands at its new one.
void slots_move_as_a_whole(void **) {
  for (const temper_backend *table : usable())
    for (const auto &[from, to, count] : {std::array{70, 3, 120}, {3, 70, 120}, {64, 0, 64}, {0, 1, 199}, {1, 0, 199}}) {
      const Opened on(table, 1);
      temper_lane *lane = nullptr, *moved = nullptr;
      check(on, table->lane_create(on.device, &plan, &lane));
      check(on, fill(on, lane, 0, slot_count, 1));
      moved = fork(on, lane, slot_count, slot_count);
      StreamOf stream(on, 2, slot_count, 8);
      check(on, table->lane_move(stream.stream, moved, from, to, count));
      Random random(4);
      const OnDevice qkv(on, randoms(random, 3 * heads * head_size));
      const OnDevice out(on, std::vector<float>(heads * head_size)), want(on, std::vector<float>(heads * head_size));
      for (int32_t i = 0; i < count; ++i) {
        // One slot alone gives its value.
        for (const auto &[cache, slot, found] : {std::tuple{lane, from + i, &want}, std::tuple{moved, to + i, &out}}) {
          Rows rows;
          rows.add(0, 0, 0, 0, 0, slot, slot + 1);
          const temper_rows view = rows.view({cache});
          check(on, table->begin(stream.stream, &view));
          check(on, table->attend(stream.stream, found->floats(), qkv.floats(), &attention, 1));
        }
        assert_same(out.read().data(), want.read().data(), heads * head_size, table->name);
      }
      table->lane_destroy(on.device, lane);
      table->lane_destroy(on.device, moved);
    }
}

// No memory for a page of its own: an error, and both are as they were.
void memory_may_run_out(void **) {
  for (const temper_backend *table : usable()) {
    Opened on(table, 1);
    temper_lane *origin = nullptr;
    check(on, table->lane_create(on.device, &plan, &origin));
    check(on, fill(on, origin, 0, slot_count, 1));
    const std::vector<float> before = look(on, origin, slot_count);
    temper_lane *other = nullptr;
    size_t shared = 0;
    assert_int_equal(table->lane_fork(on.device, origin, slot_count + 1, 7, &other, &shared), TEMPER_E_ARGUMENT);
    assert_int_equal(table->lane_fork(on.device, origin, 7, slot_count, &other, &shared), TEMPER_E_ARGUMENT);
    int64_t failures = 0;
    for (;; ++failures) {
      on.allocator.calls = 0;
      on.allocator.fail_at = failures;
      const int32_t code = table->lane_fork(on.device, origin, slot_count, 7, &other, &shared);
      if (code == TEMPER_OK) break;
      assert_int_equal(code, TEMPER_E_MEMORY);
      assert_null(other);
    }
    assert_true(failures > 0);
    on.allocator.fail_at = -1;
    table->lane_destroy(on.device, other);

    other = fork(on, origin, slot_count, slot_count);
    StreamOf stream(on, 1, slot_count, 8);
    on.allocator.calls = 0;
    on.allocator.fail_at = 0;
    const int32_t code = table->lane_move(stream.stream, other, 1, 0, 10);
    on.allocator.fail_at = -1;
    assert_int_equal(code, TEMPER_E_MEMORY);
    assert_finds(on, other, slot_count, before);
    assert_finds(on, origin, slot_count, before);
    table->lane_destroy(on.device, origin);
    table->lane_destroy(on.device, other);
  }
}

// Forks of one lane at work on threads of their own, each writing where the others read.
void forks_on_threads(void **) {
  for (const temper_backend *table : usable()) {
    const Opened on(table, 1);
    temper_lane *origin = nullptr;
    check(on, table->lane_create(on.device, &plan, &origin));
    check(on, fill(on, origin, 0, slot_count, 1));
    const std::vector<float> before = look(on, origin, 128);
    std::vector<temper_lane *> all = {origin};
    while (all.size() < 4) all.push_back(fork(on, origin, slot_count, 180));
    std::vector<std::thread> threads;
    std::atomic<int32_t> wrong{0};
    for (unsigned i = 0; i < 4; ++i) {
      temper_lane *mine = all[i];
      threads.emplace_back([&on, &before, &wrong, table, mine, i] {
        if (look(on, mine, 128) != before) ++wrong;
        if (fill(on, mine, 20, 100, 5 + i) != TEMPER_OK) ++wrong;
        const std::vector<float> after = look(on, mine, 128);
        if (after == before) ++wrong;
        if (fill(on, mine, 128, slot_count, 9) != TEMPER_OK || look(on, mine, 128) != after) ++wrong;
        table->lane_destroy(on.device, mine);
      });
    }
    for (std::thread &thread : threads) thread.join();
    assert_int_equal(wrong.load(), 0);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(forks_are_independent),
      cmocka_unit_test(slots_move_as_a_whole),
      cmocka_unit_test(memory_may_run_out),
      cmocka_unit_test(forks_on_threads),
  };
  return cmocka_run_group_tests_name("backend forks", tests, nullptr, nullptr);
}
