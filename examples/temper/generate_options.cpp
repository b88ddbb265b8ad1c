// SPDX-License-Identifier: Apache-2.0
#include "generate_options.h"

#include "files.h"
#include "infill.h"
#include "text.h"

#include <CLI/CLI.hpp>

#include <cmath>
#include <filesystem>
#include <sstream>

namespace program {
namespace {

constexpr int64_t many = int64_t{1} << 31;

/// What stands in front of an empty prompt: a shifted model predicts from the row before. -1: nothing.
int32_t begin_of(const temper_model *model) {
  if (model_number(model, TEMPER_MODEL_SHIFTED) == 0) {
    return -1;
  }
  const int64_t begin = model_number(model, TEMPER_MODEL_BOS_TOKEN);
  return static_cast<int32_t>(begin >= 0 ? begin : model_number(model, TEMPER_MODEL_EOS_TOKEN));
}

std::vector<std::string> texts(const GenerateOptions &options) {
  std::vector<std::string> out;
  for (const std::string &prompt : options.prompts) {
    out.push_back(prompt == "-" ? read_text("-") : prompt);
  }
  if (!options.prompt_file.empty()) {
    out.push_back(read_text(options.prompt_file));
  }
  if (out.empty()) {
    out.emplace_back();
  }
  return out;
}

/// A file where there is one of this name, standard input for a hyphen, else the text itself.
std::string text_or_file(const std::string &given) {
  std::error_code ignored;
  return given == "-" || std::filesystem::is_regular_file(given, ignored) ? read_text(given) : given;
}

std::vector<float> read_weights(const std::string &path) {
  std::string text = read_text(path);
  for (char &c : text) {
    c = c == ',' ? ' ' : c;
  }
  std::istringstream in(text);
  std::vector<float> out;
  std::string word;
  while (in >> word) {
    char *end = nullptr;
    const float value = std::strtof(word.c_str(), &end);
    if (*end != '\0' || !(value > 0.0f) || std::isinf(value)) {
      throw Usage(path + ": weights are numbers above 0, not: " + word.substr(0, 20));
    }
    out.push_back(value);
  }
  if (out.empty()) {
    throw Usage(path + ": no weights");
  }
  return out;
}

} // namespace

Settings GenerateOptions::settings(const temper_model *model, const temper_tokenizer *tokenizer) const {
  Settings out;
  out.schedule = schedule;
  out.noise = noise;
  out.sampler = sampler;
  out.sampler.resolve(tokenizer);
  out.seed = seed;
  out.guidance = guidance;
  const int32_t special = parse_special ? TEMPER_TOKENIZER_PARSE_SPECIAL : 0;
  const int32_t first_flags = special | (no_special ? 0 : TEMPER_TOKENIZER_ADD_SPECIAL);
  const Encode tokens_of = [&](const std::string &text, bool first) {
    return ids ? parse_ids(text) : encode(tokenizer, text, first ? first_flags : special);
  };
  const auto option = [&out](const char *name, const std::optional<int64_t> &value) {
    if (value) {
      out.options[name] = *value;
    }
  };
  option("sliding_context", sliding);
  option("prefill_rows", prefill_rows);
  option("end_token", end_token);
  option("refresh", refresh);
  option("look_ahead", look_ahead);
  const auto flag = [&out](const char *name, bool given, int64_t value) {
    if (given) {
      out.options[name] = value;
    }
  };
  flag("cache", no_cache, 0);
  flag("ignore_end", ignore_end, 1);
  flag("skip_idle", skip_idle, 1);
  flag("measure", measure_cache, 1);
  flag("canvas", !canvas.empty(), canvas == "on" ? 1 : 0);
  flag("align", !align.empty(), align == "on" ? 1 : 0);
  flag("approximate", !approximate.empty(),
       approximate == "dual" ? TEMPER_APPROXIMATE_DUAL : TEMPER_APPROXIMATE_PREFIX);

  const int32_t begin = begin_of(model);
  // The longest prompt; positions that given text takes behind it; where text with blanks has its last word.
  int64_t longest = 0, needed = 0, given_until = 0;
  const auto add = [&](const Prompt &prompt) {
    longest = std::max(longest, static_cast<int64_t>(prompt.tokens.size()));
    out.rows.insert(out.rows.end(), static_cast<size_t>(rows), prompt);
  };
  if (!infill.empty()) {
    for (const std::string &text : infill) {
      const Layout layout = lay_out(parse_infill(text == "-" ? read_text("-") : text, blank), tokens_of, begin);
      const int64_t behind = layout.length - static_cast<int64_t>(layout.prompt.size());
      needed = std::max(needed, behind);
      out.length = std::max(out.length, layout.length);
      add({layout.text, layout.prompt, layout.positions, layout.tokens, length ? 0 : behind});
      if (!layout.positions.empty()) {
        const int64_t last = layout.positions.back() + 1 - static_cast<int64_t>(layout.prompt.size());
        given_until = std::max(given_until, last);
      }
    }
    // The text can't end before what is given of it.
    std::optional<double> &least = out.sampler.numbers["min-length"];
    if (given_until > 0 && !ignore_end) {
      least = std::max(least.value_or(0.0), static_cast<double>(given_until));
    }
  } else {
    for (const std::string &text : texts(*this)) {
      Prompt prompt{text, tokens_of(text, true)};
      if (prompt.tokens.empty() && begin >= 0) {
        prompt.tokens.push_back(begin);
      }
      add(prompt);
    }
  }
  if (!edit.empty()) {
    // A draft behind a prompt goes on from it; alone it is the whole text.
    const bool alone = longest == 0 || (prompts.empty() && prompt_file.empty());
    out.draft = tokens_of(text_or_file(edit), alone && begin < 0);
    if (out.draft.empty()) {
      throw Usage("the draft is empty");
    }
    const int32_t top = schedule.resolved(model).kind == "quench" ? 1 : *schedule.resolved(model).levels;
    out.levels.assign(out.draft.size(), static_cast<int32_t>(std::lround(noise_level * top)));
    needed = static_cast<int64_t>(out.draft.size());
  }
  if (!weights_file.empty()) {
    out.weights = read_weights(weights_file);
  }
  if (unconditional) {
    out.unconditional = tokens_of(*unconditional, true);
  }

  // By default as long as what was given, or 128 tokens, or what fits.
  const int64_t limit = model_number(model, TEMPER_MODEL_MAX_LENGTH);
  out.limit = length.value_or(0);
  if (length && needed > *length) {
    throw Usage("--length " + std::to_string(*length) + " is less than the " + std::to_string(needed) +
                " tokens of the text that was given");
  }
  if (length) {
    out.length = *length == 0 ? 0 : longest + *length;
  } else if (!infill.empty() || needed > 0) {
    out.length = std::max(out.length, longest + needed);
    out.limit = needed;
  } else {
    out.length = longest + 128;
    if (limit > 0 && !sliding && out.length > limit) {
      if (longest >= limit) {
        throw Failure("the prompt has " + std::to_string(longest) + " tokens; the model was trained on " +
                      std::to_string(limit));
      }
      out.length = limit;
    }
  }
  return out;
}

void GenerateOptions::add_to(CLI::App &app) {
  auto *prompt = app.add_option("PROMPT", prompts, "Text to go on from; several: a row for each; -: standard input");
  auto *file = app.add_option("-f,--prompt-file", prompt_file, "Read a prompt from this file; -: standard input");
  app.add_option("-n,--length", length,
                 "Tokens to generate, the prompt not counted (default 128, or what fits); 0: without end")
      ->check(CLI::Range(int64_t{0}, many));
  app.add_option("--rows", rows, "Rows for each prompt")->check(CLI::Range(1, 4096))->capture_default_str();
  app.add_option("--seed", seed, "Of all random draws")->capture_default_str();
  app.add_flag("--watch", watch, "Show the window as it changes");
  app.add_option("--delay", delay, "With --watch: wait so many milliseconds after a step")->check(CLI::Range(0, 60000));
  auto *as_json = app.add_flag("--json", json, "One JSON document: tokens, text, provenance, every step, timing");
  app.add_flag("--provenance", provenance, "After the text: where each token comes from")->excludes(as_json);
  app.add_flag("--stats", stats, "Steps, rows and speed on standard error at the end");
  app.add_flag("--ids", ids, "Prompts and output are token ids; no tokenizer is needed");
  app.add_flag("--no-special", no_special, "Don't add the begin token the model's files ask for");
  app.add_flag("--parse-special", parse_special, "Take special tokens spelled in the prompt for those tokens");
  app.add_flag("--no-prompt", no_prompt, "Don't print the prompt in front of the text");

  const std::string given = "Text that is there already";
  auto *blanks = app.add_option("--infill", infill,
                                "Fill the blanks of a text: \"Once ___ a time ___{8} lived\"; several: a row for each")
                     ->expected(1)
                     ->allow_extra_args(false)
                     ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
                     ->excludes(prompt)
                     ->excludes(file)
                     ->group(given);
  app.add_option("--blank", blank, "Tokens of a blank that doesn't say so itself")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20))
      ->capture_default_str()
      ->needs(blanks)
      ->group(given);
  auto *draft = app.add_option("--edit", edit, "Begin with this draft, a file or text, instead of pure noise")
                    ->excludes(blanks)
                    ->group(given);
  app.add_option("--noise-level", noise_level, "Noise put on the draft: 0 keeps it, 1 throws it away")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->needs(draft)
      ->group(given);
  app.add_option("--weights", weights_file,
                 "File of a number for each generated position; twice the weight settles twice as fast")
      ->group(given);
  schedule.add_to(app);
  sampler.add_to(app);
  noise.add_to(app);

  const std::string guiding = "Guidance";
  auto *guide = app.add_option("--guidance", guidance, "Scale of classifier-free guidance; 0: none")
                    ->check(CLI::Range(-1.0, 100.0))
                    ->group(guiding);
  app.add_option("--unconditional", unconditional, "Prompt of the run without the prompt (default: it masked)")
      ->needs(guide)
      ->group(guiding);

  const std::string session = "Session";
  app.add_flag("--no-cache", no_cache, "Compute every row at every step; for comparison")->group(session);
  app.add_option("--sliding-context", sliding,
                 "Look back at most so many positions, and go on past the model's length")
      ->group(session);
  app.add_flag("--ignore-end", ignore_end, "End tokens don't end a row")->group(session);
  app.add_option("--end-token", end_token, "Another end token, by its id")->group(session);
  app.add_flag("--skip-idle", skip_idle, "Leave out calls in which no token could change")->group(session);
  app.add_option("--prefill-rows", prefill_rows, "Most rows of one call while a prompt is read")->group(session);
  app.add_option("--canvas", canvas,
                 "Show the model positions behind the window, as masks (default: as it was trained)")
      ->check(CLI::IsMember({"on", "off"}))
      ->group(session);
  app.add_option("--align", align,
                 "Blocks begin at multiples of their width, the prompt counted (default: as it was trained)")
      ->check(CLI::IsMember({"on", "off"}))
      ->group(session);
  app.add_option("--look-ahead", look_ahead,
                 "Show the model given text at most so many positions behind the window (default: all)")
      ->check(CLI::Range(int64_t{-1}, many))
      ->group(session);
  auto *cache = app.add_option("--approximate", approximate, "Reuse cached rows that aren't exact any more")
                    ->check(CLI::IsMember({"prefix", "dual"}))
                    ->group(session);
  app.add_option("--refresh", refresh,
                 "Compute an approximate cache anew after so many calls (default: when the settled part has grown)")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 20))
      ->needs(cache)
      ->group(session);
  app.add_flag("--measure-cache", measure_cache,
               "Also compute exactly, and say the largest difference (with --stats or --json)")
      ->needs(cache)
      ->group(session);

  const std::string files = "Files";
  app.add_option("--trace", trace, "Write every step into this file, for temper replay")->group(files);
  app.add_option("--stop-after", stop_after, "Stop after so many steps")
      ->check(CLI::Range(int64_t{1}, many))
      ->group(files);
  app.add_option("--save", save, "Write the state in which the session stopped into this file")->group(files);
  app.add_option("--resume", resume, "Go on from a saved state; all other options as they were")->group(files);
  Opening::add_to(app);
}

} // namespace program
