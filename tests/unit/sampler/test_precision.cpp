// SPDX-License-Identifier: Apache-2.0
// A vocabulary of 50,257 and 1,000 calls: published programs that let "stay masked" compete with the tokens for
// one low-precision draw sample as if at temperature 0.85 (MATH 4.3). Here decision and token have a draw each.
#include "questions.h"
#include "scene.h"

#include <algorithm>

using namespace temper;
using namespace temper::test;

namespace {

constexpr int32_t vocabulary = 50257;

// Zipf's law, ranks from 1.
std::vector<float> zipf() {
  std::vector<float> row;
  for (int32_t rank = 1; rank <= vocabulary; ++rank) row.push_back(static_cast<float>(-std::log(static_cast<double>(rank))));
  row.push_back(0);
  return row;
}

double log_of(const std::vector<float> &row, size_t id) { return static_cast<double>(row[id]); }

// The mean logit determines the temperature of softmax(logits / temperature): it falls with it.
double temperature_of(const std::vector<float> &row, double mean) {
  double low = .5, high = 2;
  while (high - low > 1e-12) {
    const double middle = (low + high) / 2;
    double sum = 0, weighted = 0;
    for (size_t id = 0; id < static_cast<size_t>(vocabulary); ++id) {
      const double w = std::exp(log_of(row, id) / middle);
      sum += w;
      weighted += w * log_of(row, id);
    }
    (weighted / sum > mean ? low : high) = middle;
  }
  return (low + high) / 2;
}

// The distribution that tokens are drawn from is one of whole numbers: known without a draw.
void weights(void **) {
  const std::vector<float> row = zipf();
  Workspace workspace = std::move(Workspace::create(vocabulary + 1).value());
  Workspace::Memory &memory = workspace.memory();
  assert_true(memory.load(plain_question(head_of(vocabulary)), row));
  memory.scale = 1;
  memory.sum();
  double sum = 0, mean = 0;
  for (int32_t id = 0; id < vocabulary; ++id) {
    sum += memory.weight(id);
    mean += memory.weight(id) * log_of(row, static_cast<size_t>(id));
  }
  near(sum, static_cast<double>(memory.total), 0);
  near(temperature_of(row, mean / sum), 1, 1e-6);

  // And the draw is its inverse: evenly spaced bits give every token its share.
  constexpr uint64_t n = 20000;
  double drawn = 0, tail = 0;
  for (uint64_t i = 0; i < n; ++i) {
    const int32_t token = memory.draw((2 * i + 1) * (~uint64_t{0} / (2 * n)));
    drawn += log_of(row, static_cast<size_t>(token)) / static_cast<double>(n);
    tail += token >= 10000 ? 1.0 / static_cast<double>(n) : 0;
  }
  near(temperature_of(row, drawn), 1, 1e-3);
  near(tail, .1416, 5e-4);
}

// A thousand calls of one position: when it is revealed, and as what. Every call is equally likely.
void thousand_calls(void **) {
  const std::vector<float> row = zipf();
  const HeadDescription head = head_of(vocabulary);
  const Sampler sampler = make(SamplerKind::ancestral);
  Workspace workspace = std::move(Workspace::create(vocabulary + 1).value());
  const Noise noise = Noise::create({}).value();
  std::vector<Transition> steps;
  for (int32_t level = 1000; level > 0; --level) steps.push_back(noise.transition(level, level - 1, 1000));
  constexpr int runs = 2000;
  std::vector<int> when(10);
  double sum = 0, squares = 0;
  for (uint32_t run = 0; run < runs; ++run) {
    PositionMemory position_memory;
    WindowMemory window_memory;
    SamplerPosition at{3, head.mask_token, false, nullptr};
    at.memory = &position_memory;
    for (uint32_t call = 0; call < 1000 && at.token == head.mask_token; ++call) {
      Proposal proposal;
      at.transition = &steps[call];
      const Draws draws(9, run, call, 3);
      sampler.decide(head, {{&at, 1}, {&proposal, 1}, &window_memory, draws});
      if (!proposal.needs_logits) continue;
      at.token = sampler.propose(head, at, proposal, draws, row, workspace).token;
      ++when[call / 100];
    }
    assert_true(at.token >= 0 && at.token < vocabulary);
    const double logit = log_of(row, static_cast<size_t>(at.token));
    sum += logit;
    squares += logit * logit;
  }
  fits(when, std::vector<double>(10, .1), "calls that reveal");
  const double mean = sum / runs, deviation = std::sqrt((squares / runs - mean * mean) / runs);
  double total = 0, expected = 0;
  for (size_t id = 0; id < static_cast<size_t>(vocabulary); ++id) {
    total += std::exp(log_of(row, id));
    expected += std::exp(log_of(row, id)) * log_of(row, id);
  }
  near(mean, expected / total, 4 * deviation);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(weights), cmocka_unit_test(thousand_calls)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
