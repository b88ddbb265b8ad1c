// SPDX-License-Identifier: Apache-2.0
// temper info: a model and what was assumed about it; the backends, and why one can't be used.
#include "choices.h"
#include "commands.h"
#include "opening.h"
#include "text.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <sstream>

namespace program {
namespace {

struct InfoOptions : Opening {
  int64_t length = 256;
  int rows = 1;
  bool json = false, backends_only = false;
};

const char *context_name(int64_t value) {
  return value == TEMPER_CONTEXT_CAUSAL ? "causal" : value == TEMPER_CONTEXT_BLOCK_CAUSAL ? "block-causal" : "full";
}

const char *window_name(int64_t value) {
  return value == TEMPER_WINDOW_FULL ? "full" : value == TEMPER_WINDOW_CAUSAL ? "causal" : "block";
}

std::string human(int64_t bytes) {
  char text[32];
  const double value = static_cast<double>(bytes);
  if (value >= 1e9) {
    std::snprintf(text, sizeof text, "%.2f GB", value / 1e9);
  } else {
    std::snprintf(text, sizeof text, "%.1f MB", value / 1e6);
  }
  return text;
}

nlohmann::json backends(const temper_runtime *runtime) {
  nlohmann::json list = nlohmann::json::array();
  const auto text = [runtime](int32_t index, int32_t key) {
    const char *value = temper_backend_text(runtime, index, key);
    return std::string(value != nullptr ? value : "");
  };
  for (int32_t i = 0; i < temper_backend_count(runtime); ++i) {
    list.push_back({{"name", text(i, TEMPER_BACKEND_NAME)},
                    {"available", temper_backend_available(runtime, i) != 0},
                    {"description", text(i, TEMPER_BACKEND_DESCRIPTION)},
                    {"reason", text(i, TEMPER_BACKEND_REASON)},
                    {"path", text(i, TEMPER_BACKEND_PATH)}});
  }
  return list;
}

nlohmann::json lines(const std::string &text) {
  nlohmann::json list = nlohmann::json::array();
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) {
      list.push_back(line);
    }
  }
  return list;
}

nlohmann::json describe(const temper_model *model, const InfoOptions &options) {
  const auto number = [model](int32_t key) { return model_number(model, key); };
  nlohmann::json out = {{"path", model_text(model, TEMPER_MODEL_PATH)},
                        {"family", model_text(model, TEMPER_MODEL_FAMILY)},
                        {"backend", model_text(model, TEMPER_MODEL_BACKEND)},
                        {"backend_description", model_text(model, TEMPER_MODEL_BACKEND_DESCRIPTION)},
                        {"noise", model_text(model, TEMPER_MODEL_NOISE)},
                        {"assumptions", lines(model_text(model, TEMPER_MODEL_ASSUMPTIONS))},
                        {"context", context_name(number(TEMPER_MODEL_CONTEXT))},
                        {"window", window_name(number(TEMPER_MODEL_WINDOW))},
                        {"storage", number(TEMPER_MODEL_STORAGE) == TEMPER_STORAGE_BF16 ? "bf16" : "f32"},
                        {"default_schedule", schedule_name(number(TEMPER_MODEL_DEFAULT_SCHEDULE))}};
  const std::pair<const char *, int32_t> numbers[] = {{"vocabulary", TEMPER_MODEL_VOCABULARY},
                                                      {"columns", TEMPER_MODEL_COLUMNS},
                                                      {"mask_token", TEMPER_MODEL_MASK_TOKEN},
                                                      {"bos_token", TEMPER_MODEL_BOS_TOKEN},
                                                      {"eos_token", TEMPER_MODEL_EOS_TOKEN},
                                                      {"max_length", TEMPER_MODEL_MAX_LENGTH},
                                                      {"layers", TEMPER_MODEL_LAYERS},
                                                      {"width", TEMPER_MODEL_WIDTH},
                                                      {"heads", TEMPER_MODEL_HEADS},
                                                      {"kv_heads", TEMPER_MODEL_KV_HEADS},
                                                      {"head_dim", TEMPER_MODEL_HEAD_DIM},
                                                      {"mlp_width", TEMPER_MODEL_MLP_WIDTH},
                                                      {"parameters", TEMPER_MODEL_PARAMETERS},
                                                      {"weight_bytes", TEMPER_MODEL_WEIGHT_BYTES},
                                                      {"step_bytes", TEMPER_MODEL_STEP_BYTES},
                                                      {"block", TEMPER_MODEL_BLOCK},
                                                      {"without_token", TEMPER_MODEL_WITHOUT_TOKEN},
                                                      {"default_width", TEMPER_MODEL_DEFAULT_WIDTH},
                                                      {"default_levels", TEMPER_MODEL_DEFAULT_LEVELS}};
  for (const auto &[name, key] : numbers) {
    out[name] = number(key);
  }
  out["shifted"] = number(TEMPER_MODEL_SHIFTED) != 0;
  out["autoregressive"] = number(TEMPER_MODEL_AUTOREGRESSIVE) != 0;
  int64_t bytes = 0;
  temper_error error{};
  const int64_t limit = number(TEMPER_MODEL_MAX_LENGTH);
  const int64_t length = limit > 0 ? std::min(options.length, limit) : options.length;
  if (temper_session_estimate(model, nullptr, options.rows, length, &bytes, &error) >= 0) {
    out["session"] = {{"rows", options.rows}, {"length", length}, {"bytes", bytes}};
  } else {
    out["session"] = {{"rows", options.rows}, {"length", length}, {"error", error.message}};
  }
  temper_tokenizer *tokenizer = nullptr;
  if (temper_model_tokenizer(model, &tokenizer, &error) >= 0) {
    const Tokenizer owner(tokenizer);
    out["tokenizer"] = {{"available", true}, {"tokens", tokenizer_number(tokenizer, TEMPER_TOKENIZER_VOCABULARY_SIZE)}};
  } else {
    out["tokenizer"] = {{"available", false}, {"reason", error.message}};
  }
  return out;
}

