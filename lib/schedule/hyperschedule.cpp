// SPDX-License-Identifier: Apache-2.0
// Closed forms of MATH 3.2 (13): levels, frontiers and windows in O(1) for the named kinds.
#include "schedule/hyperschedule.h"

#include <algorithm>
#include <limits>

namespace temper {
namespace {

// Far beyond every legal count, and small enough that sums of a few can't overflow.
constexpr int64_t huge = int64_t{1} << 60;

int64_t multiply(int64_t a, int64_t b) noexcept {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product) || product > huge) return huge;
  return product;
}

// floor(a b / c) and ceil(a b / c) for a >= 0, b, c <= 2^31, saturating.
int64_t floor_scale(int64_t a, int64_t b, int64_t c) noexcept {
  return std::min(huge, multiply(a / c, b) + (a % c) * b / c);
}
int64_t ceil_scale(int64_t a, int64_t b, int64_t c) noexcept {
  return std::min(huge, multiply(a / c, b) + ((a % c) * b + c - 1) / c);
}

int64_t ceil_divide(int64_t a, int64_t b) noexcept { return a / b + (a % b != 0); }

}  // namespace

int32_t Hyperschedule::official_row(int64_t index) const noexcept {
  if (width_ == 1) return 0;
  const int64_t top = levels_ - 1, scaled = index * top, divisor = width_ - 1;
  const int64_t quotient = scaled / divisor, twice = 2 * (scaled % divisor);
  const bool up = twice > divisor || (twice == divisor && quotient % 2 == 1);  // half to even
  return static_cast<int32_t>(quotient + (up ? 1 : 0));
}

int32_t Hyperschedule::level(int64_t step, int64_t position) const noexcept {
  const int64_t top = levels_;
  const int64_t k = std::clamp<int64_t>(step, 0, huge);
  const int64_t i = std::clamp<int64_t>(position, 0, huge);
  int64_t value = 0;
  switch (kind_) {
    case ScheduleKind::quench: value = i >= k; break;
    case ScheduleKind::flat: value = top - k; break;
    case ScheduleKind::block: value = multiply(i / width_ + 1, top) - k; break;
    case ScheduleKind::slide: value = top + floor_scale(i, top, width_) - k; break;
    case ScheduleKind::slide_jump:
      value = k == 0 ? top : ceil_scale(i + 1, top, width_) - k;
      break;
    case ScheduleKind::hybrid: {
      const int64_t block = i / width_, inside = i % width_;
      value = top - std::max<int64_t>(0, k - multiply(block, top + width_ - 1) - inside);
      break;
    }
    case ScheduleKind::slide_official: {
      // The published steps count from 1; the first width - 1 show the tail of the window.
      const int64_t call = k + 1;
      const int64_t begin = call < width_ ? 0 : multiply(call - width_, advance_);
      const int64_t shift = call < width_ ? width_ - call : -begin;
      if (i < begin) value = 0;
      else if (i + shift < width_) value = official_row(i + shift) + 1;
      else value = top;
      break;
    }
    case ScheduleKind::table:
      if (k >= table_->steps) return 0;
      value = i < table_->positions ? table_->values[static_cast<size_t>(k * table_->positions + i)] : top;
      break;
    case ScheduleKind::callback: value = function_(user_, k, i); break;
  }
  return static_cast<int32_t>(std::clamp<int64_t>(value, 0, top));
}

int64_t Hyperschedule::settled_count(int64_t k) const noexcept {
  const int64_t top = levels_;
  switch (kind_) {
    case ScheduleKind::quench: return k;
    case ScheduleKind::flat: return k < top ? 0 : huge;
    case ScheduleKind::block: return multiply(k / top, width_);
    case ScheduleKind::slide: return k < top ? 0 : ceil_scale(k - top + 1, width_, top);
    case ScheduleKind::slide_jump: return floor_scale(k, width_, top);
    case ScheduleKind::hybrid: {
      const int64_t stride = top + width_ - 1, block = k / stride;
      return multiply(block, width_) + std::max<int64_t>(0, k - block * stride - top + 1);
    }
    case ScheduleKind::slide_official: return k + 1 < width_ ? 0 : multiply(k + 1 - width_, advance_);
    case ScheduleKind::table:
    case ScheduleKind::callback: break;
  }
  return 0;
}

int64_t Hyperschedule::unsettling_end(int64_t k) const noexcept {
  const int64_t top = levels_;
  switch (kind_) {
    case ScheduleKind::quench: return k;
    case ScheduleKind::flat: return huge;
    case ScheduleKind::block: return multiply((k - 1) / top + 1, width_);
    case ScheduleKind::slide: return ceil_scale(k, width_, top);
    case ScheduleKind::slide_jump: return floor_scale(k - 1 + top, width_, top);
    case ScheduleKind::hybrid: {
      const int64_t stride = top + width_ - 1, block = (k - 1) / stride;
      return multiply(block, width_) + std::min(width_, k - block * stride);
    }
    case ScheduleKind::slide_official: {
      const int64_t call = k + 1;
      if (call < width_) return std::max<int64_t>(0, below_top_ - (width_ - call));
      return multiply(call - width_, advance_) + below_top_;
    }
    case ScheduleKind::table:
    case ScheduleKind::callback: break;
  }
  return 0;
}

