// SPDX-License-Identifier: Apache-2.0
// temper generate: text from a prompt, from a text with blanks, or from a draft.
#include "commands.h"
#include "files.h"
#include "generate_options.h"
#include "generation.h"
#include "provenance.h"
#include "text.h"
#include "trace.h"
#include "views.h"

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>

namespace program {
namespace {

temper_session *running = nullptr; // for the signal handler only

void cancel_running(int) { temper_session_cancel(running); }

/// Lets Ctrl-C stop the session within a layer's time; a second one ends the program at once.
class Interruptible {
public:
  explicit Interruptible(temper_session *session) {
    running = session;
    struct sigaction action {};
    action.sa_handler = cancel_running;
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

void save(const temper_session *session, const std::string &path) {
  size_t size = 0;
  temper_error error{};
  std::vector<unsigned char> bytes;
  temper_status status = TEMPER_OK;
  while ((status = temper_session_save(session, bytes.data(), bytes.size(), &size, &error)) == TEMPER_E_CAPACITY &&
         size > bytes.size()) {
    bytes.resize(size);
  }
  if (status < 0) {
    throw Failure(error.message);
  }
  write_bytes(path, bytes.data(), size);
}

void check(const GenerateOptions &options) {
  if (!options.resume.empty() && !options.trace.empty()) {
    throw Usage("a trace begins with the generation: --trace can't be had with --resume");
  }
  if ((!options.resume.empty() || !options.save.empty()) && options.length.value_or(1) == 0) {
    throw Usage("--save and --resume need a generation with an end");
  }
}

int run_generate(const GenerateOptions &options) {
  check(options);
  const Runtime runtime = options.runtime();
  const Model model = options.open(runtime.get());
  const Tokenizer tokenizer = options.ids ? Tokenizer() : tokenizer_of(model.get());
  const Settings settings = options.settings(model.get(), tokenizer.get());
  const Session session = settings.make(model.get());
  const Words words(tokenizer.get());

  Generation generation(session.get(), model.get(), settings.rows, settings.limit);
  if (!options.resume.empty()) {
    const std::vector<unsigned char> state = read_bytes(options.resume);
    call(temper_session_restore, session.get(), state.data(), state.size());
    generation.take_over();
  }
  std::unique_ptr<LineFile> trace;
  Tracer tracer(generation, words);
  if (!options.trace.empty()) {
    trace = std::make_unique<LineFile>(options.trace);
    trace->write(tracer.header(settings, options, model.get()));
  }
  const bool prompts = !options.no_prompt;
  const std::unique_ptr<View> view = options.json    ? make_json_view(generation, model.get(), words, options.seed)
                                     : options.watch ? make_watch_view(generation, words, prompts, options.delay)
                                                     : make_text_view(generation, words, prompts);
  {
    const Interruptible interruptible(session.get());
    view->begin();
    const int64_t most = options.stop_after.value_or(INT64_MAX);
    while (static_cast<int64_t>(generation.steps().size()) < most && generation.step()) {
      view->step();
      if (trace) {
        trace->write(tracer.step());
      }
    }
  }
  view->end();
  if (trace) {
    trace->write(tracer.end());
  }
  if (options.provenance) {
    print_provenance(generation, words);
  }
  if (!options.save.empty()) {
    save(session.get(), options.save);
  }
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
  CLI::App *command = program.add_subcommand("generate", "Generate text from a prompt, a text with blanks, or a draft");
  auto options = std::make_shared<GenerateOptions>();
  options->add_to(*command);
  command->callback([options, &status] { status = run_generate(*options); });
}

} // namespace program
