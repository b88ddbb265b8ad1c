// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sampler/sampler.h"

struct temper_sampler {
  temper::SamplerKind kind = temper::SamplerKind::ancestral;
  temper::SamplerParameters parameters;
};
