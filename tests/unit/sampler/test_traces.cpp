// SPDX-License-Identifier: Apache-2.0
// Whole runs of the published HDLM samplers (shared reference: sampler_traces), step by step: the compat samplers draw
// from the laws of the published steps, and what the published run went on with is among it.
#include "model/checkpoint.h"
#include "scene.h"
#include "support/shared.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

using namespace temper;
using namespace temper::test;

namespace {

using P = SamplerParameter;
ReferenceCases traces;

// Positions before a step, with what the network said about them.
struct Step {
  std::vector<int32_t> tokens;
  std::vector<bool> fixed;
  std::vector<Transition> transitions;
  std::vector<float> rows;
  HeadDescription head;
};

// How well draws fit laws, all positions of a run together: rare outcomes of a position count as one.
class Fit {
 public:
  void add(const std::vector<int> &counts, const std::vector<double> &law, int draws) {
    double rare = 0, chi = 0, rare_count = 0;
    int cells = 0;
    for (size_t z = 0; z < law.size(); ++z) {
      const double mean = law[z] * draws;
      if (mean < 5) {
        rare += mean;
        rare_count += counts[z];
        continue;
      }
      chi += (counts[z] - mean) * (counts[z] - mean) / mean;
      ++cells;
    }
    if (rare >= 5) {
      chi += (rare_count - rare) * (rare_count - rare) / rare;
      ++cells;
    } else if (rare < 1e-9) {
      assert_true(rare_count == 0);  // what can't be
    }
    chi_ += chi;
    freedom_ += std::max(0, cells - 1);
    ++positions_;
  }
  void check(const std::string &name) const {
    print_message("%s: %d positions, chi-square %.1f of %d\n", name.c_str(), positions_, chi_, freedom_);
    assert_true(positions_ > 0 && freedom_ > 0);
    if (chi_ > freedom_ + 5 * std::sqrt(2.0 * freedom_)) fail_msg("%s: chi-square %g of %d", name.c_str(), chi_, freedom_);
  }

