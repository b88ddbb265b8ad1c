// SPDX-License-Identifier: Apache-2.0
// A sampler at work on a few positions whose logits don't change: call after call, as a session would make them.
#pragma once

#include "sampler/sampler.h"

#include <cmath>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <utility>
#include <vector>

extern "C" {
#include <cmocka.h>
}

namespace temper::test {

// Tokens 0..tokens-1 and the mask behind them.
inline HeadDescription head_of(int32_t tokens) {
  HeadDescription head;
  head.columns = head.vocabulary = tokens + 1;
  head.mask_token = tokens;
  return head;
}

inline Sampler make(SamplerKind kind, std::initializer_list<std::pair<SamplerParameter, double>> values = {}) {
  SamplerParameters parameters = Sampler::defaults(kind);
  for (const auto &[key, value] : values) {
    const Status status = Sampler::set(kind, parameters, key, value);
    if (!status.ok()) fail_msg("%s", status.message().c_str());
  }
  return Sampler::create(kind, parameters).value();
}

// From m_t to m_s, all masks; s = 0 is the last step.
inline Transition mask_step(double m_t, double m_s) {
  Transition step = Noise::between({-std::log1p(-m_t), 0}, {-std::log1p(-m_s), 0});
  step.t = m_t;
  step.s = m_s;
  step.reveal = 1 - m_s / m_t;
  step.stay = m_s / m_t;
  step.final = m_s == 0;
  return step;
}

class Scene {
 public:
  // One row of probabilities per position; the mask's own logit is a large one that must not matter.
  Scene(HeadDescription description, const std::vector<std::vector<double>> &probabilities, const Transition &step)
      : head(description), workspace_(std::move(Workspace::create(description.columns).value())) {
    const size_t length = probabilities.size();
    tokens.assign(length, head.mask_token);
    fixed.assign(length, false);
    transitions.assign(length, step);
    memory.resize(length);
    proposals.resize(length);
    positions_.resize(length);
    for (const std::vector<double> &row : probabilities) {
      for (const double p : row) rows.push_back(static_cast<float>(std::log(p)));
      for (size_t i = row.size(); i < static_cast<size_t>(head.columns); ++i) rows.push_back(5);
    }
  }

  // The tokens are those of the begin, nothing is remembered.
  void restart(std::vector<int32_t> with, uint32_t sequence) {
    tokens = std::move(with);
    memory.assign(tokens.size(), {});
    window_memory = {};
    sequence_ = sequence;
    call_ = 0;
  }

  Verdict call(const Sampler &sampler) {
    const auto columns = static_cast<size_t>(head.columns);
    for (size_t i = 0; i < tokens.size(); ++i) {
      SamplerPosition &at = positions_[i];
      at.position = static_cast<uint32_t>(i);
      at.token = tokens[i];
      at.fixed = fixed[i];
      at.transition = &transitions[i];
      at.memory = &memory[i];
      at.shaping = shaping;
    }
    const SamplerWindow window{positions_, proposals, &window_memory, Draws(42, sequence_, call_++, sequence_draw)};
    sampler.decide(head, window);
    for (size_t i = 0; i < tokens.size(); ++i)
      if (proposals[i].needs_logits)
        proposals[i] = sampler.propose(head, positions_[i], proposals[i], window.draws.at(positions_[i].position),
                                       std::span(rows).subspan(i * columns, columns), workspace_);
    const Verdict verdict = sampler.finish(head, window);
    for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = proposals[i].token;
    window_memory.held = verdict == Verdict::hold ? window_memory.held + 1 : 0;
    return verdict;
  }

  int masks() const {
    int count = 0;
    for (const int32_t token : tokens) count += token == head.mask_token ? 1 : 0;
    return count;
  }

  HeadDescription head;
  std::vector<int32_t> tokens;
  std::vector<bool> fixed;
  std::vector<Transition> transitions;
  std::vector<float> rows;
  std::vector<PositionMemory> memory;
  std::vector<Proposal> proposals;
  WindowMemory window_memory;
  const ShapingContext *shaping = nullptr;

 private:
  Workspace workspace_;
  std::vector<SamplerPosition> positions_;
  uint32_t sequence_ = 0, call_ = 0;
};

// Counts against probabilities; chi-square within five deviations of its mean, and nothing where nothing may be.
inline void fits(const std::vector<int> &counts, const std::vector<double> &expected, const char *what) {
  double runs = 0, chi = 0;
  int freedom = -1;
  for (const int count : counts) runs += count;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double mean = expected[i] * runs;
    if (mean < 1e-9) {
      if (counts[i] != 0) fail_msg("%s: %d times what can't be, at %zu", what, counts[i], i);
      continue;
    }
    chi += (counts[i] - mean) * (counts[i] - mean) / mean;
    ++freedom;
  }
  if (chi > freedom + 5 * std::sqrt(2.0 * freedom + 1)) fail_msg("%s: chi-square %g of %d", what, chi, freedom);
}

inline void near(double value, double expected, double tolerance) {
  if (!(std::fabs(value - expected) <= tolerance)) fail_msg("%.15g, expected %.15g", value, expected);
}

}  // namespace temper::test