void print(const nlohmann::json &model) {
  const auto text = [&model](const char *key) { return model[key].get<std::string>(); };
  const auto number = [&model](const char *key) { return model[key].get<long long>(); };
  std::printf("model       %s\n", text("path").c_str());
  std::printf("family      %s%s\n", text("family").c_str(),
              model["autoregressive"].get<bool>() ? ", autoregressive" : "");
  std::printf("size        %lld parameters: %lld layers, width %lld, %lld heads of %lld (%lld for keys), MLP %lld\n",
              number("parameters"), number("layers"), number("width"), number("heads"), number("head_dim"),
              number("kv_heads"), number("mlp_width"));
  std::printf("vocabulary  %lld, of which the logits cover %lld; mask %lld, begin %lld, end %lld (-1: none)\n",
              number("vocabulary"), number("columns"), number("mask_token"), number("bos_token"), number("eos_token"));
  if (number("without_token") > 0) {
    std::printf("            %lld ids have no token and are never drawn\n", number("without_token"));
  }
  std::printf("length      %lld positions%s\n", number("max_length"), number("max_length") == 0 ? " (unknown)" : "");
  std::printf("attention   settled: %s; window: %s; block %lld; rows predict %s token\n", text("context").c_str(),
              text("window").c_str(), number("block"), model["shifted"].get<bool>() ? "the next" : "their own");
  std::printf("noise       %s\n", text("noise").c_str());
  std::printf("schedule    %s, width %lld, levels %lld, unless told otherwise\n", text("default_schedule").c_str(),
              number("default_width"), number("default_levels"));
  std::printf("backend     %s (%s), weights in %s\n", text("backend").c_str(), text("backend_description").c_str(),
              text("storage").c_str());
  std::printf("memory      weights %s, of which a step reads %s", human(number("weight_bytes")).c_str(),
              human(number("step_bytes")).c_str());
  const nlohmann::json &session = model["session"];
  if (session.contains("bytes")) {
    std::printf("; a session of %lld row%s of %lld positions %s\n", session["rows"].get<long long>(),
                session["rows"] == 1 ? "" : "s", session["length"].get<long long>(),
                human(session["bytes"].get<int64_t>()).c_str());
  } else {
    std::printf("; no session: %s\n", session["error"].get<std::string>().c_str());
  }
  const nlohmann::json &tokenizer = model["tokenizer"];
  if (tokenizer["available"].get<bool>()) {
    std::printf("tokenizer   %lld tokens\n", tokenizer["tokens"].get<long long>());
  } else {
    std::printf("tokenizer   none: %s\n", tokenizer["reason"].get<std::string>().c_str());
  }
  std::printf("assumed\n");
  for (const auto &line : model["assumptions"]) {
    std::printf("  %s\n", line.get<std::string>().c_str());
  }
}

int run_info(const InfoOptions &options) {
  const Runtime runtime = options.runtime();
  nlohmann::json report = {{"version", temper_version_string()}, {"backends", backends(runtime.get())}};
  if (!options.backends_only) {
    const Model model = options.open(runtime.get());
    report["model"] = describe(model.get(), options);
  }
  if (options.json) {
    std::printf("%s\n", report.dump(2).c_str());
    return 0;
  }
  if (report.contains("model")) {
    print(report["model"]);
  }
  std::printf("backends\n");
  for (const auto &backend : report["backends"]) {
    const bool available = backend["available"].get<bool>();
    std::printf("  %-10s %s\n", backend["name"].get<std::string>().c_str(),
                available ? backend["description"].get<std::string>().c_str()
                          : ("unavailable: " + backend["reason"].get<std::string>()).c_str());
  }
  return 0;
}

} // namespace

void add_info(CLI::App &program, int &status) {
  CLI::App *command =
      program.add_subcommand("info", "Say what a model is, what was assumed, and which backends there are");
  auto options = std::make_shared<InfoOptions>();
  command->add_option("MODEL,-m,--model", options->path, "Model folder (default: the one that comes with the program)");
  command->add_flag("--backends", options->backends_only, "Only the backends");
  command->add_option("--rows", options->rows, "Rows of the session whose memory is estimated")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command->add_option("-n,--length", options->length, "Its positions")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 31))
      ->capture_default_str();
  command->add_flag("--json", options->json, "One JSON document");
  options->add_to(*command, false);
  command->callback([options, &status] { status = run_info(*options); });
}

} // namespace program
