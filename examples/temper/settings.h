// SPDX-License-Identifier: Apache-2.0
// All that decides a generation, as one value: what `generate` makes of its options, what a trace keeps, and
// what a session is made from again when it is replayed.
#ifndef TEMPER_PROGRAM_SETTINGS_H
#define TEMPER_PROGRAM_SETTINGS_H

#include "choices.h"
#include "handles.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace program {

/// How a row begins.
struct Prompt {
  std::string text;
  std::vector<int32_t> tokens;
  /// Fixed tokens behind the prompt, by their positions, the prompt counted.
  std::vector<int64_t> fixed_positions{};
  std::vector<int32_t> fixed_tokens{};
  int64_t limit = 0; ///< tokens behind the prompt at most; 0: those of the settings
};

struct Settings {
  ScheduleChoice schedule;
  NoiseChoice noise;
  SamplerChoice sampler;
  uint64_t seed = 0;
  int64_t length = 0;                  ///< positions of a row; 0: without end
  int64_t limit = 0;                   ///< tokens of a row at most; 0: as many as there are
  std::vector<Prompt> rows;
  std::vector<int32_t> draft, levels;  ///< behind the prompt of every row; a level for each token
  std::vector<float> weights;
  std::optional<double> guidance;
  std::optional<std::vector<int32_t>> unconditional;
  std::map<std::string, int64_t> options; ///< of the session, by the names of session_options()

  Session make(temper_model *model) const;
};

/// Names of the session's options and their keys, in the order in which they are set.
const std::vector<std::pair<std::string, int32_t>> &session_options();

void to_json(nlohmann::json &out, const Settings &settings);
void from_json(const nlohmann::json &in, Settings &settings);

} // namespace program

#endif
