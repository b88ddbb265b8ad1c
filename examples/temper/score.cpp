// SPDX-License-Identifier: Apache-2.0
// temper score: how probable texts are under a model, in nats.
#include "choices.h"
#include "commands.h"
#include "files.h"
#include "json_fields.h"
#include "opening.h"
#include "scoring.h"
#include "text.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdio>

namespace program {
namespace {

struct ScoreOptions : Opening {
  std::vector<std::string> files;
  std::string split;
  ScheduleChoice schedule;
  NoiseChoice noise;
  Sampling sampling;
  int64_t prefix = 0, length = 0, stride = 0, windows = 0, documents = 0;
  bool ids = false, no_begin = false, parse_special = false, per_token = false, json = false;
};

std::string trimmed(const std::string &text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// The texts of all files. Cut at --split each ends with the model's end token, as in training.
std::vector<Text> read_texts(const ScoreOptions &options, const temper_model *model,
                             const temper_tokenizer *tokenizer) {
  const int64_t end = model_number(model, TEMPER_MODEL_EOS_TOKEN);
  std::vector<Text> out;
  const auto add = [&](const std::string &text, bool ends) {
    if (options.documents > 0 && static_cast<int64_t>(out.size()) == options.documents) {
      return;
    }
    Text document;
    document.tokens = options.ids ? parse_ids(text)
                                  : encode(tokenizer, text, options.parse_special ? TEMPER_TOKENIZER_PARSE_SPECIAL : 0);
    if (ends && end >= 0) {
      document.tokens.push_back(static_cast<int32_t>(end));
    }
    document.prefix = static_cast<size_t>(options.prefix);
    out.push_back(std::move(document));
  };
  for (const std::string &file : options.files) {
    const std::string text = read_text(file);
    if (options.split.empty()) {
      add(text, false);
      continue;
    }
    for (size_t at = 0; at <= text.size();) {
      const size_t next = std::min(text.find(options.split, at), text.size());
      const std::string part = trimmed(text.substr(at, next - at));
      if (!part.empty()) {
        add(part, true);
      }
      at = next + options.split.size();
    }
  }
  return out;
}

/// Bytes of the tokens that were scored; special tokens have none.
size_t scored_bytes(const std::vector<Window> &windows, const temper_tokenizer *tokenizer) {
  size_t bytes = 0;
  for (const Window &window : windows) {
    const auto scored = window.tokens.begin() + static_cast<std::ptrdiff_t>(window.prefix);
    bytes += decode(tokenizer, {scored, window.tokens.end()}).size();
  }
  return bytes;
}

void print_tokens(const std::vector<Window> &windows, const temper_tokenizer *tokenizer) {
  for (const Window &window : windows) {
    for (size_t i = window.prefix; i < window.tokens.size(); ++i) {
      std::printf("%zu\t%zu\t%d\t%.6f\t%s\n", window.text, window.first + i - window.prefix, window.tokens[i],
                  window.terms[i],
                  tokenizer != nullptr ? spelling(tokenizer, window.tokens[i]).c_str() : "");
    }
  }
}

int run_score(const ScoreOptions &options) {
  const Runtime runtime = options.runtime();
  const Model model = options.open(runtime.get());
  const Tokenizer tokenizer = options.ids ? Tokenizer() : tokenizer_of(model.get());
  Cutting cutting;
  cutting.length = window_length(model.get(), options.length);
  cutting.stride = options.stride;
  cutting.windows = options.windows;
  cutting.begin = options.no_begin ? -1 : begin_token(model.get());
  if (cutting.begin < 0 && model_number(model.get(), TEMPER_MODEL_SHIFTED) != 0 && begin_token(model.get()) >= 0) {
    cutting.length -= 1; // the library puts one in front
  }
  if (cutting.length < (cutting.begin >= 0 ? 2 : 1)) {
    throw Failure("a window of this length has no room for a token");
  }
  const std::vector<Text> texts = read_texts(options, model.get(), tokenizer.get());
  std::vector<Window> windows = cut(texts, cutting);
  const Schedule schedule = options.schedule.make(model.get());
  const Noise noise = options.noise.make();
  temper_score_result result{};
  try {
    result = score(model.get(), schedule.get(), noise.get(), options.sampling, windows);
  } catch (const Failure &) {
    if (!score_was_stopped()) {
      throw;
    }
    std::fprintf(stderr, "temper: stopped\n");
    return 130;
  }
  if (result.scored == 0) {
    throw Failure("there is nothing to score: no token that isn't conditioning");
  }
  const double scored = static_cast<double>(result.scored);
  const double each = result.nats / scored, error = result.standard_error / scored;
  const size_t bytes = tokenizer != nullptr ? scored_bytes(windows, tokenizer.get()) : 0;
  const double bits = bytes > 0 ? result.nats / std::log(2.0) / static_cast<double>(bytes) : NAN;

  if (options.json) {
    nlohmann::json report = {{"version", temper_version_string()},
                             {"model", model_text(model.get(), TEMPER_MODEL_PATH)},
                             {"definition", result.definition},
                             {"exact", result.exact != 0},
                             {"documents", texts.size()},
                             {"windows", windows.size()},
                             {"tokens", result.scored},
                             {"bytes", bytes},
                             {"nats", finite(result.nats)},
                             {"nats_standard_error", finite(result.standard_error)},
                             {"prior_nats", result.prior},
                             {"nats_per_token", finite(each)},
                             {"nats_per_token_standard_error", finite(error)},
                             {"perplexity", finite(std::exp(each))},
                             {"bits_per_byte", finite(bits)},
                             {"replicates", result.replicates},
                             {"model_calls", result.model_calls},
                             {"rows_computed", result.rows_computed}};
    if (options.per_token) {
      nlohmann::json list = nlohmann::json::array();
      for (const Window &window : windows) {
        nlohmann::json terms = nlohmann::json::array();
        for (size_t i = window.prefix; i < window.terms.size(); ++i) {
          terms.push_back(finite(window.terms[i]));
        }
        list.push_back({{"document", window.text},
                        {"first", window.first},
                        {"tokens", window.tokens},
                        {"prefix", window.prefix},
                        {"nats", std::move(terms)}});
      }
      report["scores"] = std::move(list);
    }
    std::printf("%s\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    return 0;
  }
  if (options.per_token) {
    print_tokens(windows, tokenizer.get());
  }
  std::printf("tokens       %lld in %zu windows of %zu documents\n", static_cast<long long>(result.scored),
              windows.size(),
              texts.size());
  char spread[48] = "unknown (one replicate)";
  if (result.exact != 0) {
    std::snprintf(spread, sizeof spread, "0 (exact)");
  } else if (!std::isnan(error)) {
    std::snprintf(spread, sizeof spread, "%.4f", error);
  }
  std::printf("nats/token   %.4f, standard error %s\n", each, spread);
  std::printf("perplexity   %.4f%s\n", std::exp(each), result.exact != 0 ? "" : " or less");
  if (bytes > 0) {
    std::printf("bits/byte    %.4f\n", bits);
  }
  std::printf("model calls  %lld, rows %lld\n", static_cast<long long>(result.model_calls),
              static_cast<long long>(result.rows_computed));
  std::printf("definition   %s\n", result.definition);
  return 0;
}

} // namespace

void add_score(CLI::App &program, int &status) {
  CLI::App *command = program.add_subcommand("score", "Say how probable texts are");
  auto options = std::make_shared<ScoreOptions>();
  command->add_option("FILE", options->files, "Texts; -: standard input")->required();
  command->add_option("--split", options->split,
                      "Cut each file at this text into documents, each ended by the end token");
  command->add_option("--documents", options->documents, "At most so many documents; 0: all")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 31));
  command->add_option("--length", options->length, "Positions of a window (default: the model's trained length)")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30));
  command
      ->add_option("--stride", options->stride,
                   "Windows overlap: each scores so many new tokens behind the earlier ones that fit")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30));
  command->add_option("--windows", options->windows, "At most so many windows of a document; 0: all")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 31));
  command->add_option("--prefix", options->prefix, "The first tokens of a document are conditioning and not scored")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 30));
  command->add_flag("--no-begin", options->no_begin, "Don't put the begin (or end) token before a window");
  command->add_flag("--ids", options->ids, "Files hold token ids; no tokenizer is needed");
  command->add_flag("--parse-special", options->parse_special,
                    "Take special tokens spelled in the text for those tokens");
  command->add_flag("--per-token", options->per_token, "Print every token's nats: document, place, id, nats, text");
  command->add_flag("--json", options->json, "One JSON document");
  options->sampling.add_to(*command, true);
  options->schedule.add_to(*command);
  options->noise.add_to(*command);
  options->Opening::add_to(*command);
  command->callback([options, &status] { status = run_score(*options); });
}

} // namespace program
