// SPDX-License-Identifier: Apache-2.0
// The sampler as options: its kind, the parameters of every kind, and how logits are shaped before it.
#ifndef TEMPER_PROGRAM_SAMPLER_CHOICE_H
#define TEMPER_PROGRAM_SAMPLER_CHOICE_H

#include "handles.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace program {

struct SamplerChoice {
  std::string kind;
  /// By option name without hyphens in front: parameters that are numbers, and those that are names.
  std::map<std::string, std::optional<double>> numbers;
  std::map<std::string, std::string> words;
  /// As given: TOKEN=VALUE, and tokens.
  std::vector<std::string> bias_texts, ban_texts;
  /// What resolve() makes of them.
  std::vector<std::pair<int32_t, double>> biases;
  std::vector<int32_t> bans;

  void add_to(CLI::App &app);
  /// Finds the tokens of biases and bans. Without a tokenizer only #ID is understood.
  void resolve(const temper_tokenizer *tokenizer);
  bool given() const;
  /// The sampler, or none: ancestral as it is. Throws Usage for a parameter that the kind doesn't have.
  Sampler make() const;
};

const std::vector<std::pair<std::string, int32_t>> &sampler_kinds();

void to_json(nlohmann::json &out, const SamplerChoice &choice);
void from_json(const nlohmann::json &in, SamplerChoice &choice);

} // namespace program

#endif
