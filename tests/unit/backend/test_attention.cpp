// SPDX-License-Identifier: Apache-2.0
// Rotary positions, cache writes, slot moves and attention against the reference, and the same bits
// for a row in any company.
#include "harness.h"

#include <algorithm>

using namespace temper::test;

namespace {

struct Shape {
  int32_t heads, kv_heads, head_dim, slots;
  bool rotary, normed;
};

struct Inputs {
  std::vector<float> qkv, cosines, sines, q_norm, k_norm;
};

Inputs make_inputs(Random &random, const Shape &shape, int32_t rows) {
  const auto width = static_cast<size_t>((shape.heads + 2 * shape.kv_heads) * shape.head_dim);
  const auto angles = static_cast<size_t>(shape.slots * std::max(1, shape.head_dim / 2));
  return {randoms(random, static_cast<size_t>(rows) * width), randoms(random, angles), randoms(random, angles),
          randoms(random, static_cast<size_t>(shape.head_dim)), randoms(random, static_cast<size_t>(shape.head_dim))};
}

// The inputs on a device.
struct Placed {
  OnDevice qkv, cosines, sines, q_norm, k_norm;
  temper_attention attention;

  Placed(const Opened &on, const Shape &shape, const Inputs &inputs)
      : qkv(on, inputs.qkv), cosines(on, inputs.cosines), sines(on, inputs.sines), q_norm(on, inputs.q_norm),
        k_norm(on, inputs.k_norm),
        attention{.heads = shape.heads,
                  .kv_heads = shape.kv_heads,
                  .head_dim = shape.head_dim,
                  .scale = 0.3F,
                  .rotary_cos = shape.rotary ? cosines.floats() : nullptr,
                  .rotary_sin = shape.rotary ? sines.floats() : nullptr,
                  .q_norm = shape.normed ? q_norm.floats() : nullptr,
                  .k_norm = shape.normed ? k_norm.floats() : nullptr,
                  .norm_epsilon = 1e-6F} {}
};

// Writes all rows to the cache (layer 1 of 2), moves slots if asked, then attends rows [first, first+count).
std::vector<float> run(const temper_backend *table, int32_t threads, const Shape &shape, const Inputs &inputs,
                       Rows rows, int32_t first, int32_t count, bool move = false) {
  const Opened on(table, threads);
  StreamOf stream(on, rows.count(), shape.slots, 8);
  const Lanes lanes(on, 2, {2, shape.slots, shape.kv_heads, shape.head_dim, TEMPER_KV_F32});
  const temper_rows all = rows.view(lanes.lanes);
  const Placed placed(on, shape, inputs);
  check(on, table->begin(stream.stream, &all));
  check(on, table->rotary_write(stream.stream, placed.qkv.floats(), &placed.attention, 1));
  if (move) {
    check(on, table->lane_move(stream.stream, lanes.lanes[0], 3, 1, shape.slots - 4));
    check(on, table->lane_move(stream.stream, lanes.lanes[1], 0, 2, shape.slots - 4));
    assert_true(table->lane_move(stream.stream, lanes.lanes[0], 3, 1, shape.slots) < 0);
  }
  const int64_t width = (shape.heads + 2 * shape.kv_heads) * shape.head_dim, made = shape.heads * shape.head_dim;
  const temper_rows some = rows.view(lanes.lanes, first, count);
  check(on, table->begin(stream.stream, &some));
  const OnDevice found(on, std::vector<float>(static_cast<size_t>(count * made), 5.0F));
  check(on, table->attend(stream.stream, found.floats(), placed.qkv.floats() + first * width, &placed.attention, 1));
  std::vector<float> out = found.read();
  // What was written to q is a result as well.
  const std::vector<float> qkv = placed.qkv.read();
  if (first == 0 && count == rows.count()) out.insert(out.end(), qkv.begin(), qkv.end());
  return out;
}

// Two sequences: causal rows, a window that sees everything, gaps and rows that see nothing; on request also
// rows that see themselves, wherever their slots lie.
Rows make_rows(Random &random, const Shape &shape, bool themselves = false) {
  Rows rows;
  for (int32_t s = 0; s < 2; ++s) {
    const int32_t count = shape.slots - s * 5, causal = count / 2;
    for (int32_t r = 0; r < count; ++r) {
      int32_t begin = 0, end = r < causal ? r + 1 : count;
      if (r % 13 == 7) begin = between(random, 0, end);
      if (r % 17 == 11) begin = end;
      if (r % 17 == 12) begin = -5, end = -9;
      if (themselves && r % 3 != 0) {
        end = between(random, 0, shape.slots);
        begin = between(random, 0, end);
      }
      rows.add(0, between(random, 0, shape.slots - 1), 0, s, r, begin, end, themselves && r % 4 != 3);
    }
  }
  return rows;
}

const Shape shapes[] = {{1, 1, 1, 6, false, false}, {2, 1, 2, 9, true, false},    {4, 2, 10, 33, true, true},
                        {3, 3, 64, 70, true, false}, {6, 2, 30, 41, false, true},  {40, 2, 16, 20, true, false},
                        {2, 2, 128, 150, true, true}, {1, 1, 7, 300, false, false}};

void agrees_with_reference(void **) {
  Random random(6);
  for (const Shape &shape : shapes)
    for (const bool themselves : {false, true}) {
      const Rows rows = make_rows(random, shape, themselves);
      const Inputs inputs = make_inputs(random, shape, rows.count());
      for (const bool move : {false, true}) {
        const auto want = run(reference(), 1, shape, inputs, rows, 0, rows.count(), move);
        for (const temper_backend *table : usable())
          assert_close(run(table, 2, shape, inputs, rows, 0, rows.count(), move), want, 3e-5F, table->name);
      }
    }
}

void rows_dont_depend_on_company(void **) {
  Random random(7);
  for (const Shape &shape : shapes) {
    const Rows rows = make_rows(random, shape, shape.slots % 2 == 0);
    const int32_t count = rows.count();
    const Inputs inputs = make_inputs(random, shape, count);
    const auto width = static_cast<size_t>(shape.heads * shape.head_dim);
    for (const temper_backend *table : usable()) {
      const auto all = run(table, 1, shape, inputs, rows, 0, count);
      for (const int32_t threads : {2, 3})
        assert_same(run(table, threads, shape, inputs, rows, 0, count).data(), all.data(), all.size(), "threads");
      for (int32_t first = 0; first < count; first += 5) {
        const int32_t some = std::min(count - first, between(random, 1, 9));
        const auto few = run(table, 2, shape, inputs, rows, first, some);
        assert_same(few.data(), all.data() + static_cast<size_t>(first) * width, static_cast<size_t>(some) * width,
                    "rows alone");
      }
    }
  }
}

// The definition, on every backend: a row that sees slots [begin, end) and itself finds what a row finds whose
// range is exactly these slots. Its own lies before the range, in it, next to it, behind it, or is all there is.
void rows_see_themselves(void **) {
  Random random(9);
  const Shape shape{4, 2, 12, 40, false, false};
  const int32_t cases[][3] = {{20, 5, 15}, {16, 5, 15}, {15, 5, 15}, {14, 5, 15}, {9, 5, 15},  {5, 5, 15},
                              {4, 5, 15},  {3, 5, 15},  {0, 5, 15},  {39, 0, 20}, {7, 3, 3},   {7, 9, 2},
                              {0, 0, 0},   {0, 1, 40},  {39, 0, 39}, {0, 39, 40}, {17, -3, -8}};
  for (const temper_backend *table : usable())
    for (const auto &[slot, begin, end] : cases) {
      // The first rows write every slot; the last one is the one that looks.
      Rows rows, moved;
      for (int32_t r = 0; r < shape.slots; ++r) rows.add(0, 0, 0, 0, r, 0, 1), moved.add(0, 0, 0, 0, r, 0, 1);
      rows.add(0, 0, 0, 0, slot, begin, end, true);
      const Inputs inputs = make_inputs(random, shape, rows.count());
      const bool alone = end <= begin, inside = !alone && slot >= begin && slot < end;
      // Where the own slot stands apart, its key and value are written next to the range instead, where only the
      // looking row, which is the last to write, has put anything that counts.
      const int32_t next = alone || inside ? slot : slot < begin ? begin - 1 : end;
      moved.add(0, 0, 0, 0, next, alone ? next : std::min(begin, next), alone ? next + 1 : std::max(end, next + 1));
      const auto got = run(table, 2, shape, inputs, rows, shape.slots, 1);
      const auto want = run(table, 2, shape, inputs, moved, shape.slots, 1);
      assert_same(got.data(), want.data(), got.size(), table->name);
      if (!inside && !alone) {
        rows.itself.back() = 0;
        assert_true(run(table, 2, shape, inputs, rows, shape.slots, 1) != got);
      }
    }
}

// The own slot counts among the slots that a stream was planned for.
void planned_slots_are_kept(void **) {
  Random random(10);
  const Shape shape{1, 1, 4, 8, false, false};
  const Inputs inputs = make_inputs(random, shape, 1);
  for (const temper_backend *table : usable())
    for (const bool sees_itself : {false, true}) {
      const Opened on(table, 1);
      StreamOf stream(on, 1, 3, 8);
      const Lanes lanes(on, 1, {1, 8, 1, 4, TEMPER_KV_F32});
      Rows rows;
      rows.add(0, 0, 0, 0, 6, 0, 3, sees_itself);
      const temper_rows view = rows.view(lanes.lanes);
      const Placed placed(on, shape, inputs);
      const OnDevice out(on, std::vector<float>(4));
      check(on, table->begin(stream.stream, &view));
      assert_int_equal(table->attend(stream.stream, out.floats(), placed.qkv.floats(), &placed.attention, 0),
                       sees_itself ? TEMPER_E_ARGUMENT : TEMPER_OK);
    }
}

void slots_outside_are_refused(void **) {
  Random random(8);
  const Shape shape{1, 1, 4, 8, false, false};
  const Inputs inputs = make_inputs(random, shape, 1);
  const int32_t bad[][3] = {{8, 0, 1}, {-1, 0, 1}, {0, 0, 9}, {0, -1, 3}};
  for (const temper_backend *table : usable())
    for (const auto &row : bad) {
      const Opened on(table, 1);
      StreamOf stream(on, 1, 8, 8);
      const Lanes lanes(on, 1, {1, 8, 1, 4, TEMPER_KV_F32});
      Rows rows;
      rows.add(0, 0, 0, 0, row[0], row[1], row[2]);
      const temper_rows view = rows.view(lanes.lanes);
      const Placed placed(on, shape, inputs);
      const OnDevice out(on, std::vector<float>(4));
      check(on, table->begin(stream.stream, &view));
      assert_int_equal(table->attend(stream.stream, out.floats(), placed.qkv.floats(), &placed.attention, 0),
                       TEMPER_E_ARGUMENT);
    }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(agrees_with_reference),
      cmocka_unit_test(rows_dont_depend_on_company),
      cmocka_unit_test(rows_see_themselves),
      cmocka_unit_test(planned_slots_are_kept),
      cmocka_unit_test(slots_outside_are_refused),
  };
  return cmocka_run_group_tests_name("backend attention", tests, nullptr, nullptr);
}