 private:
  double chi_ = 0;
  int freedom_ = 0, positions_ = 0;
};

// `call` keeps the draws of different steps apart.
std::vector<std::vector<int>> draw(const Step &step, const Sampler &sampler, int draws, uint32_t call) {
  const size_t length = step.tokens.size(), columns = static_cast<size_t>(step.head.columns);
  std::vector<std::vector<int>> counts(length, std::vector<int>(columns, 0));
  Workspace workspace = std::move(Workspace::create(step.head.columns).value());
  for (int n = 0; n < draws; ++n) {
    std::vector<PositionMemory> memory(length);
    WindowMemory window_memory;
    std::vector<SamplerPosition> positions(length);
    std::vector<Proposal> proposals(length);
    for (size_t i = 0; i < length; ++i) {
      positions[i].position = static_cast<uint32_t>(i);
      positions[i].token = step.tokens[i];
      positions[i].fixed = step.fixed[i];
      positions[i].transition = &step.transitions[i];
      positions[i].memory = &memory[i];
    }
    const SamplerWindow window{positions, proposals, &window_memory, Draws(23, static_cast<uint32_t>(n), call, sequence_draw)};
    sampler.decide(step.head, window);
    for (size_t i = 0; i < length; ++i)
      if (proposals[i].needs_logits)
        proposals[i] = sampler.propose(step.head, positions[i], proposals[i], window.draws.at(positions[i].position),
                                       std::span(step.rows).subspan(i * columns, columns), workspace);
    sampler.finish(step.head, window);
    for (size_t i = 0; i < length; ++i) ++counts[i][static_cast<size_t>(proposals[i].token)];
  }
  return counts;
}

std::vector<double> softmax(std::span<const float> row) {
  double top = -1e300, sum = 0;
  for (const float value : row) top = std::max(top, static_cast<double>(value));
  std::vector<double> out;
  for (const float value : row) out.push_back(std::exp(static_cast<double>(value) - top));
  for (const double value : out) sum += value;
  for (double &value : out) value /= sum;
  return out;
}

struct Rule {
  std::string kind;
  double t, s, eta, temperature;
  bool last;
};

// The published rules (notes of sampler_steps): the mask, the last id, keeps its place in the softmax.
std::vector<double> published_law(const Rule &rule, int32_t token, std::span<const float> row) {
  const size_t mask = row.size() - 1;
  const bool masked = token == static_cast<int32_t>(mask);
  const double reveal = rule.last ? 1 : 1 - rule.s / rule.t;
  std::vector<double> law = softmax(row);  // the other kinds' traces are at temperature 1
  const auto mix = [&](double drawn, double kept, double to_mask) {
    for (double &p : law) p *= drawn;
    law[static_cast<size_t>(token)] += kept;
    law[mask] += to_mask;
  };
  if (rule.kind == "remdm") {
    if (!masked) {
      mix(0, 1, 0);
      return law;
    }
    const double sigma = rule.t >= 1 ? rule.eta : std::min(rule.eta, rule.s / (1 - rule.t));
    double sum = 0;
    for (size_t z = 0; z <= mask; ++z) {
      law[z] = std::pow((z == mask ? sigma : (1 - sigma) * law[z]) + 1e-8, 1 / rule.temperature);
      sum += law[z];
    }
    for (double &p : law) p /= sum;
    return law;
  }
  assert_true(rule.temperature == 1);
  if (masked) mix(reveal, 0, 1 - reveal);
  else if (rule.kind == "original") mix(0, 1, 0);
  else if (rule.kind == "acs") mix(rule.last ? 0 : rule.eta * (1 - reveal), 1 - (rule.last ? 0 : rule.eta * (1 - reveal)), 0);
  else if (rule.kind == "remask") mix(0, reveal, 1 - reveal);
  else fail_msg("no rule is called %s", rule.kind.c_str());
  return law;
}

Sampler sampler_of(const Rule &rule) {
  if (rule.kind == "original") return make(SamplerKind::ancestral, {{P::compat, 1}, {P::temperature, rule.temperature}});
  if (rule.kind == "acs") return make(SamplerKind::acs, {{P::compat, 1}, {P::temperature, rule.temperature}, {P::eta, rule.eta}});
  if (rule.kind == "remask") return make(SamplerKind::renoise, {{P::compat, 1}, {P::temperature, rule.temperature}});
  return make(SamplerKind::remdm, {{P::compat, 1}, {P::temperature, rule.temperature}, {P::eta, rule.eta}});
}

void test_full(void **) {
  constexpr int draws = 60;
  int runs = 0;
  for (const std::string &key : traces.names()) {
    const size_t end = key.rfind(".timesteps");
    if (key.rfind("full_diff.", 0) != 0 || end == std::string::npos) continue;
    const std::string name = key.substr(0, end);
    const std::vector<double> times = traces.numbers(key), setting = traces.numbers(name + ".temp_eta");
    const std::vector<int64_t> shape = traces.shape(name + ".logits");  // [steps, batch, positions, columns]
    const auto steps = static_cast<size_t>(shape[0]), batch = static_cast<size_t>(shape[1]), length = static_cast<size_t>(shape[2]),
               columns = static_cast<size_t>(shape[3]);
    const auto prompt = static_cast<size_t>(traces.shape(name + ".prompt")[1]);
    const std::vector<int32_t> states = traces.integers(name + ".x");
    const std::vector<float> logits = traces.floats(name + ".logits");
    Fit fit;
    for (size_t k = 0; k < steps; ++k) {
      const Rule rule{name.substr(10), times[k], times[k + 1], setting[1], setting[0], k + 1 == steps};
      for (size_t b = 0; b < batch; ++b) {
        const size_t first = (k * batch + b) * length;
        Step step;
        step.head = head_of(static_cast<int32_t>(columns) - 1);
        step.transitions.assign(length, mask_step(rule.t, rule.s));
        for (Transition &one : step.transitions) one.final = rule.last;
        for (size_t i = 0; i < length; ++i) {
          step.tokens.push_back(states[first + i]);
          step.fixed.push_back(i < prompt);
        }
        step.rows.assign(logits.begin() + static_cast<std::ptrdiff_t>(first * columns),
                         logits.begin() + static_cast<std::ptrdiff_t>((first + length) * columns));
        const std::vector<std::vector<int>> counts = draw(step, sampler_of(rule), draws, static_cast<uint32_t>(k * batch + b));
        for (size_t i = prompt; i < length; ++i) {
          const std::vector<double> law = published_law(rule, step.tokens[i], std::span(step.rows).subspan(i * columns, columns));
          assert_true(law[static_cast<size_t>(states[first + batch * length + i])] > 0);
          fit.add(counts[i], law, draws);
        }
      }
    }
    fit.check(name);
    ++runs;
  }
  assert_true(runs > 0);
}

void test_gamma(void **) {
  constexpr int draws = 200;
  const Checkpoint checkpoint = open_checkpoint(reference_folder("hdlm_gamma"), {}).value();
  const PathSpec path = checkpoint.spec.path;
  const auto sigma = [&](double t) { return -std::log1p(-(1 - path.e0) * t); };
  std::vector<std::string> names;
  for (const std::string &key : traces.names())
    if (const size_t end = key.rfind(".step1.active_unnormalised"); end != std::string::npos) names.push_back(key.substr(0, end));
  assert_true(!names.empty());
  for (const std::string &name : names) {
    Fit fit;
    for (int k = 1; traces.has(name + ".step" + std::to_string(k) + ".x"); ++k) {
      const std::string at = name + ".step" + std::to_string(k);
      const std::vector<int32_t> x = traces.integers(at + ".x"), next = traces.integers(at + ".x_next"), index = traces.integers(at + ".active_index");
      const std::vector<double> t = traces.numbers(at + ".t"), dt = traces.numbers(at + ".dt"), last = traces.numbers(at + ".tokens_to_denoise"),
                                values = traces.numbers(at + ".active_unnormalised");
      const auto columns = static_cast<size_t>(traces.shape(at + ".active_unnormalised")[1]);
      Step step;
      step.head = head_of(static_cast<int32_t>(columns) - 1);
      step.head.kind = HeadForm::score_exact;
      step.rows = traces.floats(at + ".active_log_score");
      step.fixed.assign(index.size(), false);
      for (const int32_t i : index) {
        const auto p = static_cast<size_t>(i);
        const double from = sigma(t[p]), to = sigma(t[p] - dt[p]);
        Transition one = Noise::between({(1 - path.mix) * from, path.mix * from}, {(1 - path.mix) * to, path.mix * to});
        one.sigma_t = from;
        one.sigma_s = to;
        one.final = last[p] != 0;
        step.transitions.push_back(one);
        step.tokens.push_back(x[p]);
      }
      const std::vector<std::vector<int>> counts = draw(step, make(SamplerKind::analytic, {{P::compat, 1}}), draws, static_cast<uint32_t>(k));
      for (size_t n = 0; n < index.size(); ++n) {
        std::vector<double> law(values.begin() + static_cast<std::ptrdiff_t>(n * columns),
                                values.begin() + static_cast<std::ptrdiff_t>((n + 1) * columns));
        double sum = 0;
        for (double &p : law) sum += p = std::max(p, 0.0);  // negative values are never drawn
        for (double &p : law) p /= sum;
        assert_true(law[static_cast<size_t>(next[static_cast<size_t>(index[n])])] > 0);
        fit.add(counts[n], law, draws);
      }
    }
    fit.check(name);
  }
}

}  // namespace

int main() {
  if (!traces.open("sampler_traces") || reference_folder("hdlm_gamma").empty()) {
    std::printf("skipped: no shared/reference/sampler_traces or hdlm_gamma (set TEMPER_SHARED)\n");
    return 77;
  }
  const CMUnitTest tests[] = {cmocka_unit_test(test_full), cmocka_unit_test(test_gamma)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
