// SPDX-License-Identifier: Apache-2.0
// The three choices of a generation, as options: hyperschedule, noise and sampler. What isn't given stays
// what the model was trained with.
#ifndef TEMPER_PROGRAM_CHOICES_H
#define TEMPER_PROGRAM_CHOICES_H

#include "handles.h"
#include "picture.h"
#include "sampler_choice.h"

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

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
  /// The same with everything said: what isn't given is the model's.
  ScheduleChoice resolved(const temper_model *model) const;
};

struct NoiseChoice {
  std::string kind, clock, grid;
  std::optional<double> mix, e0, sigma_min, sigma_max;
  std::optional<int> clamp;

  void add_to(CLI::App &app);
  Noise make() const;
};

void to_json(nlohmann::json &out, const ScheduleChoice &choice);
void from_json(const nlohmann::json &in, ScheduleChoice &choice);
void to_json(nlohmann::json &out, const NoiseChoice &choice);
void from_json(const nlohmann::json &in, NoiseChoice &choice);

const std::vector<std::pair<std::string, int32_t>> &schedule_kinds();
std::string schedule_name(int64_t kind);

/// All levels of a schedule over @p length positions, with a title that says what it is.
Grid grid_of(const temper_hyperschedule *schedule, int64_t length);

} // namespace program

#endif
