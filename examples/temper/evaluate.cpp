// SPDX-License-Identifier: Apache-2.0
// temper evaluate: how probable generated texts are under a second model, and how varied they are.
#include "choices.h"
#include "commands.h"
#include "generation.h"
#include "json_fields.h"
#include "opening.h"
#include "samples.h"
#include "scoring.h"
#include "text.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace program {
namespace {

struct EvaluateOptions : Opening {
  std::vector<std::string> files, prompts;
  std::string judge, split;
  ScheduleChoice schedule;
  NoiseChoice noise;
  SamplerChoice sampler;
  Sampling sampling;
  int64_t length = 128;
  int rows = 8;
  uint64_t seed = 0;
  bool ignore_end = false, json = false;
};

/// Texts made here, with the options of temper generate.
Samples generate(const EvaluateOptions &options, temper_model *model) {
  const Tokenizer tokenizer = tokenizer_of(model);
  std::vector<Prompt> prompts;
  for (const std::string &text : options.prompts.empty() ? std::vector<std::string>{""} : options.prompts) {
    const Prompt prompt{text, encode(tokenizer.get(), text, TEMPER_TOKENIZER_ADD_SPECIAL)};
    prompts.insert(prompts.end(), static_cast<size_t>(options.rows), prompt);
  }
  size_t longest = 0;
  for (const Prompt &prompt : prompts) {
    longest = std::max(longest, prompt.tokens.size());
  }
  const Schedule schedule = options.schedule.make(model);
  const Noise noise = options.noise.make();
  SamplerChoice choice = options.sampler;
  choice.resolve(tokenizer.get());
  const Sampler sampler = choice.make();
  temper_session *made = nullptr;
  call(temper_session_create, model, schedule.get(), noise.get(), sampler.get(), static_cast<int32_t>(prompts.size()),
       static_cast<int64_t>(longest) + options.length, options.seed, &made);
  const Session session(made);
  if (options.ignore_end) {
    call(temper_session_set_i64, made, static_cast<int32_t>(TEMPER_SESSION_IGNORE_END), int64_t{1});
  }
  for (size_t row = 0; row < prompts.size(); ++row) {
    const std::vector<int32_t> &prompt = prompts[row].tokens;
    call(temper_session_prompt, made, static_cast<int32_t>(row), prompt.data(), prompt.size());
  }
  Generation generation(made, model, prompts, options.length);
  while (generation.step()) {
  }
  Samples out;
  out.model_calls = out.rows = 0;
  for (size_t row = 0; row < prompts.size(); ++row) {
    const std::vector<int32_t> &tokens = generation.rows()[row].tokens;
    out.list.push_back({prompts[row].text, decode(tokenizer.get(), tokens), tokens});
  }
  for (const Step &step : generation.steps()) {
    out.model_calls += step.info.model_calls;
    out.rows += step.info.rows_computed;
  }
  return out;
}

int run_evaluate(const EvaluateOptions &options) {
  if (options.rows < 1 || options.rows * std::max<size_t>(1, options.prompts.size()) > 4096) {
    throw Usage("at most 4096 rows");
  }
  if (!options.files.empty() && !options.prompts.empty()) {
    throw Usage("either --texts or prompts to generate from");
  }
  const Runtime runtime = options.runtime();
  Samples samples;
  Model model;
  if (options.files.empty()) {
    model = options.open(runtime.get());
    samples = generate(options, model.get());
  }
  for (const std::string &file : options.files) {
    Samples part = read_samples(file, options.split);
    samples.list.insert(samples.list.end(), part.list.begin(), part.list.end());
    // Known only when every file says so.
    const bool first = &file == &options.files.front();
    const bool unknown = part.model_calls < 0 || samples.model_calls < 0;
    samples.model_calls = first ? part.model_calls : unknown ? -1 : samples.model_calls + part.model_calls;
    samples.rows = first ? part.rows : part.rows < 0 || samples.rows < 0 ? -1 : samples.rows + part.rows;
  }
  if (samples.list.empty()) {
    throw Failure("there is no text to evaluate");
  }

  if (!options.judge.empty()) {
    model.reset();
    Opening plain;
    static_cast<Machine &>(plain) = options;
    model = plain.open(runtime.get(), options.judge);
  } else if (!model) {
    model = options.open(runtime.get());
  }
  const Tokenizer tokenizer = tokenizer_of(model.get());
  std::vector<Text> texts;
  std::vector<std::vector<int32_t>> counted;  // the maker's own tokens where they are known
  for (const Sample &sample : samples.list) {
    Text text;
    text.tokens = encode(tokenizer.get(), sample.prompt, 0);
    text.prefix = text.tokens.size();
    const std::vector<int32_t> own = encode(tokenizer.get(), sample.text, 0);
    text.tokens.insert(text.tokens.end(), own.begin(), own.end());
    counted.push_back(sample.tokens.empty() ? own : sample.tokens);
    texts.push_back(std::move(text));
  }
  Cutting cutting;
  cutting.length = window_length(model.get(), 0);
  cutting.begin = begin_token(model.get());
  std::vector<Window> windows = cut(texts, cutting);
  temper_hyperschedule *quench = nullptr;
  call(temper_hyperschedule_create, static_cast<int32_t>(TEMPER_QUENCH), int64_t{1}, int32_t{1}, &quench);
  const Schedule one_by_one(quench);
  temper_score_result result{};
  try {
    result = score(model.get(), quench, nullptr, options.sampling, windows);
  } catch (const Failure &) {
    if (!score_was_stopped()) {
      throw;
    }
    std::fprintf(stderr, "temper: stopped\n");
    return 130;
  }

  std::vector<double> nats(texts.size(), 0.0);
  std::vector<int64_t> scored(texts.size(), 0);
  for (const Window &window : windows) {
    nats[window.text] += window.nats;
    scored[window.text] += window.scored;
  }
  double mean_perplexity = 0, mean_entropy = 0;
  size_t judged = 0;
  nlohmann::json list = nlohmann::json::array();
  for (size_t i = 0; i < texts.size(); ++i) {
    const double entropy = unigram_entropy(counted[i]);
    mean_entropy += entropy / static_cast<double>(texts.size());
    nlohmann::json entry = {
        {"tokens", scored[i]}, {"entropy", entropy}, {"nats", finite(nats[i])}, {"perplexity", nullptr}};
    if (scored[i] > 0) {
      const double perplexity = std::exp(nats[i] / static_cast<double>(scored[i]));
      mean_perplexity += perplexity;
      ++judged;
      entry["perplexity"] = finite(perplexity);
    }
    list.push_back(std::move(entry));
  }
  mean_perplexity = judged > 0 ? mean_perplexity / static_cast<double>(judged) : NAN;
  const double pooled = result.scored > 0 ? std::exp(result.nats / static_cast<double>(result.scored)) : NAN;
  const double distinct1 = distinct(counted, 1), distinct2 = distinct(counted, 2), distinct3 = distinct(counted, 3);

  if (options.json) {
    const auto known = [](int64_t count) { return count < 0 ? nlohmann::json(nullptr) : nlohmann::json(count); };
    nlohmann::json report = {{"version", temper_version_string()},
                             {"judge", model_text(model.get(), TEMPER_MODEL_PATH)},
                             {"definition", result.definition},
                             {"exact", result.exact != 0},
                             {"samples", std::move(list)},
                             {"tokens", result.scored},
                             {"perplexity_pooled", finite(pooled)},
                             {"perplexity_sample_mean", finite(mean_perplexity)},
                             {"entropy_mean", mean_entropy},
                             {"distinct_1", finite(distinct1)},
                             {"distinct_2", finite(distinct2)},
                             {"distinct_3", finite(distinct3)},
                             {"model_calls", known(samples.model_calls)},
                             {"rows_computed", known(samples.rows)}};
    std::printf("%s\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    return 0;
  }
  std::printf("samples             %zu, %lld tokens of the judge\n", texts.size(),
              static_cast<long long>(result.scored));
  std::printf("perplexity, pooled  %.4f (exp of the mean over all tokens)\n", pooled);
  std::printf("perplexity, mean    %.4f (mean over samples of the exp of each one's mean)\n", mean_perplexity);
  std::printf("unigram entropy     %.4f nats (mean over samples)\n", mean_entropy);
  std::printf("distinct-1, 2, 3    %.4f %.4f %.4f\n", distinct1, distinct2, distinct3);
  if (samples.model_calls >= 0) {
    std::printf("generation          %lld model calls, %lld rows, commits included\n",
                static_cast<long long>(samples.model_calls), static_cast<long long>(samples.rows));
  }
  std::printf("definition          %s\n", result.definition);
  return 0;
}

} // namespace

void add_evaluate(CLI::App &program, int &status) {
  CLI::App *command = program.add_subcommand("evaluate", "Judge generated texts by a second model");
  auto options = std::make_shared<EvaluateOptions>();
  command->add_option("PROMPT", options->prompts, "Generate from these prompts with --model, --rows texts each");
  command->add_option("--texts", options->files,
                      "Texts instead: files, or documents of temper generate --json; -: standard input");
  command->add_option("--split", options->split, "Cut text files at this text into samples");
  command->add_option("-j,--judge", options->judge,
                      "Folder of the model that judges, by quench (default: --model itself)");
  command->add_option("-n,--length", options->length, "Tokens to generate")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 24))
      ->capture_default_str();
  command->add_option("--rows", options->rows, "Texts for each prompt")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Of all random draws")->capture_default_str();
  command->add_flag("--ignore-end", options->ignore_end, "End tokens don't end a text");
  command->add_flag("--json", options->json, "One JSON document, with the figures of every sample");
  options->sampling.add_to(*command, false);
  options->schedule.add_to(*command);
  options->sampler.add_to(*command);
  options->noise.add_to(*command);
  options->Opening::add_to(*command);
  command->callback([options, &status] { status = run_evaluate(*options); });
}

} // namespace program
