// SPDX-License-Identifier: Apache-2.0
// Levels, frontiers, windows and call counts against MATH 3.2 and 3.4 and against brute force.
#include "schedule/hyperschedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include <cmocka.h>
}

using namespace temper;

namespace {

std::string rows(const Hyperschedule &s, int64_t length) {
  std::string text;
  for (int64_t k = 0; k <= s.steps(length); ++k) {
    if (k > 0) text += " / ";
    for (int64_t i = 0; i < length; ++i) text += static_cast<char>('0' + s.level(k, i));
  }
  return text;
}

Hyperschedule made(Result<Hyperschedule> result) {
  if (!result.ok()) fail_msg("%s", result.status().message().c_str());
  return result.value();
}

void vectors(void **) {
  const auto check = [](const Hyperschedule &s, int64_t length, const char *expected) {
    assert_string_equal(rows(s, length).c_str(), expected);
  };
  check(made(Hyperschedule::block(2, 2)), 5, "22222 / 11222 / 00222 / 00112 / 00002 / 00001 / 00000");
  check(made(Hyperschedule::slide(4, 2)), 6, "222222 / 112222 / 001122 / 000011 / 000000");
  check(made(Hyperschedule::slide(2, 4)), 5,
        "44444 / 34444 / 24444 / 13444 / 02444 / 01344 / 00244 / 00134 / 00024 / 00013 / 00002 / 00001 / 00000");
  check(made(Hyperschedule::slide_jump(4, 2)), 6, "222222 / 001122 / 000011 / 000000");
  check(made(Hyperschedule::slide_jump(2, 4)), 5,
        "44444 / 13444 / 02444 / 01344 / 00244 / 00134 / 00024 / 00013 / 00002 / 00001 / 00000");
  check(made(Hyperschedule::hybrid(3, 2)), 5, "22222 / 12222 / 01222 / 00122 / 00022 / 00012 / 00001 / 00000");
  check(made(Hyperschedule::quench()), 3, "111 / 011 / 001 / 000");
  check(made(Hyperschedule::flat(2)), 3, "222 / 111 / 000");
}

// K, and rows computed with a cache: sum of active rows plus the settled ones, computed once more.
void costs(void **) {
  const auto check = [](const Hyperschedule &s, int64_t length, int64_t calls, int64_t computed) {
    assert_int_equal(s.steps(length), calls);
    int64_t sum = 0;
    for (int64_t k = 0; k < calls; ++k) sum += s.active_end(k, length) - s.settled_end(k, length);
    assert_int_equal(sum + s.settled_end(calls - 1, length), computed);
  };
  check(made(Hyperschedule::block(4, 4)), 8, 8, 36);
  check(made(Hyperschedule::block(4, 2)), 8, 4, 20);
  check(made(Hyperschedule::slide(4, 4)), 8, 11, 39);
  check(made(Hyperschedule::slide(4, 2)), 8, 5, 22);
  check(made(Hyperschedule::slide(4, 8)), 8, 22, 71);
  check(made(Hyperschedule::flat(4)), 8, 4, 32);
  check(made(Hyperschedule::quench()), 8, 8, 15);
  check(made(Hyperschedule::hybrid(4, 4)), 8, 14, 39);
  check(made(Hyperschedule::block(256, 64)), 1024, 256, 66304);
  check(made(Hyperschedule::slide(256, 64)), 1024, 319, 66556);
  check(made(Hyperschedule::slide(16, 4)), 1024, 259, 5116);
}

// Every query against its definition, from the levels alone.
void check_definitions(const Hyperschedule &s, int64_t length, bool all_drop) {
  const int64_t calls = s.steps(length);
  assert_true(calls > 0 && s.validate(length).ok());
  for (int64_t k = 0; k <= calls; ++k) {
    int64_t settled = 0, active = 0;
    bool drops = false;
    while (settled < length && s.level(k, settled) == 0) ++settled;
    for (int64_t i = 0; i < length; ++i) {
      const int32_t now = s.level(k, i), next = s.level(k + 1, i);
      assert_true(now >= 0 && now <= s.levels() && next <= now);
      if (now < s.levels() || next < s.levels()) active = i + 1;
      drops = drops || next < now;
      if (k == calls) assert_int_equal(now, 0);
    }
    assert_int_equal(s.settled_end(k, length), settled);
    assert_int_equal(s.active_end(k, length), active > settled ? active : settled);
    assert_true(s.active_end(k, length) - settled <= s.max_active(length));
    assert_int_equal(s.drops(k, length), drops);
    if (all_drop && k < calls) assert_true(drops);
  }
  assert_true(s.settled_end(calls - 1, length) < length);
}

void definitions(void **) {
  for (int32_t kind = 0; kind <= 6; ++kind)
    for (int64_t width = 1; width <= 9; ++width)
      for (int32_t levels = 1; levels <= 9; ++levels)
        for (int64_t length : {1, 2, 7, 16, 19})
          check_definitions(made(Hyperschedule::create(static_cast<ScheduleKind>(kind), width, levels)), length,
                            kind != static_cast<int32_t>(ScheduleKind::slide_official));
}

void streams(void **) {
  for (int32_t kind : {0, 2, 3, 4, 5, 6}) {
    const Hyperschedule s = made(Hyperschedule::create(static_cast<ScheduleKind>(kind), 5, 3));
    assert_true(s.can_stream() && s.validate(-1).ok());
    assert_int_equal(s.steps(-1), -1);
    assert_true(s.max_active(-1) > 0 && s.max_active(-1) <= 6);
    for (int64_t k = 0; k < 20; ++k) {
      assert_int_equal(s.settled_end(k, -1), s.settled_end(k, 1000));
      assert_int_equal(s.active_end(k, -1), s.active_end(k, 1000));
      assert_true(s.drops(k, -1) || kind == 6);
    }
  }
  const Hyperschedule flat = made(Hyperschedule::flat(3));
  assert_false(flat.validate(-1).ok());
  assert_int_equal(flat.max_active(-1), -1);
}

int32_t slide_function(void *user, int64_t step, int64_t position) {
  return static_cast<Hyperschedule *>(user)->level(step, position);
}
int32_t rising_function(void *, int64_t step, int64_t) { return step == 3 ? 2 : 1; }
int32_t stuck_function(void *, int64_t, int64_t) { return 1; }

void custom(void **) {
  Hyperschedule slide = made(Hyperschedule::slide(4, 3));
  const int64_t length = 11, calls = slide.steps(length);
  std::vector<int32_t> values;
  for (int64_t k = 0; k <= calls; ++k)
    for (int64_t i = 0; i < length; ++i) values.push_back(slide.level(k, i));
  const Hyperschedule table = made(Hyperschedule::table(values.data(), calls, length, 3));
  const Hyperschedule function = made(Hyperschedule::callback(slide_function, &slide, 3));
  for (const Hyperschedule *s : {&table, &function}) {
    assert_int_equal(s->steps(length), calls);
    check_definitions(*s, length, true);
    check_definitions(*s, 5, false);
  }
  assert_false(table.validate(12).ok());
  assert_int_equal(table.steps(12), -1);

  const int32_t held[] = {2, 2, 2, 1, 0, 2, 0, 0, 0};  // positions settle out of order, one is worthless in front
  check_definitions(made(Hyperschedule::table(held, 2, 3, 2)), 3, true);

  const int32_t rises[] = {1, 1, 0, 1, 1, 0, 0, 0};
  const auto refused = Hyperschedule::table(rises, 3, 2, 1);
  assert_false(refused.ok());
  assert_non_null(strstr(refused.status().message().c_str(), "step 2, position 0"));
  const int32_t left[] = {1, 1, 0, 1};
  assert_non_null(strstr(Hyperschedule::table(left, 1, 2, 1).status().message().c_str(), "position 1"));
  const int32_t outside[] = {1, 5, 0, 0};
  assert_non_null(strstr(Hyperschedule::table(outside, 1, 2, 1).status().message().c_str(), "step 0, position 1"));
  const auto rising = made(Hyperschedule::callback(rising_function, nullptr, 2)).validate(4);
  assert_non_null(strstr(rising.message().c_str(), "step 3, position 0"));
  assert_int_equal(made(Hyperschedule::callback(stuck_function, nullptr, 1)).steps(1), -1);
}

void extremes(void **) {
  for (int32_t kind = 0; kind <= 6; ++kind) {
    const Hyperschedule s = made(Hyperschedule::create(static_cast<ScheduleKind>(kind), int64_t{1} << 31, 1 << 20));
    for (int64_t k : {int64_t{0}, int64_t{1} << 20, int64_t{1} << 59, INT64_MAX}) {
      for (int64_t i : {int64_t{0}, int64_t{1} << 31, INT64_MAX}) {
        const int32_t level = s.level(k, i);
        assert_true(level >= 0 && level <= s.levels());
      }
      const int64_t settled = s.settled_end(k, Hyperschedule::max_length);
      assert_true(settled >= 0 && settled <= Hyperschedule::max_length);
      assert_true(s.active_end(k, Hyperschedule::max_length) >= settled);
    }
  }
  assert_false(made(Hyperschedule::block(1, 1 << 20)).validate(Hyperschedule::max_length).ok());
  for (int64_t width : {int64_t{0}, int64_t{-1}, (int64_t{1} << 31) + 1}) {
    assert_false(Hyperschedule::block(width, 2).ok());
    assert_false(Hyperschedule::slide_official(width, 2).ok());
  }
  for (int32_t levels : {0, -1, (1 << 20) + 1}) assert_false(Hyperschedule::flat(levels).ok());
  assert_string_equal(made(Hyperschedule::slide(16, 8)).describe().c_str(), "slide(16, 8)");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(vectors), cmocka_unit_test(costs), cmocka_unit_test(definitions),
                              cmocka_unit_test(streams), cmocka_unit_test(custom), cmocka_unit_test(extremes)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
