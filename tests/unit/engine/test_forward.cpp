// SPDX-License-Identifier: Apache-2.0
// One call of the generic transformer equals the plain one for every family and backend: arbitrary tokens,
// positions with gaps, conditions per row and visible ranges; at once and piece by piece over kept slots.
#include "support/lab.h"

#include "engine/evaluator.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
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

constexpr size_t row_count = 14;

std::vector<ModelChoice> all_models() {
  std::vector<ModelChoice> list;
  for (const std::string &family : random_families()) {
    ModelChoice choice;
    choice.family = family;
    list.push_back(choice);
  }
  ModelChoice timed, uniform;
  timed.family = "mdlm";
  timed.timed = true;
  uniform.family = "sedd";
  uniform.uniform = true;
  list.push_back(timed);
  list.push_back(uniform);
  return list;
}

// Slot i is row i. Each row sees [begin, end), itself always among them.
std::vector<temper_x_row> some_rows(const Spec &spec, uint32_t seed, bool only_past) {
  const std::vector<int32_t> tokens = some_tokens(row_count, static_cast<int32_t>(spec.vocabulary), seed);
  const std::vector<int32_t> numbers = some_tokens(4 * row_count, 1000, seed + 1);
  std::vector<temper_x_row> rows;
  int32_t position = 0;
  for (size_t i = 0; i < row_count; ++i) {
    const auto slot = static_cast<int32_t>(i);
    temper_x_row row = {};
    row.token = tokens[i];
    row.position = position;
    position += 1 + numbers[i] % 4;
    row.visible_begin = i > 5 ? numbers[i + row_count] % 3 : 0;
    const int32_t beyond = static_cast<int32_t>(row_count) - slot;
    row.visible_end = slot + 1 + (only_past ? 0 : numbers[i + 2 * row_count] % beyond);
    row.want_logits = 1;
    row.condition = spec.conditioning == Conditioning::none || spec.conditioning == Conditioning::zero
                        ? 0.0
                        : 0.05 + 0.1 * static_cast<double>(numbers[i + 3 * row_count] % 8);
    rows.push_back(row);
  }
  return rows;
}

std::vector<std::vector<double>> plain_logits(const PlainModel &plain, const std::vector<temper_x_row> &rows) {
  PlainInput input;
  for (const temper_x_row &row : rows) {
    input.tokens.push_back(row.token);
    input.positions.push_back(row.position);
    input.conditions.push_back(row.condition);
    std::vector<bool> sees(rows.size());
    for (size_t c = 0; c < rows.size(); ++c)
      sees[c] = static_cast<int32_t>(c) >= row.visible_begin && static_cast<int32_t>(c) < row.visible_end;
    input.sees.push_back(std::move(sees));
  }
  return plain.run(input);
}

double worst_difference(const std::vector<float> &logits, const std::vector<std::vector<double>> &right,
                        size_t first = 0) {
  double worst = 0.0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const size_t columns = right[0].size();
    worst = std::max(worst, std::fabs(static_cast<double>(logits[i]) - right[first + i / columns][i % columns]));
  }
  return worst;
}

void test_one_call(void **) {
  for (const std::string &backend : usable_backends())
    for (const int threads : {1, 2}) {
      const std::shared_ptr<Runtime> runtime = make_runtime(threads);
      double worst = 0.0;
      for (const ModelChoice &choice : all_models()) {
        const Subject subject = open_subject(runtime, choice, {}, backend);
        auto evaluator = require(Evaluator::create(subject.model, 1, row_count, row_count), "evaluator");
        const std::vector<temper_x_row> rows = some_rows(subject.spec(), 3, false);
        std::vector<float> logits(rows.size() * static_cast<size_t>(subject.spec().columns));
        require(evaluator->run(rows, logits.data(), logits.size()), choice.family.c_str());
        const double difference = worst_difference(logits, plain_logits(*subject.plain, rows));
        worst = std::max(worst, difference);
        if (!(difference < 2e-4)) fail_msg("%s, %s: off by %g", backend.c_str(), choice.family.c_str(), difference);
      }
      print_message("%s, %d threads: largest difference %.2g\n", backend.c_str(), threads, worst);
    }
}

// Rows that see the past only may come in any number of calls.
void test_pieces(void **) {
  for (const std::string &backend : usable_backends()) {
    const std::shared_ptr<Runtime> runtime = make_runtime(2);
    for (const ModelChoice &choice : all_models()) {
      const Subject subject = open_subject(runtime, choice, {}, backend);
      const auto columns = static_cast<size_t>(subject.spec().columns);
      const std::vector<temper_x_row> rows = some_rows(subject.spec(), 9, true);
      const std::vector<std::vector<double>> right = plain_logits(*subject.plain, rows);
      auto evaluator = require(Evaluator::create(subject.model, 1, row_count, row_count), "evaluator");
      for (size_t first = 0, piece = 1; first < rows.size(); first += piece, piece = piece % 4 + 1) {
        piece = std::min(piece, rows.size() - first);
        std::vector<float> logits(piece * columns);
        require(evaluator->run(std::span(rows).subspan(first, piece), logits.data(), logits.size()), "piece");
        require(evaluator->keep(0, static_cast<int32_t>(first + piece)), "keep");
        const double difference = worst_difference(logits, right, first);
        if (!(difference < 2e-4))
          fail_msg("%s, %s: rows from %zu are off by %g", backend.c_str(), choice.family.c_str(), first, difference);
      }
    }
  }
}

