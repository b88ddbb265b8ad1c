// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "noise/noise.h"

struct temper_noise {
  temper::NoiseParameters parameters;
};
