// SPDX-License-Identifier: Apache-2.0
// Counter-based random numbers: Philox4x32-10 (Salmon et al., SC 2011) and the addressing of draws,
// MATH 6. A draw is a pure function of (seed, sequence, call, position, tag, j), so no result depends on
// the number of threads, the batch or the device.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace temper {

// What a draw decides. Numbers are part of the reproducibility promise and never reused.
enum class DrawTag : uint32_t {
  token = 0,              // token of an integer inverse CDF
  reveal = 1,             // masked: reveal or stay
  edit = 2,               // real token: edit or stay
  remask = 3,             // real token: back to the mask
  prediction_or_uniform = 4,
  uniform_token = 5,
  confidence = 6,         // confidence noise and ties
  first_hitting = 7,
  initial_noise = 8,      // the uniform token a position starts with when there is no mask
  correct = 9,            // ACS: correct or keep
  corrected_token = 10,
  training_level = 16,
  training_mask = 17,
  replacement = 18,
  replacement_token = 19,
  call_choice = 20,
  gumbel = 32             // j is the token id
};

// Draws of a whole sequence use this position.
inline constexpr uint32_t sequence_draw = 0xffffffffU;

// Calls are counted in 24 bits of the counter.
inline constexpr uint32_t max_calls = 1U << 24;

// High half of a 64 x 64 bit product, without 128-bit integers.
constexpr uint64_t mul_high(uint64_t a, uint64_t b) noexcept {
  const uint64_t a0 = a & 0xffffffffU, a1 = a >> 32, b0 = b & 0xffffffffU, b1 = b >> 32;
  const uint64_t low = a0 * b0;
  const uint64_t middle = a1 * b0 + (low >> 32);
  const uint64_t other = a0 * b1 + (middle & 0xffffffffU);
  return a1 * b1 + (middle >> 32) + (other >> 32);
}

constexpr std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter,
                                                  std::array<uint32_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53U} * counter[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57U} * counter[2];
    counter = {static_cast<uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(p1),
               static_cast<uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(p0)};
    key[0] += 0x9E3779B9U;
    key[1] += 0xBB67AE85U;
  }
  return counter;
}

// The draws of one position in one call of one sequence.
class Draws {
 public:
  constexpr Draws(uint64_t seed, uint32_t sequence, uint32_t call,
                  uint32_t position) noexcept
      : seed_(seed), sequence_(sequence), call_(call & (max_calls - 1)), position_(position) {}

  // The same call of the same sequence at another position.
  constexpr Draws at(uint32_t position) const noexcept {
    Draws other = *this;
    other.position_ = position;
    return other;
  }

  // An independent set of draws for candidate c (0: this one) of guidance by value.
  constexpr Draws candidate(uint32_t c) const noexcept {
    Draws other = *this;
    other.first_ = uint64_t{c} << 20;  // beyond the token ids that Gumbel noise counts in
    return other;
  }

  // Draw j of a decision: 64 random bits.
  constexpr uint64_t bits(DrawTag tag, uint64_t j = 0) const noexcept {
    j += first_;
    const auto x = philox4x32({static_cast<uint32_t>(j >> 1), position_,
                               (static_cast<uint32_t>(tag) << 24) | call_, sequence_},
                              {static_cast<uint32_t>(seed_), static_cast<uint32_t>(seed_ >> 32)});
    const size_t lane = static_cast<size_t>(j & 1) * 2;
    return (uint64_t{x[lane]} << 32) | x[lane + 1];
  }

  // In (0, 1), exact in double: 52 bits and a half, so neither 0 nor 1 can come out.
  constexpr double uniform(DrawTag tag, uint64_t j = 0) const noexcept {
    return to_uniform(bits(tag, j));
  }

  // In [0, n); n >= 1.
  constexpr uint64_t integer(DrawTag tag, uint64_t n, uint64_t j = 0) const noexcept {
    return mul_high(bits(tag, j), n);
  }

  constexpr bool bernoulli(DrawTag tag, double probability, uint64_t j = 0) const noexcept {
    return uniform(tag, j) < probability;
  }

  static constexpr double to_uniform(uint64_t bits) noexcept {
    return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52;
  }

 private:
  uint64_t seed_;
  uint64_t first_ = 0;
  uint32_t sequence_, call_, position_;
};

}  // namespace temper
