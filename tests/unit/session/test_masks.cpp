// SPDX-License-Identifier: Apache-2.0
// What the rows of a call see, against the attention masks of the published code (shared reference: hyperschedules),
// for every hyperschedule, call, context and window that it has masks of.
#include "engine/rows.h"
#include "support/published.h"
#include "support/shared.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
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

ReferenceCases cases;

// "<schedule>.[shifted_]mask.<context>.<window>.step<k>", k from 1.
struct Mask {
  std::string schedule;
  bool shifted = false;
  Rules rules;
  int64_t call = 0;
  std::vector<uint8_t> blocked;  // [length][length]
};

bool parse(const std::string &key, Mask &mask) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= key.size();) {
    const size_t dot = std::min(key.find('.', at), key.size());
    parts.push_back(key.substr(at, dot - at));
    at = dot + 1;
  }
  if (parts.size() != 5 || (parts[1] != "mask" && parts[1] != "shifted_mask")) return false;
  mask.schedule = parts[0];
  mask.rules.shifted = parts[1] == "shifted_mask";
  mask.rules.cache = false;
  const std::map<std::string, Context> contexts = {
      {"causal", Context::causal}, {"block_causal", Context::block_causal}, {"full", Context::full}};
  mask.rules.context = contexts.at(parts[2]);
  mask.rules.window = parts[3] == "causal" ? Window::causal : Window::full;
  mask.call = std::strtol(parts[4].c_str() + 4, nullptr, 10) - 1;
  mask.blocked = cases.get<uint8_t>(key);
  return true;
}

// Where the published masks say something else.
enum class Difference {
  none,
  // Context full is here that of models whose rows all see each other; a published settled row sees the settled ones
  // (MATH 7, D31).
  whole_context,
  // A published shifted row with a causal window sees the very position that it predicts (D32).
  own_input
};

Difference difference(const Rules &rules, int64_t position, int64_t settled) {
  const bool queries = rules.shifted && position == settled - 1;  // the row before the window
  if (rules.shifted && rules.window == Window::causal && (position >= settled || queries)) return Difference::own_input;
  if (rules.context == Context::full && position < settled && !queries) return Difference::whole_context;
  return Difference::none;
}

// Rows of one call over the published parts of it (that they are ours as well is tested with the hyperschedules). What
// hasn't started has no row here, and no published row sees it.
void compare(const std::string &key, Mask &mask, std::map<Difference, int> &compared) {
  Rules &rules = mask.rules;
  const int64_t length = cases.integers(mask.schedule + ".seq_len").at(0);
  assert_int_equal(mask.blocked.size(), length * length);
  // The begin token stands in front of a shifted model's positions, and its blocks are one longer.
  const std::string shifted = rules.shifted ? ".shifted_" : ".";
  rules.block = published_schedule(mask.schedule, length).width + (rules.shifted ? 1 : 0);
  const auto is_settled = cases.get<uint8_t>(mask.schedule + shifted + "settled"),
             is_active = cases.get<uint8_t>(mask.schedule + shifted + "active");
  int64_t settled = 0, end = 0;
  for (int64_t p = 0; p < length; ++p) {
    const auto at = static_cast<size_t>(mask.call * length + p);
    if (is_settled[at] != 0) settled = p + 1;
    if (is_settled[at] != 0 || is_active[at] != 0) end = p + 1;
  }
  std::vector<ActivePosition> active;
  for (int64_t p = settled; p < end; ++p) active.push_back({p, 0, 1, 0, false, true});
  const std::vector<int32_t> tokens(static_cast<size_t>(length), 0);
  RowPlan plan;
  plan.build(rules, {0, settled, 0}, tokens, 0, active);
  assert_int_equal(plan.rows().size(), end);
  for (const PlannedRow &row : plan.rows()) {
    assert_int_equal(row.slot, row.position);  // nothing is left out
    const Difference kind = difference(rules, row.position, settled);
    ++compared[kind];
    int64_t visible_end = row.visible_end;
    if (kind == Difference::whole_context) visible_end = std::min(visible_end, settled);
    if (kind == Difference::own_input) visible_end = std::min(row.position + 2, end);
    for (int64_t column = 0; column < length; ++column) {
      const bool expected = column >= row.visible_begin && column < visible_end;
      const bool theirs = mask.blocked[static_cast<size_t>(row.position * length + column)] == 0;
      if (expected != theirs)
        fail_msg("%s: row %d (%d settled, %d in all) %s %d", key.c_str(), static_cast<int>(row.position),
                 static_cast<int>(settled), static_cast<int>(end), theirs ? "is to see" : "isn't to see",
                 static_cast<int>(column));
    }
  }
}

void test_all(void **) {
  int count = 0;
  std::map<Difference, int> rows;
  for (const std::string &key : cases.names()) {
    Mask mask;
    if (!parse(key, mask)) continue;
    compare(key, mask, rows);
    ++count;
  }
  print_message("%d masks: %d rows see what is published; of those that differ %d see a whole context, %d not their own "
                "input\n",
                count, rows[Difference::none], rows[Difference::whole_context], rows[Difference::own_input]);
  assert_true(rows[Difference::none] > 0);
}

}  // namespace

int main() {
  if (!cases.open("hyperschedules")) {
    std::printf("skipped: no shared/reference/hyperschedules (set TEMPER_SHARED)\n");
    return 77;
  }
  const CMUnitTest tests[] = {cmocka_unit_test(test_all)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
