// SPDX-License-Identifier: Apache-2.0
// What the tests of noise share.
#pragma once

#include "noise/noise.h"

#include <cmath>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string>

extern "C" {
#include <cmocka.h>
}

namespace numbers {

inline void near(double value, double expected, double tolerance = 1e-11) {
  if (value == expected) return;
  if (!(std::fabs(value - expected) <= tolerance)) fail_msg("%.17g, expected %.17g", value, expected);
}

inline temper::Noise made(const temper::NoiseParameters &parameters) {
  auto result = temper::Noise::create(parameters);
  if (!result.ok()) fail_msg("%s", result.status().message().c_str());
  return result.value();
}

inline temper::Noise made(temper::NoisePath path, double mix, temper::NoiseClock clock = temper::NoiseClock::linear,
                          double e0 = 5e-3) {
  temper::NoiseParameters p;
  p.path = path;
  p.mix = mix;
  p.clock = clock;
  p.e0 = e0;
  return made(p);
}

inline void refused(const temper::Status &status, const char *part) {
  assert_int_equal(status.code(), TEMPER_E_ARGUMENT);
  if (status.message().find(part) == std::string::npos)
    fail_msg("\"%s\" doesn't say \"%s\"", status.message().c_str(), part);
}

}  // namespace numbers
