// SPDX-License-Identifier: Apache-2.0
// What `bench` measures, and the figures it sets them against.
#ifndef TEMPER_PROGRAM_MEASUREMENTS_H
#define TEMPER_PROGRAM_MEASUREMENTS_H

#include "handles.h"

#include <string>
#include <vector>

namespace program {

/// Limits of the machine, measured in the same run.
struct Limits {
  double bandwidth = 0.0; ///< bytes per second
  double flops = 0.0;     ///< float32 multiply-adds count two
};

/// What a model's steps cost on paper.
struct Cost {
  double weight_bytes = 0.0;    ///< weights a step reads
  double weight_count = 0.0;    ///< multiply-adds of a row outside attention
  double slot_bytes = 0.0;      ///< keys and values of one slot, all layers
  double pair_flops = 0.0;      ///< attention of one row to one slot, all layers

  explicit Cost(const temper_model *model);
  double bytes(double rows, double context) const { return weight_bytes + (context + rows) * slot_bytes; }
  double flops(double rows, double context) const {
    return 2.0 * weight_count * rows + pair_flops * rows * (context + rows);
  }
};

/// How long to measure.
struct Effort {
  double seconds = 0.5; ///< at least, for one figure
  int turns = 5;        ///< at least
};

struct RowsPoint {
  int rows = 0, context = 0;
  double seconds = 0.0;
};

/// One step with @p rows rows that see each other and @p context cached ones.
RowsPoint measure_rows(temper_model *model, int rows, int context, const Effort &effort);

struct RunPoint {
  std::string name;
  int64_t tokens = 0, steps = 0, rows = 0;
  double seconds = 0.0, step_median = 0.0;
};

/// A whole generation by a hyperschedule.
RunPoint measure_run(temper_model *model, int32_t kind, int64_t width, int32_t levels, int64_t length);

struct CachePoint {
  int64_t length = 0, steps = 0;
  double cached_seconds = 0.0;    ///< measured whole
  double uncached_seconds = 0.0;  ///< extrapolated from the samples
  std::vector<std::pair<int64_t, double>> samples; ///< settled tokens, seconds of a step without cache
};

/// A slide of @p width at one token a step, with the cache and with it switched off. The second would take
/// too long: it is measured at several numbers of settled tokens and summed up between them.
CachePoint measure_cache(temper_model *model, int64_t width, int64_t length, const Effort &effort);

struct SamplingPoint {
  int rows = 0;
  double session_seconds = 0.0, model_seconds = 0.0;
  double share() const { return session_seconds > 0.0 ? 1.0 - model_seconds / session_seconds : 0.0; }
};

/// A step that draws @p rows tokens, against the same rows through the model alone.
SamplingPoint measure_sampling(temper_model *model, int rows, const Effort &effort);

} // namespace program

#endif
