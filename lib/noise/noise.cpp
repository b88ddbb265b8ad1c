// SPDX-License-Identifier: Apache-2.0
// The catalogue of paths (MATH 1.7) and the coefficients of a step (MATH 1.4).
#include "noise/noise.h"

#include "base/text.h"
#include "noise/own.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace temper {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// Share of an infinite clock: none of it is none.
double share(double factor, double amount) noexcept { return factor == 0 ? 0 : factor * amount; }

// The earlier clocks of a caller's path may be ahead of the later ones by rounding, or because a function
// doesn't keep its word. What differs by rounding stands still.
void settle_behind(Clocks &later, Clocks &earlier) noexcept {
  constexpr double rounding = 1e-14;
  if (std::isinf(later.mu)) later.lam = std::max(later.lam, earlier.lam);  // pure mask: kappa can't be told from it
  earlier.mu = std::min(earlier.mu, later.mu);
  const double slack = std::isinf(later.lam) ? 0 : rounding * (1 + later.lam);
  if (earlier.lam > 0 && later.lam - earlier.lam <= slack) earlier.lam = later.lam;
}

// Difference of two clocks; inf - inf is no movement.
double increment(double later, double earlier) noexcept { return later == earlier ? 0 : later - earlier; }

double clock_sigma(const NoiseParameters &p, double t) noexcept {
  switch (p.clock) {
    case NoiseClock::linear: return -std::log1p(-t);
    case NoiseClock::log_linear: return -std::log1p(-(1 - p.e0) * t);
    case NoiseClock::geometric: return std::pow(p.sigma_min, 1 - t) * std::pow(p.sigma_max, t);
    case NoiseClock::cosine: return t >= 1 ? infinity : -std::log(std::cos(std::numbers::pi / 2 * t));
  }
  return 0;
}

Clocks gidd_clocks(double mix, double t) noexcept {
  const double b = 2 * mix / (1 - mix);
  const double c = b * std::sqrt(t * (1 - t));
  const double lam = b == 0 ? 0 : t >= 1 ? infinity : std::log1p(b * std::sqrt(t / (1 - t)));
  return {-std::log1p(-t / (1 + c)), lam};
}

Status check_range(const char *name, double value, const NoiseRange &range) {
  if (value >= range.low && value <= range.high) return Status();
  return fail(TEMPER_E_ARGUMENT, "noise: %s is %g, must be %g to %g", name, value, range.low, range.high);
}

template <typename Enum>
Status check_known(const char *what, Enum value, Enum last) {
  if (value >= Enum{} && value <= last) return Status();
  return fail(TEMPER_E_ARGUMENT, "noise: unknown %s %d", what, static_cast<int>(value));
}

bool is_own(const NoiseParameters &p) noexcept {
  return p.path == NoisePath::table || p.path == NoisePath::callback;
}

// Does m follow the level in equal steps?
bool linear_mask(const NoiseParameters &p) noexcept {
  return (p.path == NoisePath::absorbing || p.path == NoisePath::epsilon) && p.clock == NoiseClock::linear;
}

}  // namespace

std::string describe_path(const NoiseParameters &p) {
  std::string text;
  switch (p.path) {
    case NoisePath::absorbing: text = "absorbing"; break;
    case NoisePath::uniform: text = "uniform"; break;
    case NoisePath::epsilon: text = format_text("epsilon-hybrid, epsilon %g", p.mix); break;
    case NoisePath::gamma: text = format_text("gamma-hybrid, gamma %g", p.mix); break;
    case NoisePath::gidd: return format_text("gidd, p_uniform %g", p.mix);  // its two clocks are its own
    case NoisePath::table:
    case NoisePath::callback: return "the caller's own";
  }
  switch (p.clock) {
    case NoiseClock::linear: return text + ", linear clock";
    case NoiseClock::log_linear: return text + format_text(", log-linear clock, e0 %g", p.e0);
    case NoiseClock::geometric:
      return text + format_text(", geometric clock, sigma %g to %g", p.sigma_min, p.sigma_max);
    case NoiseClock::cosine: break;
  }
  return text + ", cosine clock";
}

