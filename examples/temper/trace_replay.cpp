// SPDX-License-Identifier: Apache-2.0
// temper replay: runs a recorded generation again and compares it, or shows it without a model.
#include "commands.h"
#include "trace.h"
#include "views.h"

#include <CLI/CLI.hpp>

#include <cstdio>

namespace program {
namespace {

struct ReplayOptions : Machine {
  std::string file, model;
  bool show = false, no_prompt = false;
  int delay = 40;
};

int show(const ReplayOptions &options, const Recording &recording) {
  Recorded recorded(recording);
  const Words words = recording.ids ? Words(static_cast<const temper_tokenizer *>(nullptr)) : Words(&recording.bytes);
  const std::unique_ptr<View> view = make_watch_view(recorded, words, !options.no_prompt, options.delay);
  view->begin();
  while (recorded.step()) {
    view->step();
  }
  view->end();
  return 0;
}

int differs(const std::string &what) {
  std::printf("different: %s\n", what.c_str());
  return 1;
}

int compare(const ReplayOptions &options, const Recording &recording) {
  Opening opening = recording.opening;
  const std::string recorded_backend = opening.backend;
  static_cast<Machine &>(opening) = options;
  if (opening.backend == "auto") { // another one rounds differently
    opening.backend = recorded_backend;
  }
  if (!options.model.empty()) {
    opening.path = options.model;
  }
  const Runtime runtime = opening.runtime();
  const Model model = opening.open(runtime.get());
  const Session session = recording.settings.make(model.get());
  Generation generation(session.get(), model.get(), recording.settings.rows, recording.settings.limit);
  const Words ids(static_cast<const temper_tokenizer *>(nullptr));
  Tracer tracer(generation, ids);
  for (const nlohmann::json &recorded : recording.steps) {
    if (!generation.step()) {
      return differs("ended after " + std::to_string(generation.steps().size()) + " steps, recorded were " +
                     std::to_string(recording.steps.size()));
    }
    const std::string found = difference(recorded, tracer.step());
    if (!found.empty()) {
      return differs(found);
    }
  }
  const bool whole = !recording.end.is_null() && !recording.end.value("cut_off", false);
  if (!recording.end.is_null()) {
    const std::string found = difference(recording.end, tracer.end());
    if (!found.empty()) {
      return differs(found);
    }
  }
  if (whole && generation.step()) {
    return differs("goes on after the " + std::to_string(recording.steps.size()) + " steps recorded");
  }
  std::printf("%zu steps, the same%s\n", recording.steps.size(), whole ? "" : " (the generation was cut off)");
  return 0;
}

int run_replay(const ReplayOptions &options) {
  const Recording recording = read_trace(options.file);
  return options.show ? show(options, recording) : compare(options, recording);
}

} // namespace

void add_replay(CLI::App &program, int &status) {
  CLI::App *command = program.add_subcommand("replay", "Run a recorded generation again and compare, or show it");
  auto options = std::make_shared<ReplayOptions>();
  command->add_option("FILE", options->file, "Trace that generate wrote; -: standard input")->required();
  command->add_option("-m,--model", options->model, "Model folder (default: the one that the trace names)");
  command->add_flag("--show", options->show, "Show the recorded steps; no model is needed");
  command->add_option("--delay", options->delay, "With --show: wait so many milliseconds after a step")
      ->check(CLI::Range(0, 60000))
      ->capture_default_str();
  command->add_flag("--no-prompt", options->no_prompt, "With --show: without the prompt");
  options->Machine::add_to(*command);
  command->callback([options, &status] { status = run_replay(*options); });
}

} // namespace program
