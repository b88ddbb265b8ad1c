// SPDX-License-Identifier: Apache-2.0
#include "api/noise.h"

#include "api/guard.h"
#include "noise/own.h"

#include <temper/noise.h>

#include <cmath>

using namespace temper;

namespace {

struct Bounds {
  NoiseRange range;
  double initial = 0;
  bool whole = false;
};

Status check_kind(int32_t kind) {
  if (kind >= TEMPER_NOISE_ABSORBING && kind <= TEMPER_NOISE_CALLBACK) return Status();
  return fail(TEMPER_E_ARGUMENT, "unknown kind of noise: %d", kind);
}

// Score models were trained on log-linear noise; the others on m = t.
NoiseParameters defaults(NoisePath path) {
  NoiseParameters parameters;
  parameters.path = path;
  if (path == NoisePath::uniform || path == NoisePath::gamma) parameters.clock = NoiseClock::log_linear;
  if (path == NoisePath::epsilon) parameters.mix = 0.1;
  if (path == NoisePath::gamma) parameters.mix = 0.05;
  if (path == NoisePath::gidd) parameters.mix = 0.2;
  return parameters;
}

template <typename Enum>
NoiseRange up_to(Enum last) {
  return {0, static_cast<double>(last)};
}

Result<Bounds> bounds_of(int32_t kind, int32_t parameter) {
  TEMPER_TRY(check_kind(kind));
  const auto path = static_cast<NoisePath>(kind);
  const bool own = path == NoisePath::table || path == NoisePath::callback, gridded = path != NoisePath::table;
  const bool mixes = !own && path != NoisePath::absorbing && path != NoisePath::uniform;
  const bool clock = !own && path != NoisePath::gidd;
  const NoiseParameters initial = defaults(path);
  switch (parameter) {
    case TEMPER_NOISE_MIX:
      if (mixes) return Bounds{path == NoisePath::gamma ? gamma_range : mix_range, initial.mix, false};
      break;
    case TEMPER_NOISE_CLOCK:
      if (clock) return Bounds{up_to(NoiseClock::cosine), static_cast<double>(initial.clock), true};
      break;
    case TEMPER_NOISE_E0:
      if (clock) return Bounds{e0_range, initial.e0, false};
      break;
    case TEMPER_NOISE_SIGMA_MIN:
      if (clock) return Bounds{sigma_min_range, initial.sigma_min, false};
      break;
    case TEMPER_NOISE_SIGMA_MAX:
      if (clock) return Bounds{sigma_max_range, initial.sigma_max, false};
      break;
    case TEMPER_NOISE_GRID:
      if (gridded) return Bounds{up_to(NoiseGrid::dream), 0, true};
      break;
    case TEMPER_NOISE_TERMINAL_CLAMP: return Bounds{{0, 1}, 1, true};
    case TEMPER_NOISE_SAMPLING_EPS:
      if (gridded) return Bounds{sampling_eps_range, initial.grid_eps(), false};
      break;
    default: return fail(TEMPER_E_ARGUMENT, "unknown noise parameter: %d", parameter);
  }
  return fail(TEMPER_E_ARGUMENT, "this kind of noise has no parameter %d", parameter);
}

Status hand_out(NoisePath path, const Result<std::shared_ptr<const OwnPath>> &own, temper_noise **out) {
  TEMPER_TRY(own.status());
  NoiseParameters parameters = defaults(path);
  parameters.own = own.value();
  *out = new temper_noise{std::move(parameters)};
  return Status();
}

}  // namespace

extern "C" {

temper_status temper_noise_create(int32_t kind, temper_noise **out, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(out != nullptr, "out is NULL");
    *out = nullptr;
    TEMPER_TRY(check_kind(kind));
    if (kind > TEMPER_NOISE_GIDD)
      return fail(TEMPER_E_ARGUMENT, "noise of kind %d needs its values: temper_noise_create_table() or _callback()",
                  kind);
    *out = new temper_noise{defaults(static_cast<NoisePath>(kind))};
    return Status();
  });
}

temper_status temper_noise_create_table(const double *a, const double *m, int32_t levels, temper_noise **out,
                                        temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(out != nullptr, "out is NULL");
    *out = nullptr;
    return hand_out(NoisePath::table, OwnPath::table(a, m, levels), out);
  });
}

temper_status temper_noise_create_callback(temper_noise_fn function, void *user, temper_noise **out,
                                           temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(out != nullptr, "out is NULL");
    *out = nullptr;
    return hand_out(NoisePath::callback, OwnPath::callback(function, user), out);
  });
}