int64_t Hyperschedule::settled_end(int64_t step, int64_t length) const noexcept {
  const int64_t k = std::clamp<int64_t>(step, 0, huge);
  const int64_t end = length < 0 ? huge : length;
  if (kind_ != ScheduleKind::table && kind_ != ScheduleKind::callback) return std::min(end, settled_count(k));
  int64_t count = 0;
  if (kind_ == ScheduleKind::table) {
    // settled_after is non-decreasing.
    if (k >= table_->steps) return end;
    const auto &after = table_->settled_after;
    count = std::upper_bound(after.begin(), after.end(), k) - after.begin();
  } else {
    while (count < end && level(k, count) == 0) ++count;
  }
  return std::min(end, count);
}

int64_t Hyperschedule::active_end(int64_t step, int64_t length) const noexcept {
  const int64_t k = std::clamp<int64_t>(step, 0, huge);
  const int64_t end = length < 0 ? huge : length;
  const int64_t settled = settled_end(k, length);
  if (kind_ != ScheduleKind::table && kind_ != ScheduleKind::callback)
    return std::max(settled, std::min(end, unsettling_end(k + 1)));
  // Levels never rise: below T before the call means below T after it.
  int64_t last = kind_ == ScheduleKind::table ? std::min(end, table_->positions) : end;
  while (last > settled && level(k + 1, last - 1) >= levels_) --last;
  return std::max(settled, last);
}

bool Hyperschedule::drops(int64_t step, int64_t length) const noexcept {
  if (step < 0) return false;
  switch (kind_) {
    case ScheduleKind::table:
    case ScheduleKind::callback:
    case ScheduleKind::slide_official: break;
    default: {
      const int64_t total = steps(length);
      return total < 0 ? true : step < total;
    }
  }
  const int64_t last = active_end(step, length);
  for (int64_t i = settled_end(step, length); i < last; ++i)
    if (level(step + 1, i) < level(step, i)) return true;
  return false;
}

int64_t Hyperschedule::max_active(int64_t length) const noexcept {
  int64_t most = 0;
  switch (kind_) {
    case ScheduleKind::quench: most = 1; break;
    case ScheduleKind::block:
    case ScheduleKind::slide:
    case ScheduleKind::slide_jump:
    case ScheduleKind::hybrid: most = width_; break;
    case ScheduleKind::slide_official: most = advance_ + below_top_; break;
    case ScheduleKind::flat: return length;
    case ScheduleKind::callback: return length;
    case ScheduleKind::table: {
      const int64_t end = length < 0 ? table_->positions : length;
      for (int64_t k = 0; k < table_->steps; ++k)
        most = std::max(most, active_end(k, end) - settled_end(k, end));
      return most;
    }
  }
  return length < 0 ? most : std::min(most, length);
}

int64_t Hyperschedule::steps(int64_t length) const noexcept {
  const int64_t top = levels_;
  if (length == 0) return 0;
  if (kind_ == ScheduleKind::flat) return top;
  if (length < 0) return unbounded;
  switch (kind_) {
    case ScheduleKind::quench: return length;
    case ScheduleKind::flat: break;
    case ScheduleKind::block: return multiply(ceil_divide(length, width_), top);
    case ScheduleKind::slide: return top + floor_scale(length - 1, top, width_);
    case ScheduleKind::slide_jump: return ceil_scale(length, top, width_);
    case ScheduleKind::hybrid: {
      const int64_t blocks = ceil_divide(length, width_);
      return multiply(blocks, top + width_ - 1) - (blocks * width_ - length);
    }
    case ScheduleKind::slide_official: return width_ - 1 + ceil_divide(length, advance_);
    case ScheduleKind::table:
      return length > table_->positions ? unbounded : table_->settled_after[static_cast<size_t>(length - 1)];
    case ScheduleKind::callback: return search_callback_steps(length);
  }
  return unbounded;
}

bool Hyperschedule::all_settled(int64_t step, int64_t length) const noexcept {
  for (int64_t i = length; i-- > 0;)
    if (level(step, i) != 0) return false;
  return true;
}

// Levels never rise, so "all settled" is monotone in the step: gallop, then halve.
int64_t Hyperschedule::search_callback_steps(int64_t length) const noexcept {
  int64_t high = 1, low = 0;
  while (!all_settled(high, length)) {
    low = high;
    if (high >= max_steps) return unbounded;
    high = std::min(max_steps, 2 * high);
  }
  if (low == 0 && all_settled(0, length)) return 0;
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    (all_settled(middle, length) ? high : low) = middle;
  }
  return high;
}

bool Hyperschedule::can_stream() const noexcept {
  return kind_ != ScheduleKind::flat && kind_ != ScheduleKind::table && kind_ != ScheduleKind::callback;
}

}  // namespace temper
