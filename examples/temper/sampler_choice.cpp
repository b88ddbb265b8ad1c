// SPDX-License-Identifier: Apache-2.0
#include "sampler_choice.h"

#include "name_table.h"
#include "text.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace program {
namespace {

using Table = std::vector<std::pair<std::string, int32_t>>;

constexpr int32_t any_kind = -1;

/// An option that sets a parameter. Two options may stand for one parameter of different kinds.
struct Knob {
  std::string option;
  int32_t parameter;
  int32_t kind;
  std::string help;
  Table names; ///< empty: a number
};

const std::vector<Knob> &knobs() {
  static const std::vector<Knob> table = {
      {"temperature", TEMPER_SAMPLER_TEMPERATURE, any_kind, "Logits are divided by it; 0: the most probable token", {}},
      {"top-k", TEMPER_SAMPLER_TOP_K, any_kind, "Keep the k most probable tokens; 0: all", {}},
      {"top-p", TEMPER_SAMPLER_TOP_P, any_kind, "Keep the most probable tokens up to this mass", {}},
      {"min-p", TEMPER_SAMPLER_MIN_P, any_kind, "Keep tokens with this share of the largest probability", {}},
      {"typical-p", TEMPER_SAMPLER_TYPICAL_P, any_kind,
       "Keep the tokens of the most typical information up to this mass", {}},
      {"eta", TEMPER_SAMPLER_ETA, any_kind, "acs, remdm, renoise: strength of the correction", {}},
      {"zeta", TEMPER_SAMPLER_ZETA, any_kind, "remask: 0 the chain of masks, 1 the resampling kernel", {}},
      {"remdm-rule", TEMPER_SAMPLER_RULE, TEMPER_SAMPLER_REMDM, "remdm: how likely tokens are masked again",
       {{"cap", TEMPER_REMDM_CAP},
        {"rescale", TEMPER_REMDM_RESCALE},
        {"conf", TEMPER_REMDM_CONF},
        {"loop", TEMPER_REMDM_LOOP}}},
      {"t-on", TEMPER_SAMPLER_T_ON, any_kind, "remdm loop: time at which it begins", {}},
      {"t-off", TEMPER_SAMPLER_T_OFF, any_kind, "remdm loop: time at which it ends", {}},
      {"alpha-on", TEMPER_SAMPLER_ALPHA_ON, any_kind, "remdm loop: share of visible tokens in it", {}},
      {"order", TEMPER_SAMPLER_ORDER, any_kind, "confidence, threshold, edit: which positions come first",
       {{"probability", TEMPER_ORDER_PROBABILITY}, {"filtered", TEMPER_ORDER_FILTERED}, {"margin", TEMPER_ORDER_MARGIN},
        {"entropy", TEMPER_ORDER_ENTROPY}, {"random", TEMPER_ORDER_RANDOM}, {"position", TEMPER_ORDER_POSITION}}},
      {"order-temperature", TEMPER_SAMPLER_ORDER_TEMPERATURE, any_kind, "confidence: randomness of the order", {}},
      {"count", TEMPER_SAMPLER_RULE, TEMPER_SAMPLER_CONFIDENCE, "confidence: positions a call",
       {{"even", TEMPER_COUNT_EVEN}, {"floor", TEMPER_COUNT_FLOOR}}},
      {"threshold", TEMPER_SAMPLER_THRESHOLD_AT, any_kind, "threshold, edit: confidence that is enough", {}},
      {"factor", TEMPER_SAMPLER_FACTOR, any_kind,
       "threshold, edit: instead, the more positions the surer they are", {}},
      {"entropy-bound", TEMPER_SAMPLER_BOUND, any_kind, "entropy-bound: nats a call", {}},
      {"corrector-steps", TEMPER_SAMPLER_CORRECTOR_STEPS, any_kind, "gibbs: correcting calls before each move", {}},
      {"corrector-positions", TEMPER_SAMPLER_CORRECTOR_POSITIONS, any_kind,
       "gibbs, self-correct: positions a call", {}},
      {"edit-threshold", TEMPER_SAMPLER_EDIT_AT, any_kind, "edit: probability that a better token needs", {}},
      {"extra-steps", TEMPER_SAMPLER_EXTRA_STEPS, any_kind, "self-correct, edit: more calls a window at most", {}},
      {"patience", TEMPER_SAMPLER_PATIENCE, any_kind, "self-correct: rounds without getting better", {}},
      {"stop-stable", TEMPER_SAMPLER_STOP_STABLE, any_kind,
       "Settle a window that stayed the same for so many calls; 0: off", {}},
      {"stop-entropy", TEMPER_SAMPLER_STOP_ENTROPY, any_kind, "and whose mean entropy is below this", {}},
      {"end-rule", TEMPER_SAMPLER_END_RULE, any_kind,
       "End tokens: like others, never drawn, or the last to be revealed",
       {{"free", TEMPER_END_FREE}, {"never", TEMPER_END_NEVER}, {"last", TEMPER_END_LAST}}},
      {"compat", TEMPER_SAMPLER_COMPAT, any_kind, "1 or 2: as published programs do it where that isn't exact", {}}};
  return table;
}

const std::vector<Knob> &shape_knobs() {
  static const std::vector<Knob> table = {
      {"repetition-penalty", TEMPER_SHAPE_REPETITION, any_kind,
       "Logits of tokens seen are divided by it (negative ones multiplied)", {}},
      {"frequency-penalty", TEMPER_SHAPE_FREQUENCY, any_kind, "Subtracted for every time a token was seen", {}},
      {"presence-penalty", TEMPER_SHAPE_PRESENCE, any_kind, "Subtracted once for a token that was seen", {}},
      {"penalty-window", TEMPER_SHAPE_WINDOW, any_kind, "Settled tokens that penalties look back over; 0: all", {}},
      {"min-length", TEMPER_SHAPE_MIN_LENGTH, any_kind, "Generated tokens before the first end token", {}}};
  return table;
}

int32_t number(const Table &table, const std::string &name, const std::string &what) {
  for (const auto &entry : table) {
    if (entry.first == name) {
      return entry.second;
    }
  }
  throw Usage(what + " isn't known: " + name);
}

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

void check_range(const std::string &option, double value, double low, double high) {
  if (!(value >= low && value <= high)) {
    throw Usage("--" + option + " is " + short_number(value) + ", must be " + short_number(low) + " to " +
                short_number(high));
  }
}

/// What the library refuses here was given wrongly.
template <class F, class... Arguments>
void as_usage(const std::string &option, F function, Arguments... arguments) {
  temper_error error{};
  if (function(arguments..., &error) < 0) {
    throw Usage("--" + option + ": " + error.message);
  }
}

template <class F, class Handle>
void set_number(const std::string &option, F function, Handle *handle, int32_t parameter, double value) {
  temper_error error{};
  if (function(handle, parameter, value, &error) < 0) {
    throw Usage("--" + option + " is " + short_number(value) +
                (value != std::floor(value) ? ", must be a whole number" : std::string(": ") + error.message));
  }
}

void set_parameter(temper_sampler *sampler, int32_t kind, const std::string &kind_name, const Knob &knob, double value,
                   const std::string &word) {
  double low = 0.0, high = 0.0, initial = 0.0;
  temper_error error{};
  if ((knob.kind != any_kind && knob.kind != kind) ||
      temper_sampler_bounds(kind, knob.parameter, &low, &high, &initial, &error) < 0) {
    throw Usage("the sampler " + kind_name + " has no --" + knob.option);
  }
  if (!word.empty() && !(value >= low && value <= high)) {
    throw Usage("the sampler " + kind_name + " has no --" + knob.option + " " + word);
  }
  check_range(knob.option, value, low, high);
  set_number(knob.option, temper_sampler_set, sampler, knob.parameter, value);
}

/// One token, by its text or as #ID.
int32_t one_token(const temper_tokenizer *tokenizer, const std::string &text) {
  if (text.size() > 1 && text[0] == '#' && text.find_first_not_of("0123456789", 1) == std::string::npos) {
    const std::vector<int32_t> ids = parse_ids(text.substr(1));
    return ids.at(0);
  }
  if (tokenizer == nullptr) {
    throw Usage("without a tokenizer a token is named by its id, as #12, not: " + text);
  }
  const std::vector<int32_t> tokens = encode(tokenizer, text, TEMPER_TOKENIZER_PARSE_SPECIAL);
  if (tokens.size() != 1) {
    throw Usage("\"" + text + "\" is " + std::to_string(tokens.size()) + " tokens (" + join_ids(tokens) +
                "); name one, with the blank before it, or as #ID");
  }
  return tokens[0];
}

} // namespace

