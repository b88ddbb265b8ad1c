// SPDX-License-Identifier: Apache-2.0
// Loops without branches that compilers turn into vector code, once per instruction set.
#include "sampler/weights.h"

#include <bit>
#include <cfloat>
#include <limits>

// Needs function multiversioning, which stands on the loader of glibc. The sanitizers' run time isn't up
// when the loader resolves such functions.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__) && (defined(__clang__) ? __clang_major__ >= 14 : defined(__GNUC__))
#define TEMPER_EVERY_CPU __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define TEMPER_EVERY_CPU
#endif

namespace temper {
namespace {

constexpr double kLog2E = 1.44269504088896340736;
// ln 2 in two parts; whole multiples of the first up to 2^20 are exact.
constexpr double kLn2High = 6.93147180369123816490e-01;
constexpr double kLn2Low = 1.90821492927058770002e-10;
constexpr double kRound = 0x1.8p52;  // adding it leaves the nearest integer in the low bits
constexpr double kWhole = 0x1p52;

// e^x 2^shift for |x| <= 700: x = n ln 2 + r, a Taylor polynomial of degree 13 for e^r, |r| <= 0.347. Its terms are
// added in pairs (Estrin), so that processors needn't wait for one product after the other.
[[gnu::always_inline]] inline double scaled_exp(double x, std::int64_t shift) noexcept {
  const double rounded = x * kLog2E + kRound;
  const double n = rounded - kRound;
  const double r = (x - n * kLn2High) - n * kLn2Low;
  const double r2 = r * r, r4 = r2 * r2, r8 = r4 * r4;
  const double a0 = 0.5 + r * (1.0 / 6.0), a1 = 1.0 / 24.0 + r * (1.0 / 120.0);
  const double a2 = 1.0 / 720.0 + r * (1.0 / 5040.0), a3 = 1.0 / 40320.0 + r * (1.0 / 362880.0);
  const double a4 = 1.0 / 3628800.0 + r * (1.0 / 39916800.0), a5 = 1.0 / 479001600.0 + r * (1.0 / 6227020800.0);
  const double b0 = a0 + r2 * a1, b1 = a2 + r2 * a3, b2 = a4 + r2 * a5;
  const double q = (b0 + r4 * b1) + r8 * b2;
  const double value = 1.0 + (r + r2 * q);
  const std::uint64_t exponent = std::bit_cast<std::uint64_t>(rounded) + static_cast<std::uint64_t>(shift);
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(value) + (exponent << 52));
}

[[gnu::always_inline]] inline void weigh_all(const double *logits, std::size_t count, double top, double scale,
                                             std::uint64_t *weights) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    double x = (logits[i] - top) * scale;
    x = x < -45.0 ? -45.0 : x;  // rounds to weight 0
    const double half_up = scaled_exp(x, 44) + 0.5;
    double floor = (half_up + kWhole) - kWhole;
    floor -= floor > half_up ? 1.0 : 0.0;
    weights[i] = std::bit_cast<std::uint64_t>(floor + kWhole) & ((std::uint64_t{1} << 52) - 1);
  }
}

}  // namespace

double exponential(double x) noexcept {
  return scaled_exp(x < -700.0 ? -700.0 : x > 700.0 ? 700.0 : x, 0);
}

TEMPER_EVERY_CPU
void weigh(const double *logits, std::size_t count, double top, double scale, std::uint64_t *weights) noexcept {
  weigh_all(logits, count, top, scale, weights);
}

TEMPER_EVERY_CPU
std::uint64_t weigh_blocks(const double *logits, std::size_t count, double top, double scale,
                           std::uint64_t *sums) noexcept {
  std::uint64_t weights[kWeightBlock];
  std::uint64_t total = 0;
  for (std::size_t begin = 0; begin < count; begin += kWeightBlock) {
    const std::size_t size = count - begin < kWeightBlock ? count - begin : kWeightBlock;
    weigh_all(logits + begin, size, top, scale, weights);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < size; ++i) sum += weights[i];
    sums[begin / kWeightBlock] = sum;
    total += sum;
  }
  return total;
}

TEMPER_EVERY_CPU
BlockShape weigh_shape(const double *logits, std::size_t count, double top, double scale,
                       std::uint64_t *weights) noexcept {
  weigh_all(logits, count, top, scale, weights);
  constexpr std::size_t lanes = 8;
  std::uint64_t sum[lanes] = {};
  double spread[lanes] = {}, highest[lanes];
  for (double &lane : highest) lane = -std::numeric_limits<double>::infinity();
  const auto add = [&](std::size_t i, std::size_t lane) {
    // Weights below 2^52 lie in the low bits of kWhole + weight; an excluded logit has none.
    const double weight = std::bit_cast<double>(weights[i] | std::bit_cast<std::uint64_t>(kWhole)) - kWhole;
    const double below = logits[i] - top;
    sum[lane] += weights[i];
    spread[lane] += weight * (below < -1e6 ? -1e6 : below);
    highest[lane] = logits[i] > highest[lane] ? logits[i] : highest[lane];
  };
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) add(i + lane, lane);
  for (std::size_t lane = 0; i < count; ++i, ++lane) add(i, lane);
  BlockShape shape{sum[0], spread[0], highest[0]};
  for (std::size_t lane = 1; lane < lanes; ++lane) {
    shape.sum += sum[lane];
    shape.spread += spread[lane];
    shape.highest = highest[lane] > shape.highest ? highest[lane] : shape.highest;
  }
  return shape;
}

TEMPER_EVERY_CPU
RowScan copy_logits(const float *from, std::size_t count, double *to) noexcept {
  constexpr std::size_t lanes = 16;
  float top[lanes];
  std::uint32_t bad[lanes];
  for (std::size_t j = 0; j < lanes; ++j) {
    top[j] = -std::numeric_limits<float>::infinity();
    bad[j] = 0;
  }
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (std::size_t j = 0; j < lanes; ++j) {
      const float value = from[i + j];
      to[i + j] = static_cast<double>(value);
      top[j] = value > top[j] ? value : top[j];
      bad[j] |= value <= FLT_MAX ? 0U : 1U;
    }
  for (std::size_t j = 0; i < count; ++i, ++j) {
    const float value = from[i];
    to[i] = static_cast<double>(value);
    top[j] = value > top[j] ? value : top[j];
    bad[j] |= value <= FLT_MAX ? 0U : 1U;
  }
  RowScan scan{static_cast<double>(top[0]), bad[0] == 0};
  for (std::size_t j = 1; j < lanes; ++j) {
    if (static_cast<double>(top[j]) > scan.top) scan.top = static_cast<double>(top[j]);
    if (bad[j] != 0) scan.sane = false;
  }
  return scan;
}

TEMPER_EVERY_CPU
double largest(const double *values, std::size_t count) noexcept {
  constexpr std::size_t lanes = 8;
  double top[lanes];
  for (double &lane : top) lane = -std::numeric_limits<double>::infinity();
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (std::size_t j = 0; j < lanes; ++j) top[j] = values[i + j] > top[j] ? values[i + j] : top[j];
  for (std::size_t j = 0; i < count; ++i, ++j) top[j] = values[i] > top[j] ? values[i] : top[j];
  double best = top[0];
  for (std::size_t j = 1; j < lanes; ++j)
    if (top[j] > best) best = top[j];
  return best;
}

}  // namespace temper
