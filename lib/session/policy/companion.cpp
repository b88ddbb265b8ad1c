// SPDX-License-Identifier: Apache-2.0
#include "session/policy/companion.h"

#include "session/frame.h"

#include <algorithm>
#include <cmath>

namespace temper {

void Companion::reserve(size_t positions, size_t window, int32_t rows) {
  tokens.reserve(positions);
  active.reserve(window);
  plan.reserve(rows);
}

void plan_companion(const Frame &frame, const Sequence &sequence, int64_t sequence_settled,
                    std::span<const ActivePosition> active, Companion &companion) {
  const std::vector<int32_t> &prompt = sequence.unconditional;
  const bool has_prompt = sequence.has_unconditional != 0;
  const auto begin = has_prompt ? static_cast<int64_t>(prompt.size()) : sequence.prompt;
  companion.offset = begin - sequence.prompt;
  const int64_t settled = sequence_settled + companion.offset;
  companion.tokens.resize(static_cast<size_t>(settled));
  // What is frozen isn't read again; active tokens stand in `active`.
  for (int64_t p = companion.frozen; p < settled; ++p) {
    int32_t &token = companion.tokens[static_cast<size_t>(p)];
    if (p >= begin || !frame.options.guided) token = sequence.token(p - companion.offset);
    else token = has_prompt ? prompt[static_cast<size_t>(p)] : frame.head.mask_token;
  }
  companion.active.assign(active.begin(), active.end());
  for (ActivePosition &position : companion.active) {
    position.position += companion.offset;
    position.cached = false;
  }
  // Without guidance it is there to compute everything anew: `frozen` stays 0.
  companion.frontier = {companion.frozen, settled, 0};
  companion.plan.build(frame.plan.rules, companion.frontier, companion.tokens, 0, companion.active);
}

int64_t companion_frozen(const Frame &frame, const Companion &companion, int64_t settled_next) noexcept {
  return frozen_after(frame.plan.rules, companion.frontier, companion.plan.last_settled_sees_window(),
                      settled_next + companion.offset);
}

void guide_pair(double guidance, std::span<const float> other, std::span<float> row) noexcept {
  const auto scale = static_cast<float>(guidance + 1);
  for (size_t id = 0; id < row.size(); ++id) {
    // What the first run forbids stays forbidden, what only the second one forbids isn't guided: inf - inf is no
    // number.
    if (std::isinf(row[id]) || std::isinf(other[id])) continue;
    row[id] = other[id] + scale * (row[id] - other[id]);
  }
}

double pair_difference(std::span<const float> other, std::span<const float> row) noexcept {
  double difference = 0;
  for (size_t id = 0; id < row.size(); ++id)
    difference = std::max(difference, std::abs(static_cast<double>(row[id]) - static_cast<double>(other[id])));
  return difference;
}

}  // namespace temper
