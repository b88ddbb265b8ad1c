// SPDX-License-Identifier: Apache-2.0
// One update of the programs of MDLM, BD3-LM, SEDD and GIDD for the logits of their tiny models: our clocks, our
// weights and our steps must give the probabilities that they draw from.
#include "noise/posterior.h"
#include "questions.h"
#include "scene.h"
#include "support/shared.h"

#include <algorithm>
#include <cstdio>

using namespace temper;
using namespace temper::test;

namespace {

constexpr int32_t token_count = 257;
constexpr size_t column_count = 258;

Noise path(NoisePath which, NoiseClock clock, double mix = 0) {
  NoiseParameters parameters;
  parameters.path = which;
  parameters.clock = clock;
  parameters.mix = mix;
  parameters.e0 = 1e-3;
  return Noise::create(parameters).value();
}

struct Row {
  std::span<const float> logits;
  std::span<const double> expected;
  int32_t token;
};

std::vector<Row> rows_of(const std::vector<float> &logits, const std::vector<double> &expected, const std::vector<int32_t> &tokens) {
  assert_true(logits.size() == tokens.size() * column_count && expected.size() == logits.size());
  std::vector<Row> rows;
  for (size_t i = 0; i < tokens.size(); ++i)
    rows.push_back({std::span(logits).subspan(i * column_count, column_count), std::span(expected).subspan(i * column_count, column_count), tokens[i]});
  return rows;
}

// A step of masks alone: stay with m_s/m_t, or the prediction after filters.
void masks_alone(const std::vector<Row> &rows, const Transition &step, bool published_nucleus) {
  Workspace workspace = std::move(Workspace::create(token_count + 1).value());
  Workspace::Memory &memory = workspace.memory();
  int masks = 0;
  for (const Row &row : rows) {
    if (row.token != token_count) {
      for (size_t id = 0; id < column_count; ++id)
        near(row.expected[id], id == static_cast<size_t>(row.token) ? 1 : 0, 1e-7);
      continue;
    }
    ++masks;
    assert_true(memory.load(plain_question(head_of(token_count)), row.logits));
    memory.scale = 1;
    if (published_nucleus) {
      // Their cut leaves out the token that reaches p, ours keeps it: as many as they keep.
      SamplerParameters filter;
      filter.top_k = static_cast<int32_t>(std::count_if(row.expected.begin(), row.expected.end() - 1, [](double p) { return p > 0; }));
      memory.filter(filter_question(filter));
    }
    memory.sum();
    for (int32_t id = 0; id < token_count; ++id)
      near(step.reveal * memory.weight(id) / static_cast<double>(memory.total), row.expected[static_cast<size_t>(id)], 2e-6);
    near(step.stay, row.expected[token_count], 2e-6);
  }
  assert_true(masks > 3);
}

void mdlm(void **) {
  for (const char *name : {"mdlm_time", "mdlm_notime"}) {
    ReferenceCases cases;
    assert_true(cases.open(name));
    for (const std::string prefix : {"c0.", "c1."}) {
      const std::vector<double> time = cases.numbers(prefix + "t_dt");
      const std::vector<float> logits = cases.floats(prefix + "logits");
      const std::vector<int32_t> tokens = cases.integers(prefix + "tokens");
      const std::vector<double> update = cases.numbers(prefix + "ddpm_probs"), caching = cases.numbers(prefix + "ddpm_cache_probs");
      const Noise scaled = path(NoisePath::absorbing, NoiseClock::log_linear), plain = path(NoisePath::absorbing, NoiseClock::linear);
      masks_alone(rows_of(logits, update, tokens), Noise::between(scaled.at(time[0]), scaled.at(time[0] - time[1])), false);
      masks_alone(rows_of(logits, caching, tokens), Noise::between(plain.at(time[0]), plain.at(time[0] - time[1])), false);
    }
  }
}

void bd3lm(void **) {
  ReferenceCases cases;
  assert_true(cases.open("bd3lm"));
  const std::vector<float> all = cases.floats("sample_nocache.logits");
  const std::vector<int32_t> ids = cases.integers("sample_nocache.tokens");
  const Noise noise = path(NoisePath::absorbing, NoiseClock::linear);
  for (const std::string prefix : {"update0.", "update1."}) {
    const std::vector<double> time = cases.numbers(prefix + "t_dt_nucleus");
    std::vector<float> logits;
    std::vector<int32_t> tokens;
    for (size_t row = 0; row < 64; ++row) {
      if (row % 32 < 24) continue;  // the last block
      tokens.push_back(ids[row]);
      logits.insert(logits.end(), all.begin() + static_cast<std::ptrdiff_t>(row * column_count),
                    all.begin() + static_cast<std::ptrdiff_t>((row + 1) * column_count));
    }
    const std::vector<double> expected = cases.numbers(prefix + "probs");
    masks_alone(rows_of(logits, expected, tokens), Noise::between(noise.at(time[0]), noise.at(time[0] - time[1])), time[2] < 1);
  }
}

// The published analytic step, which takes the scores as they are.
void sedd(void **) {
  ReferenceCases cases;
  assert_true(cases.open("sedd"));
  const Noise noise = path(NoisePath::absorbing, NoiseClock::log_linear);
  const Sampler sampler = make(SamplerKind::analytic, {{SamplerParameter::compat, 1}});
  HeadDescription head = head_of(token_count);
  head.kind = HeadForm::score_exact;
  Workspace workspace = std::move(Workspace::create(token_count + 1).value());
  for (const std::string prefix : {"c0.", "c1."}) {
    const std::vector<double> time = cases.numbers(prefix + "t_dt"), raw = cases.numbers(prefix + "analytic_raw"),
                              probabilities = cases.numbers(prefix + "analytic_probs");
    const std::vector<float> logits = cases.floats(prefix + "logits");
    const std::vector<int32_t> tokens = cases.integers(prefix + "tokens");
    const Transition step = Noise::between(noise.at(time[0]), noise.at(time[0] - time[1]));
    constexpr int draws = 500;
    double stayed = 0, expected = 0, variance = 0;
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i] != token_count) continue;
      SamplerPosition at{static_cast<uint32_t>(i), tokens[i], false, &step};
      Proposal decided;
      sampler.decide(head, {{&at, 1}, {&decided, 1}, nullptr, Draws(1, 0, 0, 0)});
      assert_true(decided.needs_logits);
      for (uint32_t run = 0; run < draws; ++run) {
        const Proposal proposal = sampler.propose(head, at, decided, Draws(1, run, 0, at.position),
                                                  std::span(logits).subspan(i * column_count, column_count), workspace);
        stayed += proposal.token == token_count ? 1 : 0;
      }
      for (size_t id = 0; id < column_count - 1; ++id)
        near(workspace.memory().other[id], raw[i * column_count + id], 2e-4 * raw[i * column_count + id] + 1e-7);
      const double stay = probabilities[i * column_count + token_count];
      expected += draws * stay;
      variance += draws * stay * (1 - stay);
    }
    assert_true(expected > 100);
    near(stayed, expected, 5 * std::sqrt(variance));
  }
}

