// SPDX-License-Identifier: Apache-2.0
// What each kind of sampler takes of a step.
#ifndef TEMPER_PROGRAM_SAMPLER_COST_H
#define TEMPER_PROGRAM_SAMPLER_COST_H

#include "measurements.h"

namespace program {

struct SamplerCost {
  std::string name;
  std::string noise;          ///< the path it was measured on
  int64_t positions = 0;      ///< drawn in the call that was measured
  double seconds = 0.0;       ///< sampling alone, for as many positions as a window has
};

struct SamplerCosts {
  int rows = 0;
  int64_t columns = 0;
  double step_seconds = 0.0;  ///< the model's rows alone, without sampling
  std::vector<SamplerCost> kinds;
};

/// Sampling is measured with a model that is little more than a head of as many columns as @p model's: of the
/// calls of a window of @p rows the one that draws most positions, less the same rows without drawing. It is
/// set against a step of @p model on its backend.
SamplerCosts measure_samplers(temper_runtime *runtime, temper_model *model, int rows, const Effort &effort);

} // namespace program

#endif
