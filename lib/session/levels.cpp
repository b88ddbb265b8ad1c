// SPDX-License-Identifier: Apache-2.0
#include "session/levels.h"

#include <algorithm>
#include <cmath>

namespace temper {

void RowLevels::begin(const Hyperschedule &schedule, int64_t length, int64_t skip, const LevelWishes &wishes) noexcept {
  starts_ = wishes.starts;
  weights_ = wishes.weights;
  schedule_ = &schedule;
  length_ = length;
  skip_ = skip;
  steps_ = schedule.steps(scheduled());
  known_end_ = 0;
  for (size_t i = 0; i < starts_.size(); ++i)
    if (starts_[i] < schedule.levels() && static_cast<int64_t>(i) < length) known_end_ = static_cast<int64_t>(i) + 1;
}

void LevelWishes::set_start(int64_t position, int32_t level, int32_t levels) {
  const auto at = static_cast<size_t>(position);
  if (at >= starts.size()) starts.resize(at + 1, levels);
  starts[at] = level;
}

void LevelWishes::set_weights(std::vector<float> given) {
  weights.clear();
  if (given.empty()) return;
  const auto [low, high] = std::minmax_element(given.begin(), given.end());
  if (*low == *high) return;
  const float smallest = *low, most = 1e30F;  // more would be infinite, and 0 times that no number
  for (float &weight : given) weight = std::min(weight / smallest, most);
  weights = std::move(given);
}

bool RowLevels::fixed(int64_t position) const noexcept {
  const auto at = static_cast<size_t>(position);
  return at < starts_.size() && starts_[at] == 0;
}

int32_t RowLevels::level(int64_t step, int64_t position) const noexcept {
  int32_t level = schedule_->level(step, position + skip_);
  const auto at = static_cast<size_t>(position);
  if (at < weights_.size()) {
    // A position of weight w has come w times as far. The small excess keeps 1/3 * 3 from being less than 1.
    const int32_t top = schedule_->levels();
    const double gone = std::floor(static_cast<double>(weights_[at]) * (top - level) * (1 + 1e-6));
    level = gone >= top ? 0 : top - static_cast<int32_t>(gone);
  }
  return at < starts_.size() ? std::min(level, starts_[at]) : level;
}

int64_t RowLevels::settled_end(int64_t step) const noexcept {
  int64_t end = std::max<int64_t>(0, schedule_->settled_end(step, scheduled()) - skip_);
  if (!bent()) return end;
  while (end < length_ && level(step, end) == 0) ++end;
  return end;
}

int64_t RowLevels::window_end(int64_t step) const noexcept {
  return std::max<int64_t>(0, schedule_->active_end(step, scheduled()) - skip_);
}

int64_t RowLevels::active_end(int64_t step) const noexcept {
  return std::max({window_end(step), known_end_, settled_end(step)});
}

bool RowLevels::drops(int64_t step) const noexcept {
  if (!bent() && skip_ == 0) return schedule_->drops(step, length_);
  const int64_t end = active_end(step);
  for (int64_t i = settled_end(step); i < end; ++i)
    if (level(step + 1, i) < level(step, i)) return true;
  return false;
}

bool RowLevels::waits(int64_t step, int64_t position) const noexcept {
  const int32_t top = schedule_->levels();
  return level(step, position) == top && level(step + 1, position) == top;
}

int64_t RowLevels::next_arrival(int64_t step) const noexcept {
  const int64_t begin = settled_end(step), end = window_end(step), last = steps();
  const auto arrives = [&](int64_t next) {
    if (window_end(next) > end) return true;
    for (int64_t i = begin; i < end; ++i)
      if (waits(step, i) && !waits(next, i)) return true;
    return false;
  };
  int64_t next = step + 1;
  while ((last < 0 || next < last) && !arrives(next)) ++next;
  return next;
}

}  // namespace temper