double Clocks::m() const noexcept { return -std::expm1(-mu); }
double Clocks::kappa() const noexcept { return std::exp(-lam); }
double Clocks::a() const noexcept { return std::exp(-(mu + lam)); }
double Clocks::u() const noexcept { return std::exp(-mu) * -std::expm1(-lam); }

Result<Noise> Noise::create(const NoiseParameters &p) {
  TEMPER_TRY(check_known("path", p.path, NoisePath::callback));
  TEMPER_TRY(check_known("clock", p.clock, NoiseClock::cosine));
  TEMPER_TRY(check_known("grid", p.grid, NoiseGrid::dream));
  if (p.grid != NoiseGrid::even) TEMPER_TRY(check_range("sampling_eps", p.grid_eps(), sampling_eps_range));
  if (is_own(p)) {
    // Checked when it was made.
    if (p.own == nullptr) return Status(TEMPER_E_ARGUMENT, "noise: the path has neither table nor function");
    if (p.path == NoisePath::table && p.grid != NoiseGrid::even)
      return Status(TEMPER_E_ARGUMENT, "noise: a table has the even grid");
    return Noise(p);
  }
  TEMPER_TRY(check_range("mix", p.mix, p.path == NoisePath::gamma ? gamma_range : mix_range));
  if (p.clock == NoiseClock::log_linear) TEMPER_TRY(check_range("e0", p.e0, e0_range));
  if (p.clock == NoiseClock::geometric) {
    TEMPER_TRY(check_range("sigma_min", p.sigma_min, sigma_min_range));
    TEMPER_TRY(check_range("sigma_max", p.sigma_max, sigma_max_range));
    if (!(p.sigma_min < p.sigma_max))
      return fail(TEMPER_E_ARGUMENT, "noise: sigma_min %g isn't below sigma_max %g", p.sigma_min, p.sigma_max);
  }

  // A valid Markov kernel needs both clocks to run forward only (MATH 1.2).
  const Noise noise(p);
  constexpr int points = 1024;
  Clocks before = noise.at(0);
  for (int i = 1; i <= points; ++i) {
    const Clocks now = noise.at(static_cast<double>(i) / points);
    if (!(now.mu >= before.mu && now.lam >= before.lam))
      return fail(TEMPER_E_ARGUMENT, "noise: the path runs backwards near t = %g", static_cast<double>(i) / points);
    before = now;
  }
  return noise;
}

bool Noise::uses_mask() const noexcept {
  if (is_own(parameters_)) return parameters_.own->masks();
  return parameters_.path != NoisePath::uniform && !(parameters_.path == NoisePath::gamma && parameters_.mix == 1);
}

bool Noise::uses_uniform() const noexcept {
  if (is_own(parameters_)) return parameters_.own->replaces();
  return parameters_.path == NoisePath::uniform || (parameters_.path != NoisePath::absorbing && parameters_.mix > 0);
}

Clocks Noise::at(double time) const noexcept {
  const double t = time > 0 ? std::min(time, 1.0) : 0.0;
  const double mix = parameters_.mix;
  switch (parameters_.path) {
    case NoisePath::absorbing: return {clock_sigma(parameters_, t), 0};
    case NoisePath::uniform: return {0, clock_sigma(parameters_, t)};
    case NoisePath::epsilon: return {clock_sigma(parameters_, t), t > 0 ? -std::log1p(-mix) : 0};
    case NoisePath::gamma: {
      const double sigma = clock_sigma(parameters_, t);
      return {share(1 - mix, sigma), share(mix, sigma)};
    }
    case NoisePath::gidd: return gidd_clocks(mix, t);
    case NoisePath::table:
    case NoisePath::callback: return parameters_.own->at(t);
  }
  return {};
}

