// SPDX-License-Identifier: Apache-2.0
// Loops without branches that compilers turn into vector code, once per instruction set.
#include "answer/weights.h"

#include <algorithm>
#include <bit>
#include <cfloat>
#include <limits>

// Needs function multiversioning, which stands on the loader of glibc. The sanitizers' run time isn't up
// when the loader resolves such functions. Clang 14 gives other files the version for AVX-512 wherever they run.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define TEMPER_EVERY_CPU __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define TEMPER_EVERY_CPU
#endif
#define TEMPER_PART [[gnu::always_inline]] inline

namespace temper {
namespace {

constexpr double log2_e = 1.44269504088896340736;
// ln 2 in two parts; whole multiples of the first up to 2^20 are exact.
constexpr double ln2_high = 6.93147180369123816490e-01;
constexpr double ln2_low = 1.90821492927058770002e-10;
constexpr double round = 0x1.8p52;  // adding it leaves the nearest integer in the low bits
constexpr double whole = 0x1p52;   // plus a whole number below it: that number's bits
constexpr uint64_t whole_bits = std::bit_cast<uint64_t>(whole);

// e^x 2^shift for |x| <= 700, an even shift: x = n ln 2 + r ...
struct Reduced {
  double r;
  uint64_t power;  // n + shift, where a double's exponent stands
};
template <int shift>
TEMPER_PART Reduced reduced(double x) noexcept {
  const double rounded = x * log2_e + (round + shift);
  const double n = rounded - (round + shift);
  return {(x - n * ln2_high) - n * ln2_low, std::bit_cast<uint64_t>(rounded) << 52};
}

// ... and a Taylor polynomial for e^r, |r| <= 0.347, of degree 13, or 7 for eight digits. Its terms are added in pairs
// (Estrin), so that processors needn't wait for one product after the other.
template <int degree>
TEMPER_PART double raised(double r, uint64_t power) noexcept {
  const double r2 = r * r, r4 = r2 * r2;
  const double a0 = 0.5 + r * (1.0 / 6.0), a1 = 1.0 / 24.0 + r * (1.0 / 120.0), a2 = 1.0 / 720.0 + r * (1.0 / 5040.0);
  double q = a0 + r2 * a1;
  if constexpr (degree == 7) {
    q += r4 * a2;
  } else {
    const double r8 = r4 * r4, a3 = 1.0 / 40320.0 + r * (1.0 / 362880.0);
    const double a4 = 1.0 / 3628800.0 + r * (1.0 / 39916800.0), a5 = 1.0 / 479001600.0 + r * (1.0 / 6227020800.0);
    q = (q + r4 * (a2 + r2 * a3)) + r8 * (a4 + r2 * a5);
  }
  return std::bit_cast<double>(std::bit_cast<uint64_t>(1.0 + (r + r2 * q)) + power);
}

// 2^44 e^((l - top) scale) of a block. Two loops, and a third one for what is made of it: in one, the
// operations that wait for each other are too many for a processor to look ahead to the next element.
template <int degree>
TEMPER_PART void raise_all(const double *logits, size_t count, double top, double scale,
                           double *values) noexcept {
  alignas(64) uint64_t power[weight_block];
  const double lowest = -45.0 / scale;  // rounds to weight 0
  for (size_t i = 0; i < count; ++i) {
    const double below = logits[i] - top;
    const Reduced x = reduced<44>((below > lowest ? below : lowest) * scale);
    values[i] = x.r;
    power[i] = x.power;
  }
  for (size_t i = 0; i < count; ++i) values[i] = raised<degree>(values[i], power[i]);
}

TEMPER_PART void weigh_all(const double *logits, size_t count, double top, double scale,
                           uint64_t *weights) noexcept {
  alignas(64) double values[weight_block];
  raise_all<13>(logits, count, top, scale, values);
  for (size_t i = 0; i < count; ++i) {
    const double half_up = values[i] + 0.5, near = half_up + whole;
    weights[i] = std::bit_cast<uint64_t>(near) - whole_bits - (near - whole > half_up ? 1 : 0);
  }
}

// In an order that is fixed.
template <typename Term>
TEMPER_PART double sum_of(size_t count, Term term) noexcept {
  constexpr size_t lanes = 8;
  double sum[lanes] = {};
  size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (size_t lane = 0; lane < lanes; ++lane) sum[lane] += term(i + lane);
  for (size_t lane = 0; i < count; ++i, ++lane) sum[lane] += term(i);
  for (size_t lane = 1; lane < lanes; ++lane) sum[0] += sum[lane];
  return sum[0];
}

// Of weight times (logit - top). An excluded logit has no weight.
TEMPER_PART double spread_of(const double *logits, const uint64_t *weights, size_t count,
                             double top) noexcept {
  return sum_of(count, [&](size_t i) {
    const double below = logits[i] - top;
    return (std::bit_cast<double>(weights[i] + whole_bits) - whole) * (below > -1e6 ? below : -1e6);
  });
}

// Ignores NaN.
template <typename Number>
TEMPER_PART Number largest_of(const Number *values, size_t count) noexcept {
  constexpr size_t lanes = 128 / sizeof(Number);
  Number top[lanes];
  for (Number &lane : top) lane = -std::numeric_limits<Number>::infinity();
  size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (size_t j = 0; j < lanes; ++j) top[j] = values[i + j] > top[j] ? values[i + j] : top[j];
  for (size_t j = 0; i < count; ++i, ++j) top[j] = values[i] > top[j] ? values[i] : top[j];
  for (size_t j = 1; j < lanes; ++j) top[0] = std::max(top[0], top[j]);
  return top[0];
}

}  // namespace

double exponential(double x) noexcept {
  const Reduced limited = reduced<0>(x < -700.0 ? -700.0 : x > 700.0 ? 700.0 : x);
  return raised<13>(limited.r, limited.power);
}

TEMPER_EVERY_CPU
void weigh(const double *logits, size_t count, double top, double scale, uint64_t *weights) noexcept {
  weigh_all(logits, count, top, scale, weights);
}

TEMPER_EVERY_CPU
uint64_t weigh_blocks(const double *logits, size_t count, double top, double scale, uint64_t *sums,
                      double *spread) noexcept {
  alignas(64) uint64_t weights[weight_block];
  uint64_t total = 0;
  if (spread != nullptr) *spread = 0;
  for (size_t begin = 0; begin < count; begin += weight_block) {
    const size_t size = std::min(count - begin, weight_block);
    weigh_all(logits + begin, size, top, scale, weights);
    uint64_t sum = 0;
    for (size_t i = 0; i < size; ++i) sum += weights[i];
    sums[begin / weight_block] = sum;
    total += sum;
    if (spread != nullptr) *spread += spread_of(logits + begin, weights, size, top);
  }
  return total;
}

TEMPER_EVERY_CPU
double rough_sum(const double *logits, size_t count, double top) noexcept {
  alignas(64) double values[weight_block];
  double sum = 0;
  for (size_t begin = 0; begin < count; begin += weight_block) {
    const size_t size = std::min(count - begin, weight_block);
    raise_all<7>(logits + begin, size, top, 1, values);
    sum += sum_of(size, [&](size_t i) { return values[i]; });
  }
  return sum / weight_one;
}

// Piece by piece, so that memory is read once; the loops of a piece find it in the cache.
TEMPER_EVERY_CPU
RowScan copy_logits(const float *from, size_t count, double *to, float offset) noexcept {
  constexpr size_t piece = 2048;
  RowScan scan{-std::numeric_limits<double>::infinity(), true};
  for (size_t begin = 0; begin < count; begin += piece) {
    const size_t end = std::min(count, begin + piece);
    uint32_t bad = 0;
    for (size_t i = begin; i < end; ++i) bad |= from[i] - offset <= FLT_MAX ? 0U : 1U;
    for (size_t i = begin; i < end; ++i) to[i] = static_cast<double>(from[i] - offset);
    scan.sane = scan.sane && bad == 0;
    // Rounding keeps the order, so the largest stays the largest.
    scan.top = std::max(scan.top, static_cast<double>(largest_of(from + begin, end - begin) - offset));
  }
  return scan;
}

TEMPER_EVERY_CPU
double largest(const double *values, size_t count) noexcept { return largest_of(values, count); }

}  // namespace temper
