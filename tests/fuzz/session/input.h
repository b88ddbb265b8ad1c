// SPDX-License-Identifier: Apache-2.0
// The bytes of an input, as numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <vector>

namespace fuzz {

class Input {
 public:
  Input(const uint8_t *data, size_t size) : data_(data), size_(size) {}
  bool empty() const { return at_ == size_; }
  uint8_t byte() { return at_ < size_ ? data_[at_++] : uint8_t{'0'}; }
  // 0..count-1
  int32_t number(int64_t count) { return static_cast<int32_t>(uint8_t(byte() - '0') % count); }
  size_t index(size_t count) { return static_cast<size_t>(number(static_cast<int64_t>(count))); }
  // Mostly that, sometimes anything.
  int64_t loose(int64_t count) {
    const uint8_t b = byte();
    if (b < 0x80) return uint8_t(b - '0') % count;
    constexpr int64_t wild[] = {-1, -2, count_, 1000, 65536, 65537, 1 << 20, (1 << 20) + 1, int64_t{1} << 28,
                                int64_t{1} << 30, INT32_MAX, INT32_MIN, int64_t{1} << 40, INT64_MAX, INT64_MIN};
    const int64_t value = wild[b % std::size(wild)];
    return value == count_ ? count : value;
  }
  int32_t loose32(int64_t count) { return static_cast<int32_t>(loose(count)); }
  double real(double low, double high, double initial) {
    const double values[] = {low, high, initial, (low + high) / 2, 0, 1, 2, 0.5, 0.9, 3, -1, HUGE_VAL, NAN};
    return values[number(std::size(values))];
  }
  std::vector<uint8_t> bytes(size_t count) {
    count = std::min(count, size_ - at_);
    at_ += count;
    return {data_ + at_ - count, data_ + at_};
  }

 private:
  static constexpr int64_t count_ = INT64_MAX - 1;  // stands for the first value that is too large
  const uint8_t *data_;
  size_t size_, at_ = 0;
};

}  // namespace fuzz
