// SPDX-License-Identifier: Apache-2.0
// Constraints, penalties and biases: the vectors of MATH 4.1, who is excluded, who counts, and the order.
#include "answer/workspace.h"
#include "sampler/shaping.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <vector>

extern "C" {
#include <cmocka.h>
}

using namespace temper;

namespace {

using Logits = std::vector<double>;

// What becomes of a row of logits. False: nothing is left.
bool apply(const Shaping &shaping, Logits &logits, const ShapingContext &at) {
  Workspace workspace = std::move(Workspace::create(1 + static_cast<int32_t>(logits.size())).value());
  Workspace::Memory &memory = workspace.memory();
  std::copy(logits.begin(), logits.end(), memory.logits.begin());
  memory.count = logits.size();
  memory.top = largest(logits.data(), logits.size());
  temper_question question = plain_question();
  shaping.describe(at, question);
  const bool any = memory.shape(question);
  std::copy_n(memory.logits.begin(), logits.size(), logits.begin());
  return any;
}

void equal(const Logits &values, std::initializer_list<double> expected, double tolerance = 1e-12) {
  assert_int_equal(values.size(), expected.size());
  size_t i = 0;
  for (double e : expected) {
    const double value = values[i++];
    if (!(value == e || std::fabs(value - e) <= tolerance)) fail_msg("[%zu] is %.15g, expected %.15g", i - 1, value, e);
  }
}

void repetition(void **) {
  Shaping shaping;
  shaping.repetition = 1.2;
  const std::vector<TokenCount> history = {{0, 1}, {4, 3}};
  ShapingContext at;
  at.history = history;
  Logits l = {3, 2, 1, 0, -1};
  assert_true(apply(shaping, l, at));
  equal(l, {2.5, 2, 1, 0, -1.2});
  // However often a token was seen, its logit is divided once.
  // A negative logit becomes more negative: the odds change by e^1 for -5 at 1.2.
  Logits negative = {0, 0, 0, 0, -5};
  assert_true(apply(shaping, negative, at));
  equal(negative, {0, 0, 0, 0, -6});
  // Below 1 what was said becomes likelier, on both sides of 0.
  shaping.repetition = .5;
  l = {3, 2, 1, 0, -1};
  assert_true(apply(shaping, l, at));
  equal(l, {6, 2, 1, 0, -.5});
}

void counts(void **) {
  Shaping shaping;
  shaping.frequency = .5;
  shaping.presence = .25;
  const std::vector<TokenCount> history = {{0, 1}, {1, 0}, {4, 3}, {9, 2}};
  ShapingContext at;
  at.history = history;
  Logits l = {3, 2, 1, 0, -1};
  assert_true(apply(shaping, l, at));
  equal(l, {2.25, 2, 1, 0, -2.75});
  // The token that stands here isn't held against itself, its other places are.
  at.own_token = 4;
  l = {3, 2, 1, 0, -1};
  assert_true(apply(shaping, l, at));
  equal(l, {2.25, 2, 1, 0, -2.25});
  at.own_token = 0;
  l = {3, 2, 1, 0, -1};
  assert_true(apply(shaping, l, at));
  equal(l, {3, 2, 1, 0, -2.75});
}

void exclusions(void **) {
  const std::vector<int32_t> allowed = {1, 3, 4}, beyond = {-3, 7, 100}, ends = {-1, 3, 70};
  ShapingContext at;
  Shaping shaping;
  Logits l = {5, 4, 3, 2, 1, 0};
  at.allowed = allowed;
  assert_true(apply(shaping, l, at));
  equal(l, {never, 4, never, 2, 1, never});
  at.allowed = beyond;
  assert_false(apply(shaping, l, at));
  equal(l, {never, never, never, never, never, never});

  // End tokens wait for `minimum_length` generated positions.
  at.allowed = {};
  at.end_tokens = ends;
  shaping.minimum_length = 3;
  assert_false(shaping.counts());
  for (int64_t generated : {0, 2, 3, 4}) {
    at.generated = generated;
    l = {5, 4, 3, 2};
    assert_true(apply(shaping, l, at));
    equal(l, {5, 4, 3, generated < 3 ? never : 2});
  }
  shaping = {};
  shaping.no_end = true;
  assert_true(apply(shaping, l, at));
  equal(l, {5, 4, 3, never});
  // An end token as the only one allowed: nothing is left.
  at.allowed = {ends.data() + 1, 1};
  assert_false(apply(shaping, l, at));
}

void biases(void **) {
  Shaping shaping;
  shaping.biases = {{1, 2.5}, {2, never}, {3, -1}, {50, 4}};
  Logits l = {1, 1, 9, never, 0};
  assert_true(apply(shaping, l, {}));
  equal(l, {1, 3.5, never, never, 0});
  // After the penalties: a penalty doesn't scale a bias.
  shaping.repetition = 2;
  shaping.frequency = .5;
  const std::vector<TokenCount> history = {{1, 2}, {2, 1}, {3, 1}};
  ShapingContext at;
  at.history = history;
  l = {1, 1, 9, never, 0};
  assert_true(apply(shaping, l, at));
  equal(l, {1, .5 - 1 + 2.5, never, never, 0});
  l = {never, never, 3, never, never};
  assert_false(apply(shaping, l, at));
  // What isn't a number can't be drawn either.
  l = {std::nan(""), never};
  assert_false(apply({}, l, {}));
  Logits none;
  assert_false(apply(shaping, none, at));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(repetition), cmocka_unit_test(counts), cmocka_unit_test(exclusions),
                              cmocka_unit_test(biases)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