void gidd(void **) {
  ReferenceCases cases;
  assert_true(cases.open("gidd"));
  const std::vector<int32_t> tokens = cases.integers("step.tokens");
  std::vector<double> pit(token_count), law(token_count);
  int compared = 0;
  for (const std::string &name : cases.names()) {
    const size_t end = name.rfind(".q_st");
    if (end == std::string::npos) continue;
    const std::string prefix = name.substr(0, end);
    const std::vector<double> setting = cases.numbers(prefix + ".p_uniform_t_s");
    const Noise noise = path(NoisePath::gidd, NoiseClock::linear, setting[0]);
    const Transition step = Noise::between(noise.at(setting[1]), noise.at(setting[2]));
    const std::vector<float> logits = cases.floats(prefix + ".logits");
    const std::vector<double> expected = cases.numbers(name);
    for (const Row &row : rows_of(logits, expected, tokens)) {
      // A path of masks alone knows that a visible token is right; theirs has a trace of uniform noise.
      if (setting[0] == 0 && row.token != token_count) continue;
      const double top = static_cast<double>(*std::max_element(row.logits.begin(), row.logits.end() - 1));
      double sum = 0, mask = 0;
      for (size_t id = 0; id < pit.size(); ++id) sum += pit[id] = std::exp(static_cast<double>(row.logits[id]) - top);
      for (double &p : pit) p /= sum;
      step_remasking(step, 1, pit.size(), row.token == token_count ? masked_state : row.token, pit.data(), law.data(),
                     &mask);
      for (size_t id = 0; id < pit.size(); ++id) near(law[id], row.expected[id], 2e-4 * row.expected[id] + 2e-6);
      near(mask, row.expected[token_count], 2e-4 * row.expected[token_count] + 2e-6);
      ++compared;
    }
  }
  print_message("%d rows\n", compared);
  assert_true(compared > 100);
}

}  // namespace

int main() {
  for (const char *name : {"mdlm_time", "mdlm_notime", "bd3lm", "sedd", "gidd"})
    if (reference_folder(name).empty()) {
      std::printf("skipped: no shared/reference/%s (set TEMPER_SHARED)\n", name);
      return 77;
    }
  const CMUnitTest tests[] = {cmocka_unit_test(mdlm), cmocka_unit_test(bd3lm), cmocka_unit_test(sedd), cmocka_unit_test(gidd)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
