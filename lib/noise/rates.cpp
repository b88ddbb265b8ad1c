// SPDX-License-Identifier: Apache-2.0
// How fast the clocks run, for objectives in continuous time (MATH 5.2).
#include "noise/noise.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace temper {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double quotient(double above, double below) noexcept { return below > 0 ? above / below : infinity; }

double share(double factor, double amount) noexcept { return factor == 0 ? 0 : factor * amount; }

// m = t/(1+c), kappa = 1/(1 + b sqrt(t/(1-t))), c = b sqrt(t(1-t)).
Clocks gidd_rates(double mix, double t) noexcept {
  const double b = 2 * mix / (1 - mix), root = std::sqrt(t * (1 - t)), c = b * root;
  // t (dc/dt) = b (1-2t) t / (2 root), without 0/0 at t = 0.
  const double moved = t > 0 ? share(b, quotient((1 - 2 * t) * t, 2 * root)) : 0;
  const double visible = 1 - t / (1 + c);
  Clocks rates;
  rates.mu = quotient((1 + c - moved) / ((1 + c) * (1 + c)), visible);
  rates.lam = share(b, quotient(1, 2 * root * (1 - t + c)));
  return rates;
}

}  // namespace

double Noise::sigma_rate(double time) const noexcept {
  const double t = time > 0 ? std::min(time, 1.0) : 0.0;
  const NoiseParameters &p = parameters_;
  if (p.path == NoisePath::gidd || p.path == NoisePath::table || p.path == NoisePath::callback) {
    const Clocks own = rates(t);
    return own.mu + own.lam;
  }
  switch (p.clock) {
    case NoiseClock::linear: return quotient(1, 1 - t);
    case NoiseClock::log_linear: return (1 - p.e0) / (1 - (1 - p.e0) * t);
    case NoiseClock::geometric:
      return std::pow(p.sigma_min, 1 - t) * std::pow(p.sigma_max, t) * std::log(p.sigma_max / p.sigma_min);
    case NoiseClock::cosine:
      return t < 1 ? std::numbers::pi / 2 * std::tan(std::numbers::pi / 2 * t) : infinity;
  }
  return 0;
}

Clocks Noise::rates(double time) const noexcept {
  const double t = time > 0 ? std::min(time, 1.0) : 0.0;
  switch (parameters_.path) {
    case NoisePath::absorbing:
    case NoisePath::epsilon: return {sigma_rate(t), 0};
    case NoisePath::uniform: return {0, sigma_rate(t)};
    case NoisePath::gamma: {
      const double rate = sigma_rate(t);
      return {share(1 - parameters_.mix, rate), share(parameters_.mix, rate)};
    }
    case NoisePath::gidd: return gidd_rates(parameters_.mix, t);
    case NoisePath::table:
    case NoisePath::callback: break;
  }
  // Of a caller's path only values are known.
  constexpr double reach = 0x1p-20;
  const double before = std::max(t - reach, 0.0), after = std::min(t + reach, 1.0);
  const Clocks low = at(before), high = at(after);
  const auto slope = [&](double a, double b) { return b > a ? (b - a) / (after - before) : 0; };
  return {slope(low.mu, high.mu), slope(low.lam, high.lam)};
}

}  // namespace temper
