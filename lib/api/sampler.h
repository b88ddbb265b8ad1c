// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sampler/sampler.h"

#include <memory>

struct temper_sampler {
  temper::SamplerKind kind = temper::SamplerKind::ancestral;
  temper::SamplerParameters parameters;
};

namespace temper {

// The immutable sampler of a value that callers can change.
Result<std::shared_ptr<const Sampler>> build(const temper_sampler &sampler);

}  // namespace temper