const Table &sampler_kinds() {
  static const Table table = {{"ancestral", TEMPER_SAMPLER_ANCESTRAL},
                              {"acs", TEMPER_SAMPLER_ACS},
                              {"greedy", TEMPER_SAMPLER_GREEDY},
                              {"analytic", TEMPER_SAMPLER_ANALYTIC},
                              {"remask", TEMPER_SAMPLER_REMASK},
                              {"remdm", TEMPER_SAMPLER_REMDM},
                              {"first-hitting", TEMPER_SAMPLER_FIRST_HITTING},
                              {"confidence", TEMPER_SAMPLER_CONFIDENCE},
                              {"threshold", TEMPER_SAMPLER_THRESHOLD},
                              {"entropy-bound", TEMPER_SAMPLER_ENTROPY_BOUND},
                              {"gibbs", TEMPER_SAMPLER_GIBBS},
                              {"renoise", TEMPER_SAMPLER_RENOISE},
                              {"self-correct", TEMPER_SAMPLER_SELF_CORRECT},
                              {"edit", TEMPER_SAMPLER_EDIT}};
  return table;
}

void SamplerChoice::add_to(CLI::App &app) {
  const std::string group = "Sampler";
  app.add_option("--sampler", kind, "How a step moves tokens (default: ancestral)")
      ->check(CLI::IsMember(names_of(sampler_kinds())))
      ->group(group);
  for (const Knob &knob : knobs()) {
    if (knob.names.empty()) {
      app.add_option("--" + knob.option, numbers[knob.option], knob.help)->group(group);
    } else {
      app.add_option("--" + knob.option, words[knob.option], knob.help)
          ->check(CLI::IsMember(names_of(knob.names)))
          ->group(group);
    }
  }
  const std::string shaping = "Shaping of what tokens are drawn";
  for (const Knob &knob : shape_knobs()) {
    app.add_option("--" + knob.option, numbers[knob.option], knob.help)->group(shaping);
  }
  app.add_option("--bias", bias_texts, "TOKEN=VALUE is added to a token's logit; TOKEN is its text or #ID")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group(shaping);
  app.add_option("--ban", ban_texts, "A token that is never drawn: its text or #ID")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group(shaping);
}

