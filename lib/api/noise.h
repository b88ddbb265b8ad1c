// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "noise/noise.h"

#include <memory>

struct temper_noise {
  temper::NoiseParameters parameters;
};

namespace temper {

// The immutable path of a value that callers can change; checks the parameters together.
Result<std::shared_ptr<const Noise>> build(const temper_noise &noise);

}  // namespace temper
