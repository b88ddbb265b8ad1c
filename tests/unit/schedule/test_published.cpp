// SPDX-License-Identifier: Apache-2.0
// The levels of the published code, cell by cell.
#include "schedule/hyperschedule.h"
#include "support/shared.h"

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

void published(void **) {
  int seen = 0;
  for (const std::string &key : cases.names()) {
    const size_t dot = key.find(".levels");
    if (dot == std::string::npos) continue;
    const std::string name = key.substr(0, dot);
    int w = 0, t = 0, length = 0;
    if (name.rfind("quench", 0) == 0) compare(name, Hyperschedule::quench().value(), false);
    else if (sscanf(name.c_str(), "flat_L%d_T%d", &length, &t) == 2) compare(name, Hyperschedule::flat(t).value(), false);
    else if (sscanf(name.c_str(), "block_w%d_t%d", &w, &t) == 2) compare(name, Hyperschedule::block(w, t).value(), false);
    else if (sscanf(name.c_str(), "hybrid_w%d_t%d", &w, &t) == 2) compare(name, Hyperschedule::hybrid(w, t).value(), true);
    else if (sscanf(name.c_str(), "slide_w%d_t%d", &w, &t) == 2) {
      compare(name, Hyperschedule::slide_official(w, t).value(), false);
      if (w == t) compare(name, Hyperschedule::slide(w, t).value(), false);
    } else fail_msg("unknown case %s", name.c_str());
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
