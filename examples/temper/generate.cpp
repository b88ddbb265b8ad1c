// SPDX-License-Identifier: Apache-2.0
// temper generate: text from a prompt.
#include "choices.h"
#include "commands.h"
#include "files.h"
#include "generation.h"
#include "opening.h"
#include "text.h"
#include "views.h"

#include <csignal>
#include <cstdio>

namespace program {
namespace {

struct Options : Opening {
  std::vector<std::string> prompts;
  std::string prompt_file;
  ScheduleChoice schedule;
  NoiseChoice noise;
  SamplerChoice sampler;
  uint64_t seed = 0;
  std::optional<int64_t> length;
  int rows = 1;
  bool ids = false, no_special = false, parse_special = false, no_prompt = false;
  bool watch = false, json = false, stats = false;
  int delay = 0;
  std::optional<int64_t> sliding, prefill_rows, end_token;
  bool no_cache = false, ignore_end = false, skip_idle = false;
};

temper_session *running = nullptr; // for the signal handler only

void on_interrupt(int) { temper_session_cancel(running); }

/// Lets Ctrl-C stop the session within a layer's time; a second one ends the program at once.
class Interruptible {
public:
  explicit Interruptible(temper_session *session) {
    running = session;
    struct sigaction action {};
    action.sa_handler = on_interrupt;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, &before_);
  }
  ~Interruptible() {
    sigaction(SIGINT, &before_, nullptr);
    running = nullptr;
  }
  Interruptible(const Interruptible &) = delete;
  Interruptible &operator=(const Interruptible &) = delete;

private:
  struct sigaction before_ {};
};

std::vector<std::string> texts(const Options &options) {
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

/// Every prompt `rows` times, the rows of one prompt side by side.
std::vector<Prompt> read_prompts(const Options &options, const temper_tokenizer *tokenizer) {
  const int32_t flags = (options.no_special ? 0 : TEMPER_TOKENIZER_ADD_SPECIAL) |
                        (options.parse_special ? TEMPER_TOKENIZER_PARSE_SPECIAL : 0);
  std::vector<Prompt> out;
  for (const std::string &text : texts(options)) {
    Prompt prompt;
    prompt.text = text;
    prompt.tokens = options.ids ? parse_ids(text) : encode(tokenizer, text, flags);
    out.insert(out.end(), static_cast<size_t>(options.rows), prompt);
  }
  return out;
}

/// Positions of a row: the longest prompt and the tokens asked for; by default 128, or what fits.
int64_t session_length(const Options &options, const temper_model *model, const std::vector<Prompt> &prompts) {
  int64_t longest = 0;
  for (const Prompt &prompt : prompts) {
    longest = std::max(longest, static_cast<int64_t>(prompt.tokens.size()));
  }
  const int64_t limit = model_number(model, TEMPER_MODEL_MAX_LENGTH);
  if (options.length) {
    return *options.length == 0 ? 0 : longest + *options.length;
  }
  const int64_t wanted = longest + 128;
  if (limit > 0 && !options.sliding && wanted > limit) {
    if (longest >= limit) {
      throw Failure("the prompt has " + std::to_string(longest) + " tokens; the model was trained on " +
                    std::to_string(limit));
    }
    return limit;
  }
  return wanted;
}

Session make_session(const Options &options, temper_model *model, const std::vector<Prompt> &prompts,
                     int64_t length) {
  const Schedule schedule = options.schedule.make(model);
  const Noise noise = options.noise.make();
  const Sampler sampler = options.sampler.make();
  temper_session *made = nullptr;
  call(temper_session_create, model, schedule.get(), noise.get(), sampler.get(),
       static_cast<int32_t>(prompts.size()), length, options.seed, &made);
  Session session(made);
  const auto set = [made](int32_t key, int64_t value) { call(temper_session_set_i64, made, key, value); };
  if (options.sliding) {
    set(TEMPER_SESSION_SLIDING_CONTEXT, *options.sliding);
  }
  if (options.no_cache) {
    set(TEMPER_SESSION_CACHE, 0);
  }
  if (options.ignore_end) {
    set(TEMPER_SESSION_IGNORE_END, 1);
  }
  if (options.skip_idle) {
    set(TEMPER_SESSION_SKIP_IDLE, 1);
  }
  if (options.prefill_rows) {
    set(TEMPER_SESSION_PREFILL_ROWS, *options.prefill_rows);
  }
  if (options.end_token) {
    set(TEMPER_SESSION_END_TOKEN, *options.end_token);
  }
  for (size_t row = 0; row < prompts.size(); ++row) {
    call(temper_session_prompt, made, static_cast<int32_t>(row), prompts[row].tokens.data(),
         prompts[row].tokens.size());
  }
  return session;
}

int run(const Options &options) {
  const Runtime runtime = options.runtime();
  const Model model = options.open(runtime.get());
  const Tokenizer tokenizer = options.ids ? Tokenizer() : tokenizer_of(model.get());
  const std::vector<Prompt> prompts = read_prompts(options, tokenizer.get());
  if (prompts.size() > 4096) {
    throw Usage("at most 4096 rows");
  }
  const int64_t length = session_length(options, model.get(), prompts);
  const Session session = make_session(options, model.get(), prompts, length);

  Generation generation(session.get(), model.get(), prompts, options.length.value_or(0));
  const std::unique_ptr<View> view =
      options.json    ? make_json_view(generation, model.get(), tokenizer.get(), options.seed)
      : options.watch ? make_watch_view(generation, tokenizer.get(), !options.no_prompt, options.delay)
                      : make_text_view(generation, tokenizer.get(), !options.no_prompt);
  {
    const Interruptible interruptible(session.get());
    view->begin();
    while (generation.step()) {
      view->step();
    }
  }
  view->end();
  if (options.stats) {
    std::fflush(stdout);
    std::fprintf(stderr, "%s\n", generation.summary().c_str());
  }
  if (generation.cancelled()) {
    std::fflush(stdout);
    std::fprintf(stderr, "temper: stopped\n");
    return 130;
  }
  return 0;
}

} // namespace

void add_generate(CLI::App &program, int &status) {
  CLI::App *command = program.add_subcommand("generate", "Generate text from a prompt");
  auto options = std::make_shared<Options>();
  command->add_option("PROMPT", options->prompts, "Text to go on from; several: a row for each; -: standard input");
  command->add_option("-f,--prompt-file", options->prompt_file, "Read a prompt from this file; -: standard input");
  command->add_option("-n,--length", options->length,
                      "Tokens to generate, the prompt not counted (default 128, or what fits); 0: without end")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 31));
  command->add_option("--rows", options->rows, "Rows for each prompt")->check(CLI::Range(1, 4096))->capture_default_str();
  command->add_option("--seed", options->seed, "Of all random draws")->capture_default_str();
  command->add_flag("--watch", options->watch, "Show the window as it changes");
  command->add_option("--delay", options->delay, "With --watch: wait so many milliseconds after a step")->check(CLI::Range(0, 60000));
  command->add_flag("--json", options->json, "One JSON document: tokens, text, every step, timing");
  command->add_flag("--stats", options->stats, "Steps, rows and speed on standard error at the end");
  command->add_flag("--ids", options->ids, "Prompts and output are token ids; no tokenizer is needed");
  command->add_flag("--no-special", options->no_special, "Don't add the begin token the model's files ask for");
  command->add_flag("--parse-special", options->parse_special, "Take special tokens spelled in the prompt for those tokens");
  command->add_flag("--no-prompt", options->no_prompt, "Don't print the prompt in front of the text");
  options->schedule.add_to(*command);
  options->sampler.add_to(*command);
  options->noise.add_to(*command);
  const std::string group = "Session";
  command->add_flag("--no-cache", options->no_cache, "Compute every row at every step; for comparison")->group(group);
  command->add_option("--sliding-context", options->sliding, "Look back at most so many positions, and go on past the model's length")->group(group);
  command->add_flag("--ignore-end", options->ignore_end, "End tokens don't end a row")->group(group);
  command->add_option("--end-token", options->end_token, "Another end token, by its id")->group(group);
  command->add_flag("--skip-idle", options->skip_idle, "Leave out calls in which no token could change")->group(group);
  command->add_option("--prefill-rows", options->prefill_rows, "Most rows of one call while a prompt is read")->group(group);
  options->Opening::add_to(*command);
  command->callback([options, &status] { status = run(*options); });
}

} // namespace program