double Noise::sigma(double time) const noexcept {
  const double t = time > 0 ? std::min(time, 1.0) : 0.0;
  if (parameters_.path == NoisePath::epsilon || parameters_.path == NoisePath::gidd || is_own(parameters_)) {
    const Clocks clocks = at(t);
    return clocks.mu + clocks.lam;
  }
  return clock_sigma(parameters_, t);
}

double Noise::time(int32_t level, int32_t levels) const noexcept {
  if (level <= 0 || levels < 1) return 0;
  const int32_t l = std::min(level, levels);
  if (parameters_.grid == NoiseGrid::even) return static_cast<double>(l) / levels;
  const double eps = parameters_.grid_eps();
  if (parameters_.grid == NoiseGrid::dream) return eps + (1 - eps) * l / levels;
  const double edge = 10 * eps;
  if (levels == 1) return 1 - edge;
  return edge + (l - 1) * (1 - 2 * edge) / (levels - 1);
}

Clocks Noise::at_level(int32_t level, int32_t levels) const noexcept {
  if (level <= 0) return {};
  Clocks clocks = parameters_.path == NoisePath::table ? parameters_.own->at_part(level, levels)
                                                       : at(time(level, levels));
  if (level >= levels && parameters_.terminal_clamp) (uses_mask() ? clocks.mu : clocks.lam) = infinity;
  return clocks;
}

Status Noise::check(int32_t levels) const {
  if (parameters_.path != NoisePath::callback) return Status();
  Clocks before;
  for (int32_t level = 1; level <= levels; ++level)
    TEMPER_TRY(parameters_.own->probe(time(level, levels), before));
  return Status();
}

Transition Noise::between(Clocks from, Clocks to) noexcept {
  Transition step;
  step.m_t = from.m();
  step.m_s = to.m();
  step.lam_t = from.lam;
  step.lam_s = to.lam;
  step.kappa_t = from.kappa();
  step.kappa_s = to.kappa();
  step.one_minus_kappa_t = -std::expm1(-from.lam);
  step.one_minus_kappa_s = -std::expm1(-to.lam);
  const double delta_mu = increment(from.mu, to.mu), delta_lam = increment(from.lam, to.lam);
  step.k = std::exp(-delta_lam);
  step.one_minus_k = -std::expm1(-delta_lam);
  step.mask_reachable = from.mu > 0;
  step.visible_fixed = !(from.lam > 0);
  if (step.mask_reachable && delta_mu > 0) {
    step.reveal = std::exp(-to.mu) * std::expm1(-delta_mu) / std::expm1(-from.mu);
    step.stay = std::expm1(-to.mu) / std::expm1(-from.mu);
  }
  if (!step.visible_fixed) step.phi = std::expm1(-delta_lam) / std::expm1(-from.lam);
  step.identity = delta_mu == 0 && delta_lam == 0;
  step.final = to.mu == 0 && to.lam == 0;
  return step;
}

Transition Noise::transition(int32_t from, int32_t to, int32_t levels) const noexcept {
  const int32_t later = std::clamp(from, 0, levels), earlier = std::clamp(to, 0, later);
  Clocks top = at_level(later, levels);
  Clocks bottom = at_level(earlier, levels);
  if (is_own(parameters_)) settle_behind(top, bottom);
  Transition step = between(top, bottom);
  step.t = time(later, levels);
  step.s = time(earlier, levels);
  step.sigma_t = sigma(step.t);
  step.sigma_s = earlier == 0 ? 0 : sigma(step.s);
  step.identity = later == earlier;
  step.final = earlier == 0;
  if (linear_mask(parameters_) && later > earlier) {
    // Exact: no exponential is needed where m is the time itself.
    const bool clamped = later == levels && parameters_.terminal_clamp;
    step.m_t = clamped ? 1 : step.t;
    step.m_s = step.s;
    if (parameters_.grid == NoiseGrid::even) {
      step.reveal = static_cast<double>(later - earlier) / later;
      step.stay = static_cast<double>(earlier) / later;
    } else {
      step.reveal = (step.m_t - step.m_s) / step.m_t;
      step.stay = step.m_s / step.m_t;
    }
  }
  return step;
}

}  // namespace temper
