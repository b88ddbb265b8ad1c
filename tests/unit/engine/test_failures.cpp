// SPDX-License-Identifier: Apache-2.0
// What fails leaves no traces: on a backend whose operations fail when they are told to, others go on as before and
// nothing of a call that failed is kept.
#include "support/lab.h"

#include "backends/reference/reference.h"
#include "engine/evaluator.h"
#include "runtime/device.h"

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

const temper_backend &reference() { return *temper_backend_reference(TEMPER_BACKEND_ABI); }

int64_t products_left = -1;  // matrix products until one fails; -1: none does
int64_t syncs = 0;

int32_t linear(temper_stream *stream, float *out, const float *in, int32_t rows, const temper_linear *matrix,
               int32_t activation, const float *residual, const temper_modulation *modulation) {
  if (products_left == 0) return TEMPER_E_BACKEND;
  if (products_left > 0) --products_left;
  return reference().linear(stream, out, in, rows, matrix, activation, residual, modulation);
}

int32_t sync(temper_stream *stream) {
  ++syncs;
  return reference().sync(stream);
}

temper_backend make_table() {
  temper_backend table = reference();
  table.linear = linear;
  table.sync = sync;
  return table;
}
const temper_backend table = make_table();

Subject subject_of(const char *family) {
  ModelChoice choice;
  choice.family = family;
  const std::shared_ptr<Runtime> runtime = make_runtime();
  (void)require(runtime->open_device("reference"), "threads");
  const RandomModel random = random_model(choice);
  const auto config = std::as_bytes(std::span(random.config.data(), random.config.size()));
  Checkpoint checkpoint = require(open_checkpoint_memory(config, *random.weights, random.weights, {}), family);
  std::shared_ptr<Device> device =
      require(Device::open(runtime, require(Module::linked(&table, "a test"), "module")), "device");
  return {require(Model::create(std::move(device), std::move(checkpoint), Storage::f32), "model"), nullptr};
}

temper_x_row row_at(int32_t position, double condition) {
  temper_x_row row = {};
  row.token = 3;
  row.position = position;
  row.visible_end = position + 1;
  row.want_logits = 1;
  row.condition = condition;
  return row;
}

void test_evaluator_keeps_what_was_computed(void **) {
  const Subject subject = subject_of("hdlm-gamma");
  const auto columns = static_cast<size_t>(subject.spec().columns);
  auto evaluator = require(Evaluator::create(subject.model, 1, 3, 8), "evaluator");
  std::vector<float> logits(3 * columns);
  std::vector<temper_x_row> rows = {row_at(0, 0.1), row_at(1, 0.1)};
  require(evaluator->run(rows, logits.data(), logits.size()), "run");
  // Refused before anything was touched: what was there is there.
  std::vector<temper_x_row> wrong = {row_at(0, 0.1), row_at(1, 0.1), row_at(-1, 0.1)};
  assert_int_equal(evaluator->run(wrong, logits.data(), logits.size()).code(), TEMPER_E_ARGUMENT);
  assert_int_equal(evaluator->keep(0, 3).code(), TEMPER_E_ARGUMENT);
  require(evaluator->keep(0, 1), "keep");
  // It failed half way: only what had been kept before can be kept.
  products_left = 3;
  rows = {row_at(1, 0.1), row_at(2, 0.1)};
  assert_int_equal(evaluator->run(rows, logits.data(), logits.size()).code(), TEMPER_E_BACKEND);
  products_left = -1;
  assert_int_equal(evaluator->keep(0, 2).code(), TEMPER_E_ARGUMENT);
  require(evaluator->keep(0, 1), "keep");
  require(evaluator->run(rows, logits.data(), logits.size()), "run");
  require(evaluator->keep(0, 3), "keep");
}

class Keep final : public LogitReader {
 public:
  Status read(int32_t, int32_t count, float *logits, const Threads &) override {
    values.assign(logits, logits + count);
    return Status();
  }
  std::vector<float> values;
};

// The first logits of a row that sees itself alone.
std::vector<float> run(Engine &engine, const Cache &cache, int32_t condition) {
  Keep keep;
  Call &call = engine.call();
  call.clear();
  call.set_reader(&keep);
  assert_true(call.want(call.add({.token = 3, .condition = condition, .lane = cache.lane(0), .visible_end = 1})));
  require(engine.run(nullptr), "run");
  call.clear();
  return keep.values;
}

// Somebody else's conditions don't fit, and what makes room for them fails: at every product in turn.
void test_conditions_of_others_stay(void **) {
  const Subject subject = subject_of("gidd");
  const Cache cache = require(Cache::create(subject.model, {}), "cache");
  std::vector<double> many;
  for (int i = 0; i < 9; ++i) many.push_back(0.05 + 0.1 * i);
  for (int64_t fails_at = 0;; ++fails_at) {
    const auto engine = require(Engine::create(subject.model, {.conditions = 2}), "engine");
    const std::vector<int32_t> held = require(engine->hold_conditions(std::span(many).first(2)), "held");
    const std::vector<float> before = run(*engine, cache, held[1]);
    products_left = fails_at;
    const auto others = engine->hold_conditions(many);
    products_left = -1;
    assert_true(run(*engine, cache, held[1]) == before);
    if (others.ok()) {
      assert_true(fails_at > 3);
      break;
    }
    assert_int_equal(others.status().code(), TEMPER_E_BACKEND);
    // Those that didn't get in hold nothing: there is room for others.
    for (int round = 0; round < 50; ++round) {
      const double other[] = {7.0 + round};
      const std::vector<int32_t> index = require(engine->hold_conditions(other), "other");
      assert_true(index.front() < 16);
      engine->release_conditions(index);
    }
  }
}

// A backend may still be at work when a call is given up.
void test_cancelled_calls_are_waited_for(void **) {
  const Subject subject = subject_of("hdlm-gamma");
  const Cache cache = require(Cache::create(subject.model, {}), "cache");
  const auto engine = require(Engine::create(subject.model, {}), "engine");
  const std::atomic<bool> cancel{true};
  Call &call = engine->call();
  call.clear();
  assert_int_equal(call.add({.token = 3, .lane = cache.lane(0), .visible_end = 1}), 0);
  syncs = 0;
  assert_int_equal(engine->run(&cancel).code(), TEMPER_E_CANCELLED);
  assert_int_equal(syncs, 1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(test_evaluator_keeps_what_was_computed),
                              cmocka_unit_test(test_conditions_of_others_stay),
                              cmocka_unit_test(test_cancelled_calls_are_waited_for)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