// bfloat16 weights: close, and not the same.
void test_bf16(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  ModelChoice choice;
  choice.family = "llama";
  const Subject subject = open_subject(runtime, choice);
  const RandomModel random = random_model(choice);
  Checkpoint checkpoint = require(
      open_checkpoint_memory(std::as_bytes(std::span(random.config.data(), random.config.size())), *random.weights,
                             random.weights, {}),
      "checkpoint");
  const auto model = require(
      Model::create(require(runtime->open_device("reference"), "device"), std::move(checkpoint), Storage::bf16), "model");
  auto evaluator = require(Evaluator::create(model, 1, row_count, row_count), "evaluator");
  const std::vector<temper_x_row> rows = some_rows(subject.spec(), 5, true);
  std::vector<float> logits(rows.size() * static_cast<size_t>(subject.spec().columns));
  require(evaluator->run(rows, logits.data(), logits.size()), "run");
  const double difference = worst_difference(logits, plain_logits(*subject.plain, rows));
  assert_true(difference > 1e-4 && difference < 0.2);
  assert_true(model->weight_bytes() < subject.model->weight_bytes());
}

// What a model is said to take is what its backend says of its matrices, before and after it is made.
void test_bytes(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  for (const char *backend : {"reference", "auto"})
    for (const char *family : {"hdlm-epsilon", "hdlm-gamma", "gpt2", "llama"})
      for (const Storage storage : {Storage::f32, Storage::bf16}) {
        ModelChoice choice;
        choice.family = family;
        const RandomModel random = random_model(choice);
        Checkpoint checkpoint = require(
            open_checkpoint_memory(std::as_bytes(std::span(random.config.data(), random.config.size())),
                                   *random.weights, random.weights, {}),
            "checkpoint");
        std::shared_ptr<Device> device = require(runtime->open_device(backend), "device");
        const int64_t estimate = require(Model::estimate(*device, checkpoint, storage), "estimate");
        const auto model = require(Model::create(device, std::move(checkpoint), storage), "model");
        assert_int_equal(model->weight_bytes(), estimate);
        const int64_t embeddings = static_cast<int64_t>(model->embedding().bytes() + model->positions().bytes());
        assert_true(model->step_bytes() <= estimate - embeddings);
        assert_int_equal(model->spec().modulated_blocks, model->step_bytes() < estimate - embeddings);
        // Biases and padding come on top of the weights themselves.
        const int64_t weights = model->step_products() * (storage == Storage::bf16 ? 2 : 4);
        assert_true(model->step_bytes() >= weights && model->step_bytes() < 3 * weights);
        const Spec &spec = model->spec();
        const int64_t mlp = spec.mlp_width * (spec.activation == Activation::swiglu ? 3 : 2);
        const int64_t attention = (2 * spec.heads + 2 * spec.kv_heads) * spec.head_dim;
        assert_int_equal(model->step_products(),
                         spec.width * (spec.layers * (attention + mlp) + spec.columns));
      }
}

// What is too large for memory is no number.
void test_bytes_beyond_memory(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const RandomModel random = random_model(ModelChoice());
  Checkpoint checkpoint = require(
      open_checkpoint_memory(std::as_bytes(std::span(random.config.data(), random.config.size())), *random.weights,
                             random.weights, {}),
      "checkpoint");
  checkpoint.weights.head.parts[0].weight.shape[0] = 600000000;
  for (const char *backend : {"reference", "auto"}) {
    const std::shared_ptr<Device> device = require(runtime->open_device(backend), "device");
    assert_int_equal(Model::estimate(*device, checkpoint, Storage::f32).status().code(), TEMPER_E_MEMORY);
  }
  const Subject subject = open_subject(runtime, ModelChoice(), {}, "reference", false);
  assert_int_equal(Cache::estimate(*subject.model, {.slots = -1}).status().code(), TEMPER_E_MEMORY);
}

struct Heap {
  int64_t most = 0;
};
void *take(void *user, size_t size, size_t alignment) {
  static_cast<Heap *>(user)->most += static_cast<int64_t>(size);
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}
void give(void *, void *memory, size_t) { std::free(memory); }

// An evaluator pays for its slots, however long the model was trained, and may be asked about any of those positions.
void test_long_models(void **) {
  Heap heap;
  const temper_allocator allocator = {&heap, take, give};
  ModelChoice choice;
  choice.family = "llama";
  SpecOverrides overrides;
  overrides.max_positions = 10000000;
  const Subject subject = open_subject(make_runtime(1, &allocator), choice, overrides, "reference", false);
  const int64_t before = heap.most;
  auto evaluator = require(Evaluator::create(subject.model, 1, 4, 16), "evaluator");
  assert_true(heap.most - before < 1 << 20);
  temper_x_row row = {};
  row.position = 9999999;
  row.visible_end = 1;
  require(evaluator->run(std::span(&row, 1), nullptr, 0), "run");
  row.position = 10000000;
  assert_int_equal(evaluator->run(std::span(&row, 1), nullptr, 0).code(), TEMPER_E_ARGUMENT);
}

void test_sizes(void **) {
  const Subject subject = open_subject(make_runtime(), ModelChoice(), {}, "reference", false);
  const auto create = [&](int32_t sequences, int32_t rows, int32_t slots) {
    return Evaluator::create(subject.model, sequences, rows, slots).status().code();
  };
  assert_int_equal(create(INT32_MAX, 1, 1), TEMPER_E_ARGUMENT);
  assert_int_equal(create(1, INT32_MAX, 1), TEMPER_E_ARGUMENT);
  assert_int_equal(create(1, 1, INT32_MAX), TEMPER_E_ARGUMENT);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(test_one_call),    cmocka_unit_test(test_pieces),
                              cmocka_unit_test(test_bf16),        cmocka_unit_test(test_bytes),
                              cmocka_unit_test(test_bytes_beyond_memory), cmocka_unit_test(test_long_models),
                              cmocka_unit_test(test_sizes)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
