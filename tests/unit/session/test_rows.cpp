// SPDX-License-Identifier: Apache-2.0
// The rows of a call on small cases written out by hand, and the number of rows that whole generations take.
#include "support/lab.h"

#include "engine/rows.h"

#include <algorithm>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
extern "C" {
#include <cmocka.h>
}

using namespace temper;
using namespace temper::test;

namespace {

constexpr int32_t top = 4;  // level of pure noise

ActivePosition at(int64_t position, int32_t level, bool wants = true) {
  return {position, static_cast<int32_t>(100 + position), level, level - 1, level == top, wants};
}

struct Expected {
  int64_t position;
  int32_t level, slot, begin, end;
};

RowPlan planned(const Rules &rules, const Frontier &frontier, const std::vector<ActivePosition> &active) {
  std::vector<int32_t> tokens;
  for (int32_t i = 0; i < 40; ++i) tokens.push_back(100 + i);
  RowPlan plan;
  plan.reserve(64);
  plan.build(rules, frontier, tokens, 0, active);
  return plan;
}

void check(const RowPlan &plan, const std::vector<Expected> &rows, const std::vector<int32_t> &logit_rows) {
  assert_int_equal(plan.rows().size(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const PlannedRow &row = plan.rows()[i];
    const Expected &right = rows[i];
    if (row.position != right.position || row.level != right.level || row.slot != right.slot ||
        row.visible_begin != right.begin || row.visible_end != right.end || row.token != 100 + right.position)
      fail_msg("row %zu: position %d level %d slot %d sees [%d, %d), token %d", i, static_cast<int>(row.position),
               row.level, row.slot, row.visible_begin, row.visible_end, row.token);
  }
  assert_int_equal(plan.logit_row().size(), logit_rows.size());
  for (size_t i = 0; i < logit_rows.size(); ++i) assert_int_equal(plan.logit_row()[i], logit_rows[i]);
}

Rules causal(bool shifted = false, bool noise_keys = true) {
  return {Context::causal, Window::full, 1, shifted, noise_keys, true, 0};
}

void test_causal_aligned(void **) {
  // Three frozen, two newly settled, a window of three.
  const RowPlan plan = planned(causal(), {3, 5, 0}, {at(5, 1), at(6, 2), at(7, 4, false)});
  check(plan, {{3, 0, 3, 0, 4}, {4, 0, 4, 0, 5}, {5, 1, 5, 0, 8}, {6, 2, 6, 0, 8}, {7, 4, 7, 0, 8}}, {2, 3, -1});
  assert_int_equal(plan.settled_rows(), 2);
  assert_false(plan.last_settled_sees_window());
  assert_int_equal(frozen_after(causal(), {3, 5, 0}, false, 6), 5);
}

void test_nothing_settled(void **) {
  check(planned(causal(), {0, 0, 0}, {at(0, 4), at(1, 4)}), {{0, 4, 0, 0, 2}, {1, 4, 1, 0, 2}}, {0, 1});
}

void test_dropped_noise_keys(void **) {
  // Position 6 is pure noise: nobody sees it, not even itself; 7 wants nothing and has no row.
  check(planned(causal(false, false), {4, 5, 0}, {at(5, 2), at(6, 4), at(7, 4, false), at(8, 3)}),
        {{4, 0, 4, 0, 5}, {5, 2, 5, 0, 7}, {8, 3, 6, 0, 7}, {6, 4, 7, 0, 7}}, {1, 3, -1, 2});
}

void test_shifted(void **) {
  // The row of the last settled token queries the window, and is computed again as a settled one.
  const RowPlan plan = planned(causal(true), {3, 5, 0}, {at(5, 1), at(6, 4)});
  check(plan, {{3, 0, 3, 0, 4}, {4, 0, 4, 0, 7}, {5, 1, 5, 0, 7}, {6, 4, 6, 0, 7}}, {1, 2});
  assert_true(plan.last_settled_sees_window());
  assert_int_equal(frozen_after(causal(true), {3, 5, 0}, true, 6), 4);
}

void test_shifted_quench(void **) {
  // Without noise keys it sees settled tokens only: frozen at once, one row per token.
  const RowPlan plan = planned(causal(true, false), {4, 5, 0}, {at(5, 4)});
  check(plan, {{4, 0, 4, 0, 5}}, {0});
  assert_false(plan.last_settled_sees_window());
  assert_int_equal(frozen_after(causal(true, false), {4, 5, 0}, false, 6), 5);
  // If nothing settled its logits are asked for again.
  assert_int_equal(frozen_after(causal(true, false), {4, 5, 0}, false, 5), 4);
}

void test_gaps(void **) {
  // 6 is held (settled behind an unsettled one), 7 worthless, 9 fixed far ahead.
  const std::vector<ActivePosition> active = {at(5, 2), at(6, 0, false), at(9, 0, false)};
  check(planned(causal(), {5, 5, 0}, active), {{5, 2, 5, 0, 8}, {6, 0, 6, 0, 8}, {9, 0, 7, 0, 8}}, {0, -1, -1});
  // A window that attends causally goes by position, not by slot.
  const Rules rules = {Context::causal, Window::causal, 1, false, true, true, 0};
  check(planned(rules, {5, 5, 0}, active), {{5, 2, 5, 0, 6}, {6, 0, 6, 0, 7}, {9, 0, 7, 0, 8}}, {0, -1, -1});
  // Looking back three positions over a gap: 9 sees only itself, 6 sees 4 and on.
  Rules sliding = causal();
  sliding.look_back = 3;
  check(planned(sliding, {5, 5, 0}, active), {{5, 2, 5, 3, 8}, {6, 0, 6, 4, 8}, {9, 0, 7, 7, 8}}, {0, -1, -1});
}

void test_block_causal(void **) {
  const Rules rules = {Context::block_causal, Window::full, 4, false, true, true, 0};
  // Settled tokens of a block see each other; the block is frozen when it is whole.
  const Frontier frontier = {4, 10, 0};
  check(planned(rules, frontier, {at(10, 1), at(11, 2)}),
        {{4, 0, 4, 0, 8}, {5, 0, 5, 0, 8}, {6, 0, 6, 0, 8}, {7, 0, 7, 0, 8}, {8, 0, 8, 0, 10}, {9, 0, 9, 0, 10},
         {10, 1, 10, 0, 12}, {11, 2, 11, 0, 12}},
        {6, 7});
  assert_int_equal(frozen_after(rules, frontier, false, 11), 8);
  assert_int_equal(frozen_after(rules, {8, 11, 0}, false, 12), 8);
  assert_int_equal(frozen_after(rules, {8, 12, 0}, false, 13), 12);
  assert_int_equal(prefill_end(rules, {0, 11, 0}), 8);
  assert_int_equal(prefill_end(rules, {0, 12, 0}), 12);
}

void test_block_causal_shifted(void **) {
  const Rules rules = {Context::block_causal, Window::full, 4, true, true, true, 0};
  // Row 7 queries the window, and rows 4..6 see row 7: nothing of that block is final.
  const Frontier frontier = {4, 8, 0};
  const RowPlan plan = planned(rules, frontier, {at(8, 1)});
  check(plan, {{4, 0, 4, 0, 8}, {5, 0, 5, 0, 8}, {6, 0, 6, 0, 8}, {7, 0, 7, 0, 9}, {8, 1, 8, 0, 9}}, {3});
  assert_int_equal(frozen_after(rules, frontier, plan.last_settled_sees_window(), 9), 4);
  assert_int_equal(frozen_after(rules, {4, 9, 0}, true, 10), 8);
}

void test_attention_by_blocks(void **) {
  // Window::block: settled and active rows of a block see all of it and nothing behind it.
  const Rules rules = {Context::block_causal, Window::block, 4, false, true, true, 0};
  check(planned(rules, {4, 6, 0}, {at(6, 1), at(7, 4), at(8, 4), at(9, 4)}),
        {{4, 0, 4, 0, 8}, {5, 0, 5, 0, 8}, {6, 1, 6, 0, 8}, {7, 4, 7, 0, 8}, {8, 4, 8, 0, 10}, {9, 4, 9, 0, 10}},
        {2, 3, 4, 5});
  assert_int_equal(frozen_after(rules, {4, 6, 0}, true, 8), 4);
  // The same whatever the context rule says.
  const Rules other = {Context::causal, Window::block, 4, false, true, true, 0};
  assert_int_equal(frozen_after(other, {4, 6, 0}, true, 8), 4);
  assert_int_equal(prefill_end(other, {0, 6, 0}), 4);
}

// Positions whose keys are kept from an earlier call have no row, but they are seen.
void test_cached_positions(void **) {
  const auto kept = [](int64_t position) {
    ActivePosition active = at(position, top, false);
    active.cached = true;
    return active;
  };
  Rules rules = {Context::full, Window::block, 4, false, true, true, 0};
  const std::vector<ActivePosition> active = {at(0, 2), kept(1), kept(2), at(3, 2), kept(4), kept(5)};
  check(planned(rules, {0, 0, 0}, active), {{0, 2, 0, 0, 4}, {3, 2, 3, 0, 4}}, {0, -1, -1, 1, -1, -1});
  rules.window = Window::full;
  rules.look_back = 2;
  check(planned(rules, {0, 0, 0}, active), {{0, 2, 0, 0, 6}, {3, 2, 3, 2, 6}}, {0, -1, -1, 1, -1, -1});
}

void test_full_context(void **) {
  const Rules rules = {Context::full, Window::full, 1, false, true, true, 0};
  check(planned(rules, {0, 2, 0}, {at(2, 1)}), {{0, 0, 0, 0, 3}, {1, 0, 1, 0, 3}, {2, 1, 2, 0, 3}}, {2});
  assert_int_equal(frozen_after(rules, {0, 2, 0}, true, 3), 0);
  assert_int_equal(prefill_end(rules, {0, 2, 0}), 0);
}

void test_slots_and_look_back(void **) {
  Rules rules = causal();
  rules.look_back = 4;
  // Slots count from position 10; a row sees itself and three before.
  check(planned(rules, {14, 15, 10}, {at(15, 1), at(16, 2)}),
        {{14, 0, 4, 1, 5}, {15, 1, 5, 2, 7}, {16, 2, 6, 3, 7}}, {1, 2});
  const PlannedRow row = prefill_row(rules, {12, 20, 10}, 12, 112);
  assert_int_equal(row.slot, 2);
  assert_int_equal(row.visible_begin, 0);
  assert_int_equal(row.visible_end, 3);
}

void test_without_cache(void **) {
  Rules rules = causal();
  rules.cache = false;
  assert_int_equal(frozen_after(rules, {0, 5, 0}, false, 6), 0);
  assert_int_equal(prefill_end(rules, {0, 5, 0}), 0);
}

// All calls of a generation, rows only (MATH (14)).
struct Cost {
  int64_t calls, rows;
};
Cost cost_of(Result<Hyperschedule> made, int64_t length, const Rules &rules, int64_t prompt = 0) {
  const Hyperschedule schedule = require(std::move(made), "schedule");
  const std::vector<int32_t> tokens(static_cast<size_t>(length + prompt), 0);
  RowPlan plan;
  plan.reserve(length + prompt + 1);
  std::vector<ActivePosition> active;
  Cost cost = {schedule.steps(length), 0};
  Frontier frontier{0, prompt, 0};
  for (int64_t k = 0; k < cost.calls; ++k) {
    active.clear();
    frontier.settled = prompt + schedule.settled_end(k, length);
    for (int64_t i = schedule.settled_end(k, length); i < schedule.active_end(k, length); ++i) {
      const int32_t level = schedule.level(k, i);
      active.push_back({prompt + i, 0, level, schedule.level(k + 1, i), level == schedule.levels(), true});
    }
    plan.build(rules, frontier, tokens, 0, active);
    cost.rows += static_cast<int64_t>(plan.rows().size());
    const int64_t next = prompt + (k + 1 == cost.calls ? length : schedule.settled_end(k + 1, length));
    frontier.frozen = frozen_after(rules, frontier, plan.last_settled_sees_window(), next);
  }
  return cost;
}

void check_cost(const char *name, Result<Hyperschedule> made, int64_t length, Cost right, Rules rules = causal(),
                int64_t prompt = 0) {
  const Cost cost = cost_of(std::move(made), length, rules, prompt);
  if (cost.calls != right.calls || cost.rows != right.rows)
    fail_msg("%s: %d calls with %d rows, not %d with %d", name, static_cast<int>(cost.calls),
             static_cast<int>(cost.rows), static_cast<int>(right.calls), static_cast<int>(right.rows));
}

void test_cost(void **) {
  using H = Hyperschedule;
  check_cost("block(8;4,4)", H::block(4, 4), 8, {8, 36});
  check_cost("block(8;4,2)", H::block(4, 2), 8, {4, 20});
  check_cost("slide(8;4,4)", H::slide(4, 4), 8, {11, 39});
  check_cost("slide(8;4,2)", H::slide(4, 2), 8, {5, 22});
  check_cost("slide(8;4,8)", H::slide(4, 8), 8, {22, 71});
  check_cost("flat(8;4)", H::flat(4), 8, {4, 32});
  check_cost("quench(8)", H::quench(), 8, {8, 15});
  check_cost("hybrid(8;4,4)", H::hybrid(4, 4), 8, {14, 39});
  check_cost("block(1024;256,64)", H::block(256, 64), 1024, {256, 66304});
  check_cost("slide(1024;256,64)", H::slide(256, 64), 1024, {319, 66556});
  check_cost("slide(1024;16,4)", H::slide(16, 4), 1024, {259, 5116});
  check_cost("shifted quench", H::quench(), 9, {9, 26}, causal(true), 1);
  check_cost("shifted quench without noise keys", H::quench(), 9, {9, 9}, causal(true, false), 1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_causal_aligned),       cmocka_unit_test(test_nothing_settled),
      cmocka_unit_test(test_dropped_noise_keys),   cmocka_unit_test(test_shifted),
      cmocka_unit_test(test_shifted_quench),       cmocka_unit_test(test_gaps),
      cmocka_unit_test(test_block_causal),         cmocka_unit_test(test_block_causal_shifted),
      cmocka_unit_test(test_attention_by_blocks),  cmocka_unit_test(test_full_context),
      cmocka_unit_test(test_slots_and_look_back),  cmocka_unit_test(test_without_cache),
      cmocka_unit_test(test_cost),                 cmocka_unit_test(test_cached_positions),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
