// SPDX-License-Identifier: Apache-2.0
// The path that a checkpoint was trained on, as noise.
#pragma once

#include "model/spec.h"
#include "noise/noise.h"

namespace temper {

inline NoiseParameters noise_of(const PathSpec &path) {
  NoiseParameters noise;
  switch (path.kind) {
    case PathKind::absorbing: noise.path = NoisePath::absorbing; break;
    case PathKind::uniform: noise.path = NoisePath::uniform; break;
    case PathKind::epsilon_hybrid: noise.path = NoisePath::epsilon; break;
    case PathKind::gamma_hybrid: noise.path = NoisePath::gamma; break;
    case PathKind::gidd: noise.path = NoisePath::gidd; break;
  }
  switch (path.clock) {
    case ClockKind::linear: noise.clock = NoiseClock::linear; break;
    case ClockKind::log_linear: noise.clock = NoiseClock::log_linear; break;
    case ClockKind::geometric: noise.clock = NoiseClock::geometric; break;
    case ClockKind::cosine: noise.clock = NoiseClock::cosine; break;
  }
  noise.mix = path.mix;
  if (path.e0 > 0.0) noise.e0 = path.e0;
  noise.sigma_min = path.sigma_min;
  noise.sigma_max = path.sigma_max;
  return noise;
}

}  // namespace temper
