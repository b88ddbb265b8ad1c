// SPDX-License-Identifier: Apache-2.0
// The three choices of a generation, as options: hyperschedule, noise and sampler. What isn't given stays
// what the model was trained with.
#ifndef TEMPER_PROGRAM_CHOICES_H
#define TEMPER_PROGRAM_CHOICES_H

#include "handles.h"
#include "picture.h"

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <vector>

namespace program {

struct ScheduleChoice {
  std::string kind;
  std::optional<int64_t> width;
  std::optional<int32_t> levels;

  void add_to(CLI::App &app);
  bool given() const { return !kind.empty() || width || levels; }
  /// The hyperschedule, or none: the model's own. Width and levels that aren't given are the model's;
  /// without a model 8 and 8.
  Schedule make(const temper_model *model) const;
};

struct NoiseChoice {
  std::string kind, clock, grid;
  std::optional<double> mix, e0, sigma_min, sigma_max;
  std::optional<int> clamp;

  void add_to(CLI::App &app);
  Noise make() const;
};

struct SamplerChoice {
  std::string kind;
  std::optional<double> temperature, top_k, top_p, min_p, eta;

  void add_to(CLI::App &app);
  Sampler make() const;
};

const std::vector<std::pair<std::string, int32_t>> &schedule_kinds();
std::string schedule_name(int64_t kind);

/// All levels of a schedule over @p length positions, with a title that says what it is.
Grid grid_of(const temper_hyperschedule *schedule, int64_t length);

} // namespace program

#endif
