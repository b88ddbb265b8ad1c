// SPDX-License-Identifier: Apache-2.0
// What a session does when the caller names no hyperschedule or noise: what the model was trained with.
#pragma once

#include "model/spec.h"
#include "noise/noise.h"
#include "schedule/hyperschedule.h"

#include <vector>

namespace temper {

struct ScheduleDefault {
  int32_t kind = 0;  // ScheduleKind
  int64_t width = 0;
  int32_t levels = 0;
};

ScheduleDefault default_schedule(const Spec &spec);
Result<Hyperschedule> make_default_schedule(const Spec &spec);
NoiseParameters default_noise(const Spec &spec);

// What the model is told at each level, an engine's conditioning values: `count` of them, one when it is told nothing.
std::vector<double> level_conditions(const Spec &spec, const Noise &noise, int32_t levels, int32_t count);

}  // namespace temper
