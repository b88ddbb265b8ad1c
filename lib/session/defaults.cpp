// SPDX-License-Identifier: Apache-2.0
#include "session/defaults.h"

#include "model/path.h"

#include <algorithm>

namespace temper {

ScheduleDefault default_schedule(const Spec &spec) {
  auto kind = [](ScheduleKind value) { return static_cast<int32_t>(value); };
  const auto levels = [&](int64_t fallback) {
    return static_cast<int32_t>(std::clamp<int64_t>(spec.default_levels > 0 ? spec.default_levels : fallback, 1, 4096));
  };
  if (spec.autoregressive) return {kind(ScheduleKind::quench), 1, 1};
  // Models whose settled context is cached are trained on blocks or windows; the others on all positions.
  if (spec.context == Context::full) return {kind(ScheduleKind::flat), 0, levels(64)};
  const int64_t width = spec.default_width > 0 ? spec.default_width : std::max<int64_t>(1, spec.block);
  return {kind(ScheduleKind::block), width, levels(width)};
}

Result<Hyperschedule> make_default_schedule(const Spec &spec) {
  const ScheduleDefault chosen = default_schedule(spec);
  return Hyperschedule::create(static_cast<ScheduleKind>(chosen.kind), chosen.width, chosen.levels);
}

NoiseParameters default_noise(const Spec &spec) { return noise_of(spec.path); }

std::vector<double> level_conditions(const Spec &spec, const Noise &noise, int32_t levels, int32_t count) {
  std::vector<double> conditions(static_cast<size_t>(count), 0.0);
  if (count <= 1) return conditions;
  for (int32_t level = 0; level <= levels; ++level) {
    const double t = level == 0 ? spec.settled_time : noise.time(level, levels);
    // The clock's sigma may be infinite at t = 1; no model was trained beyond this.
    constexpr double most = 20.0;
    conditions[static_cast<size_t>(level)] =
        spec.conditioning == Conditioning::time ? t : std::min(noise.sigma(t), most);
  }
  return conditions;
}

}  // namespace temper
