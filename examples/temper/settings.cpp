// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <nlohmann/json.hpp>

namespace program {
namespace {

/// A function of the session for single positions: where the model can't have that, it was asked for wrongly.
template <class F, class... Arguments>
void ask(F function, Arguments... arguments) {
  temper_error error{};
  const temper_status status = function(arguments..., &error);
  if (status == TEMPER_E_ARGUMENT || status == TEMPER_E_UNSUPPORTED) {
    throw Usage(error.message);
  }
  if (status < 0) {
    throw Failure(error.message);
  }
}

/// Text of a trace is JSON, which is UTF-8: other bytes go as numbers.
nlohmann::json text_json(const std::string &text) {
  const nlohmann::json plain = text;
  try {
    static_cast<void>(plain.dump());
    return plain;
  } catch (const nlohmann::json::type_error &) {
    return std::vector<int>(reinterpret_cast<const unsigned char *>(text.data()),
                            reinterpret_cast<const unsigned char *>(text.data()) + text.size());
  }
}

std::string json_text(const nlohmann::json &in) {
  if (in.is_string()) {
    return in.get<std::string>();
  }
  const std::vector<unsigned char> bytes = in.get<std::vector<unsigned char>>();
  return {bytes.begin(), bytes.end()};
}

} // namespace

const std::vector<std::pair<std::string, int32_t>> &session_options() {
  static const std::vector<std::pair<std::string, int32_t>> table = {
      {"sliding_context", TEMPER_SESSION_SLIDING_CONTEXT},
      {"cache", TEMPER_SESSION_CACHE},
      {"ignore_end", TEMPER_SESSION_IGNORE_END},
      {"skip_idle", TEMPER_SESSION_SKIP_IDLE},
      {"prefill_rows", TEMPER_SESSION_PREFILL_ROWS},
      {"end_token", TEMPER_SESSION_END_TOKEN},
      {"canvas", TEMPER_SESSION_CANVAS},
      {"approximate", TEMPER_SESSION_APPROXIMATE},
      {"refresh", TEMPER_SESSION_REFRESH},
      {"measure", TEMPER_SESSION_MEASURE},
      {"look_ahead", TEMPER_SESSION_LOOK_AHEAD},
      {"align", TEMPER_SESSION_ALIGN}};
  return table;
}

Session Settings::make(temper_model *model) const {
  if (rows.empty() || rows.size() > 4096) {
    throw Usage("1 to 4096 rows, not " + std::to_string(rows.size()));
  }
  const Schedule chosen_schedule = schedule.make(model);
  const Noise chosen_noise = noise.make();
  const Sampler chosen_sampler = sampler.make();
  temper_session *made = nullptr;
  call(temper_session_create, model, chosen_schedule.get(), chosen_noise.get(), chosen_sampler.get(),
       static_cast<int32_t>(rows.size()), length, seed, &made);
  Session session(made);
  for (const auto &[name, key] : session_options()) {
    if (const auto found = options.find(name); found != options.end()) {
      call(temper_session_set_i64, made, key, found->second);
    }
  }
  if (guidance) {
    call(temper_session_guide, made, *guidance);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    const int32_t row = static_cast<int32_t>(i);
    const Prompt &prompt = rows[i];
    call(temper_session_prompt, made, row, prompt.tokens.data(), prompt.tokens.size());
    if (!draft.empty()) {
      ask(temper_session_draft, made, row, draft.data(), levels.data(), std::min(draft.size(), levels.size()), 0);
    }
    if (!prompt.fixed_positions.empty()) {
      ask(temper_session_fix, made, row, prompt.fixed_positions.data(), prompt.fixed_tokens.data(),
          std::min(prompt.fixed_positions.size(), prompt.fixed_tokens.size()));
    }
    if (!weights.empty()) {
      ask(temper_session_weights, made, row, weights.data(), weights.size());
    }
    if (unconditional) {
      call(temper_session_unconditional, made, row, unconditional->data(), unconditional->size());
    }
  }
  return session;
}

void to_json(nlohmann::json &out, const Settings &settings) {
  out = {{"schedule", settings.schedule}, {"noise", settings.noise},   {"sampler", settings.sampler},
         {"seed", settings.seed},         {"length", settings.length}, {"limit", settings.limit},
         {"options", settings.options},   {"rows", nlohmann::json::array()}};
  for (const Prompt &prompt : settings.rows) {
    nlohmann::json row = {{"prompt", prompt.tokens}, {"text", text_json(prompt.text)}};
    if (!prompt.fixed_positions.empty()) {
      row["fixed_positions"] = prompt.fixed_positions;
      row["fixed_tokens"] = prompt.fixed_tokens;
    }
    if (prompt.limit > 0) {
      row["limit"] = prompt.limit;
    }
    out["rows"].push_back(std::move(row));
  }
  if (!settings.draft.empty()) {
    out["draft"] = settings.draft;
    out["levels"] = settings.levels;
  }
  if (!settings.weights.empty()) {
    out["weights"] = settings.weights;
  }
  if (settings.guidance) {
    out["guidance"] = *settings.guidance;
  }
  if (settings.unconditional) {
    out["unconditional"] = *settings.unconditional;
  }
}

void from_json(const nlohmann::json &in, Settings &settings) {
  settings.schedule = in.at("schedule").get<ScheduleChoice>();
  settings.noise = in.at("noise").get<NoiseChoice>();
  settings.sampler = in.at("sampler").get<SamplerChoice>();
  settings.seed = in.at("seed").get<uint64_t>();
  settings.length = in.at("length").get<int64_t>();
  settings.limit = in.at("limit").get<int64_t>();
  settings.options = in.at("options").get<std::map<std::string, int64_t>>();
  for (const nlohmann::json &row : in.at("rows")) {
    Prompt prompt;
    prompt.text = json_text(row.at("text"));
    prompt.tokens = row.at("prompt").get<std::vector<int32_t>>();
    prompt.fixed_positions = row.value("fixed_positions", std::vector<int64_t>());
    prompt.fixed_tokens = row.value("fixed_tokens", std::vector<int32_t>());
    prompt.limit = row.value("limit", int64_t{0});
    settings.rows.push_back(std::move(prompt));
  }
  settings.draft = in.value("draft", std::vector<int32_t>());
  settings.levels = in.value("levels", std::vector<int32_t>());
  settings.weights = in.value("weights", std::vector<float>());
  if (in.contains("guidance")) {
    settings.guidance = in.at("guidance").get<double>();
  }
  if (in.contains("unconditional")) {
    settings.unconditional = in.at("unconditional").get<std::vector<int32_t>>();
  }
}

} // namespace program