void SamplerChoice::resolve(const temper_tokenizer *tokenizer) {
  for (const std::string &text : bias_texts) {
    const size_t at = text.rfind('=');
    char *end = nullptr;
    const double value = at == std::string::npos ? 0.0 : std::strtod(text.c_str() + at + 1, &end);
    if (at == std::string::npos || at == 0 || end == text.c_str() + at + 1 || *end != '\0' || std::isnan(value)) {
      throw Usage("--bias takes TOKEN=VALUE, not: " + text);
    }
    const int32_t token = one_token(tokenizer, text.substr(0, at));
    if (std::isinf(value) && value < 0.0) {
      bans.push_back(token);
    } else {
      biases.emplace_back(token, value);
    }
  }
  for (const std::string &text : ban_texts) {
    bans.push_back(one_token(tokenizer, text));
  }
  bias_texts.clear();
  ban_texts.clear();
}

bool SamplerChoice::given() const {
  bool any = !kind.empty() || !biases.empty() || !bans.empty();
  for (const auto &entry : numbers) {
    any = any || entry.second.has_value();
  }
  for (const auto &entry : words) {
    any = any || !entry.second.empty();
  }
  return any;
}

Sampler SamplerChoice::make() const {
  if (!bias_texts.empty() || !ban_texts.empty()) {
    SamplerChoice resolved = *this;
    resolved.resolve(nullptr);
    return resolved.make();
  }
  if (!given()) {
    return {};
  }
  const std::string name = kind.empty() ? "ancestral" : kind;
  const int32_t chosen = number(sampler_kinds(), name, "the sampler");
  temper_sampler *made = nullptr;
  call(temper_sampler_create, chosen, &made);
  Sampler sampler(made);
  for (const Knob &knob : knobs()) {
    if (const auto found = numbers.find(knob.option); found != numbers.end() && found->second) {
      set_parameter(made, chosen, name, knob, *found->second, "");
    }
    if (const auto found = words.find(knob.option); found != words.end() && !found->second.empty()) {
      set_parameter(made, chosen, name, knob, double(number(knob.names, found->second, "--" + knob.option)),
                    found->second);
    }
  }
  for (const Knob &knob : shape_knobs()) {
    if (const auto found = numbers.find(knob.option); found != numbers.end() && found->second) {
      double low = 0.0, high = 0.0;
      call(temper_sampler_shape_bounds, knob.parameter, &low, &high, static_cast<double *>(nullptr));
      check_range(knob.option, *found->second, low, high);
      set_number(knob.option, temper_sampler_shape, made, knob.parameter, *found->second);
    }
  }
  for (const auto &[token, value] : biases) {
    as_usage("bias", temper_sampler_bias, made, &token, &value, size_t{1});
  }
  if (!bans.empty()) {
    as_usage("ban", temper_sampler_ban, made, bans.data(), bans.size());
  }
  return sampler;
}

void to_json(nlohmann::json &out, const SamplerChoice &choice) {
  out = {{"kind", choice.kind.empty() ? "ancestral" : choice.kind}};
  for (const auto &[option, value] : choice.numbers) {
    if (value) {
      out["parameters"][option] = *value;
    }
  }
  for (const auto &[option, value] : choice.words) {
    if (!value.empty()) {
      out["parameters"][option] = value;
    }
  }
  if (!choice.biases.empty()) {
    out["biases"] = choice.biases;
  }
  if (!choice.bans.empty()) {
    out["bans"] = choice.bans;
  }
}

void from_json(const nlohmann::json &in, SamplerChoice &choice) {
  choice.kind = in.at("kind").get<std::string>();
  const nlohmann::json parameters = in.value("parameters", nlohmann::json::object());
  for (const auto &[option, value] : parameters.items()) {
    if (value.is_string()) {
      choice.words[option] = value.get<std::string>();
    } else {
      choice.numbers[option] = value.get<double>();
    }
  }
  choice.biases = in.value("biases", decltype(choice.biases)());
  choice.bans = in.value("bans", decltype(choice.bans)());
}

} // namespace program
