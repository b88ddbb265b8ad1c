// SPDX-License-Identifier: Apache-2.0
// Rows of one call at positions that are any distance apart, and more conditioning values than an engine had room for:
// the logits are those of each row computed alone.
#include "support/lab.h"

#include "engine/cache.h"
#include "engine/engine.h"

#include <cstring>
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

class Keep final : public LogitReader {
 public:
  explicit Keep(int64_t columns) : columns_(columns) {}
  Status read(int32_t, int32_t count, float *logits, const Threads &) override {
    values.insert(values.end(), logits, logits + count * columns_);
    return Status();
  }
  std::vector<float> values;

 private:
  int64_t columns_;
};

// One row that sees itself alone, in each of these lanes.
std::vector<float> run(const Subject &subject, Engine &engine, const Cache &cache, std::span<const int64_t> positions,
                       std::span<const int32_t> conditions) {
  Keep keep(subject.spec().columns);
  Call &call = engine.call();
  call.clear();
  call.set_reader(&keep);
  for (size_t i = 0; i < positions.size(); ++i)
    assert_true(call.want(call.add({.token = static_cast<int32_t>(3 + i % 7),
                                    .position = positions[i],
                                    .condition = conditions[i],
                                    .lane = cache.lane(static_cast<int32_t>(i)),
                                    .slot = 0,
                                    .visible_begin = 0,
                                    .visible_end = 1})));
  require(engine.run(nullptr), "run");
  call.clear();
  return keep.values;
}

void test_far_apart(void **) {
  ModelChoice choice;
  choice.family = "llama";
  const Subject subject = open_subject(make_runtime(), choice, {}, "reference", false);
  // A span of 4: these share places, twice and three times over.
  const std::vector<int64_t> positions = {5, 1, 1000001, 9, 2, 1000005, 5, 3, 0};
  const auto n = static_cast<int32_t>(positions.size());
  const std::vector<int32_t> zero(positions.size(), 0);
  const Cache cache = require(Cache::create(subject.model, {.lanes = n, .slots = 1}), "cache");
  const auto engine = require(
      Engine::create(subject.model, {.max_rows = n, .max_wanted = n, .position_span = 4}), "engine");
  for (int again = 0; again < 3; ++again) {
    const std::vector<float> together = run(subject, *engine, cache, positions, zero);
    const auto columns = static_cast<size_t>(subject.spec().columns);
    for (size_t i = 0; i < positions.size(); ++i) {
      // The token depends on the place in the call, so does the lane: a row alone has those of its place.
      const auto fresh = require(Engine::create(subject.model, {.max_rows = n, .max_wanted = n, .position_span = 64}), "engine");
      std::vector<int64_t> others(positions.size(), positions[i]);
      const std::vector<float> alone = run(subject, *fresh, cache, others, zero);
      assert_int_equal(std::memcmp(together.data() + i * columns, alone.data() + i * columns, columns * sizeof(float)), 0);
    }
  }
}

void test_conditions(void **) {
  for (const char *family : {"hdlm-gamma", "sedd", "gidd"}) {
    ModelChoice choice;
    choice.family = family;
    const Subject subject = open_subject(make_runtime(), choice, {}, "reference", false);
    const auto columns = static_cast<size_t>(subject.spec().columns);
    std::vector<double> values;
    for (int i = 0; i < 9; ++i) values.push_back(0.05 + 0.1 * i);
    const auto n = static_cast<int32_t>(values.size());
    const Cache cache = require(Cache::create(subject.model, {.lanes = n, .slots = 1}), "cache");
    const std::vector<int64_t> positions(values.size(), 2);
    const auto engine =
        require(Engine::create(subject.model, {.max_rows = n, .max_wanted = n, .conditions = 2, .position_span = 4}), "engine");
    // Held first, and still where it was when others made the tables grow.
    const std::vector<int32_t> first = require(engine->hold_conditions(std::span(values).first(2)), "first");
    const std::vector<int32_t> all = require(engine->hold_conditions(values), "all");
    assert_true(all[0] == first[0] && all[1] == first[1]);
    const std::vector<float> together = run(subject, *engine, cache, positions, all);
    for (size_t i = 0; i < values.size(); ++i) {
      const auto fresh =
          require(Engine::create(subject.model, {.max_rows = n, .max_wanted = n, .position_span = 4}), "engine");
      const std::vector<int32_t> one = require(fresh->hold_conditions(std::span(values).subspan(i, 1)), "one");
      const std::vector<int32_t> same(values.size(), one[0]);
      const std::vector<float> alone = run(subject, *fresh, cache, positions, same);
      assert_int_equal(std::memcmp(together.data() + i * columns, alone.data() + i * columns, columns * sizeof(float)), 0);
    }
    // Places that nobody holds are taken again: the tables don't grow for ever.
    engine->release_conditions(all);
    engine->release_conditions(first);
    for (int round = 0; round < 50; ++round) {
      const double other[] = {2.0 + round, 3.0 + round};
      const std::vector<int32_t> held = require(engine->hold_conditions(other), "held");
      for (const int32_t index : held) assert_true(index < 16);
      engine->release_conditions(held);
    }
    // And values that come back are right again.
    const std::vector<int32_t> back = require(engine->hold_conditions(values), "back");
    assert_true(run(subject, *engine, cache, positions, back) == together);
  }
}

void test_too_many_conditions(void **) {
  ModelChoice choice;
  choice.family = "hdlm-gamma";
  const Subject subject = open_subject(make_runtime(), choice, {}, "reference", false);
  assert_int_equal(Engine::create(subject.model, {.conditions = 65537}).status().code(), TEMPER_E_UNSUPPORTED);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(test_far_apart), cmocka_unit_test(test_conditions),
                              cmocka_unit_test(test_too_many_conditions)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
