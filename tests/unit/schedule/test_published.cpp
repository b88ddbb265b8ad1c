// SPDX-License-Identifier: Apache-2.0
// The levels, parts and times of the published code, cell by cell.
#include "noise/noise.h"
#include "schedule/hyperschedule.h"
#include "support/published.h"
#include "support/shared.h"

#include <cmath>
#include <cstdio>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" {
#include <cmocka.h>
}

using namespace temper;

namespace {

test::ReferenceCases cases;

// Published values: 0..T-1 in the window means our level + 1; T hasn't started; what has settled is 0.
void compare(const std::string &name, const Hyperschedule &s, bool count_lags) {
  const auto levels = cases.get<int32_t>(name + ".levels"), settled = cases.get<int32_t>(name + ".num_settled");
  const int64_t top = cases.get<int32_t>(name + ".worthless")[0], length = cases.get<int32_t>(name + ".seq_len")[0];
  const int64_t calls = cases.get<int32_t>(name + ".max_step")[0] - 1;
  if (s.levels() != top) fail_msg("%s: T", name.c_str());
  if (s.steps(length) > calls) fail_msg("%s: steps", name.c_str());
  for (int64_t k = 0; k < calls; ++k)
    for (int64_t i = 0; i < length; ++i) {
      const int32_t theirs = levels[static_cast<size_t>(k * length + i)], ours = s.level(k, i);
      int32_t expected = theirs == top ? theirs : i < settled[static_cast<size_t>(k)] ? 0 : theirs + 1;
      // The hybrid's settled count of a block follows when the whole block is done.
      if (count_lags && theirs == 0 && ours == 0) expected = 0;
      if (top == 1 && i >= settled[static_cast<size_t>(k)]) expected = 1;
      if (ours != expected)
        fail_msg("%s: step %d position %d: %d, published %d", name.c_str(), static_cast<int>(k), static_cast<int>(i), ours, expected);
    }
}

// The parts of a call and the times of its positions, and the same as a shifted model has them: behind a begin token,
// one position later, the last settled one active as well. What the published times give as eps and 1 - eps has no
// time here: it is settled, or takes no part.
void compare_times(const std::string &name, const Hyperschedule &s, bool count_lags) {
  if (!cases.has(name + ".t")) return;  // one level: the published formula divides by zero
  const auto t = cases.get<double>(name + ".t"), shifted_t = cases.get<double>(name + ".shifted_t");
  const auto active = cases.get<uint8_t>(name + ".active"), settled = cases.get<uint8_t>(name + ".settled"),
             last = cases.get<uint8_t>(name + ".tokens_to_denoise"), shifted_active = cases.get<uint8_t>(name + ".shifted_active"),
             shifted_settled = cases.get<uint8_t>(name + ".shifted_settled"),
             shifted_last = cases.get<uint8_t>(name + ".shifted_tokens_to_denoise");
  const int64_t calls = cases.shape(name + ".t")[0], length = cases.shape(name + ".t")[1];
  const auto levels = cases.get<int32_t>(name + ".levels");
  NoiseParameters parameters;
  parameters.grid = NoiseGrid::official;
  const Noise noise = Noise::create(parameters).value();
  for (int64_t k = 0; k < calls; ++k) {
    const int64_t from = s.settled_end(k, length), end = s.active_end(k, length);
    for (int64_t i = 0; i < length; ++i) {
      const auto at = static_cast<size_t>(k * length + i);
      const auto check = [&](bool right, const char *what) {
        if (!right) fail_msg("%s: step %d position %d: %s", name.c_str(), static_cast<int>(k), static_cast<int>(i), what);
      };
      // A published hybrid's block is active as a whole until all of it has settled (MATH 7, D14). Where T is less than
      // the width a published position may also stay at the top for calls, or leave it without a call there (D13).
      const int32_t now = s.level(k, i), next = s.level(k + 1, i), top = s.levels();
      const bool here = i >= from && i < end, lags = count_lags && i < from;
      const bool rests = now == top && next == top, jumps = levels[at] == top && next < top;
      check(lags || (settled[at] != 0) == (i < from), "settled");
      check(active[at] != 0 ? here || lags || rests : !here || jumps, "active");
      if (here && active[at] != 0) {
        check(std::abs(noise.time(now, top) - t[at]) < 1e-6, "time");
        check((last[at] != 0) == (now == 1), "last step");
      }
      if (count_lags) continue;
      // Position i - 1 is the input behind that of the begin token.
      check((shifted_settled[at] != 0) == (i <= from), "shifted settled");
      check((shifted_active[at] != 0) == (i == from || (i > 0 && active[at - 1] != 0)), "shifted active");
      if (i <= from || active[at - 1] == 0) continue;
      check(std::abs(noise.time(s.level(k, i - 1), s.levels()) - shifted_t[at]) < 1e-6, "shifted time");
      check((shifted_last[at] != 0) == (s.level(k, i - 1) == 1), "shifted last step");
    }
  }
}

void published(void **) {
  int seen = 0;
  for (const std::string &key : cases.names()) {
    const size_t dot = key.find(".levels");
    if (dot == std::string::npos) continue;
    const std::string name = key.substr(0, dot);
    const int64_t length = cases.get<int32_t>(name + ".seq_len")[0];
    const test::PublishedSchedule published = test::published_schedule(name, length);
    const bool hybrid = name.rfind("hybrid", 0) == 0, slides = name.rfind("slide", 0) == 0;
    compare(name, published.schedule, hybrid);
    compare_times(name, published.schedule, hybrid);
    if (slides && published.width == published.schedule.levels())
      compare(name, Hyperschedule::slide(published.width, published.schedule.levels()).value(), false);
    ++seen;
  }
  assert_true(seen > 30);
}

}  // namespace

int main() {
  if (!cases.open("hyperschedules")) {
    std::puts("skipped: no reference hyperschedules");
    return 77;
  }
  const CMUnitTest tests[] = {cmocka_unit_test(published)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