void temper_noise_destroy(temper_noise *noise) { delete noise; }

temper_status temper_noise_set(temper_noise *noise, int32_t parameter, double value, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(noise != nullptr, "noise is NULL");
    TEMPER_ASSIGN(const Bounds limits, bounds_of(static_cast<int32_t>(noise->parameters.path), parameter));
    const auto [low, high] = limits.range;
    if (!(value >= low && value <= high) || (limits.whole && value != std::floor(value)))
      return fail(TEMPER_E_ARGUMENT, "noise parameter %d is %g, must be %s%g to %g", parameter, value,
                  limits.whole ? "whole, " : "", low, high);
    NoiseParameters &p = noise->parameters;
    switch (parameter) {
      case TEMPER_NOISE_MIX: p.mix = value; break;
      case TEMPER_NOISE_CLOCK: p.clock = static_cast<NoiseClock>(static_cast<int32_t>(value)); break;
      case TEMPER_NOISE_E0: p.e0 = value; break;
      case TEMPER_NOISE_SIGMA_MIN: p.sigma_min = value; break;
      case TEMPER_NOISE_SIGMA_MAX: p.sigma_max = value; break;
      case TEMPER_NOISE_GRID: p.grid = static_cast<NoiseGrid>(static_cast<int32_t>(value)); break;
      case TEMPER_NOISE_TERMINAL_CLAMP: p.terminal_clamp = value != 0; break;
      default: p.sampling_eps = value; break;
    }
    return Status();
  });
}

temper_status temper_noise_get(const temper_noise *noise, int32_t parameter, double *value, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(noise != nullptr, "noise is NULL");
    TEMPER_REQUIRE(value != nullptr, "value is NULL");
    const NoiseParameters &p = noise->parameters;
    TEMPER_TRY(bounds_of(static_cast<int32_t>(p.path), parameter).status());
    switch (parameter) {
      case TEMPER_NOISE_MIX: *value = p.mix; break;
      case TEMPER_NOISE_CLOCK: *value = static_cast<double>(p.clock); break;
      case TEMPER_NOISE_E0: *value = p.e0; break;
      case TEMPER_NOISE_SIGMA_MIN: *value = p.sigma_min; break;
      case TEMPER_NOISE_SIGMA_MAX: *value = p.sigma_max; break;
      case TEMPER_NOISE_GRID: *value = static_cast<double>(p.grid); break;
      case TEMPER_NOISE_TERMINAL_CLAMP: *value = p.terminal_clamp ? 1 : 0; break;
      default: *value = p.grid_eps(); break;
    }
    return Status();
  });
}

temper_status temper_noise_bounds(int32_t kind, int32_t parameter, double *low, double *high, double *initial,
                                  temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_ASSIGN(const Bounds limits, bounds_of(kind, parameter));
    if (low != nullptr) *low = limits.range.low;
    if (high != nullptr) *high = limits.range.high;
    if (initial != nullptr) *initial = limits.initial;
    return Status();
  });
}

temper_status temper_noise_at(const temper_noise *noise, double t, double *a, double *u, double *m, double *sigma,
                              temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(noise != nullptr, "noise is NULL");
    if (!(t >= 0 && t <= 1)) return fail(TEMPER_E_ARGUMENT, "t is %g, must be 0 to 1", t);
    TEMPER_ASSIGN(const Noise path, Noise::create(noise->parameters));
    const Clocks clocks = path.at(t);
    if (a != nullptr) *a = clocks.a();
    if (u != nullptr) *u = clocks.u();
    if (m != nullptr) *m = clocks.m();
    if (sigma != nullptr) *sigma = path.sigma(t);
    return Status();
  });
}

temper_status temper_noise_level(const temper_noise *noise, int32_t level, int32_t levels, double *t, double *a,
                                 double *u, double *m, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(noise != nullptr, "noise is NULL");
    if (levels < 1 || levels > 1 << 20) return fail(TEMPER_E_ARGUMENT, "levels is %d, must be 1 to 2^20", levels);
    if (level < 0 || level > levels)
      return fail(TEMPER_E_ARGUMENT, "level is %d, must be 0 to %d", level, levels);
    TEMPER_ASSIGN(const Noise path, Noise::create(noise->parameters));
    const Clocks clocks = path.at_level(level, levels);
    if (t != nullptr) *t = path.time(level, levels);
    if (a != nullptr) *a = clocks.a();
    if (u != nullptr) *u = clocks.u();
    if (m != nullptr) *m = clocks.m();
    return Status();
  });
}

}  // extern "C"
