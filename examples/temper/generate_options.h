// SPDX-License-Identifier: Apache-2.0
// The options of `generate`, and what they come to.
#ifndef TEMPER_PROGRAM_GENERATE_OPTIONS_H
#define TEMPER_PROGRAM_GENERATE_OPTIONS_H

#include "opening.h"
#include "settings.h"

namespace program {

struct GenerateOptions : Opening {
  std::vector<std::string> prompts, infill;
  std::string prompt_file, edit, weights_file, trace, save, resume;
  ScheduleChoice schedule;
  NoiseChoice noise;
  SamplerChoice sampler;
  uint64_t seed = 0;
  std::optional<int64_t> length, stop_after;
  int64_t blank = 4;
  double noise_level = 0.5;
  int rows = 1, delay = 0;
  std::optional<double> guidance;
  std::optional<std::string> unconditional;
  bool ids = false, no_special = false, parse_special = false, no_prompt = false;
  bool watch = false, json = false, stats = false, provenance = false;
  std::optional<int64_t> sliding, prefill_rows, end_token, refresh, look_ahead;
  std::string canvas, align, approximate;
  bool no_cache = false, ignore_end = false, skip_idle = false, measure_cache = false;

  void add_to(CLI::App &app);
  /// Everything that decides the generation. @p tokenizer may be NULL with @ref ids.
  Settings settings(const temper_model *model, const temper_tokenizer *tokenizer) const;
};

} // namespace program

#endif
