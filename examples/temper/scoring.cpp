// SPDX-License-Identifier: Apache-2.0
#include "scoring.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <unistd.h>

namespace program {
namespace {

volatile std::sig_atomic_t stopped = 0;

void stop_scoring(int) { stopped = 1; }

int32_t show_progress(void *, int64_t done, int64_t total) {
  static const bool terminal = isatty(2) != 0;
  if (terminal && total > 0) {
    std::fprintf(stderr, "\r%3lld%%%s", static_cast<long long>(done * 100 / total), done == total ? "\r    \r" : "");
  }
  return stopped != 0 ? 1 : 0;
}

} // namespace

std::vector<Window> cut(const std::vector<Text> &texts, const Cutting &cutting) {
  std::vector<Window> out;
  const size_t begin = cutting.begin >= 0 ? 1 : 0;
  const size_t room = static_cast<size_t>(cutting.length) - begin;
  for (size_t t = 0; t < texts.size(); ++t) {
    const std::vector<int32_t> &tokens = texts[t].tokens;
    int64_t made = 0;
    for (size_t at = 0; at < tokens.size(); ++made) {
      if (cutting.windows > 0 && made == cutting.windows) {
        break;
      }
      // The first window and windows side by side are as long as fits.
      const bool strides = at > 0 && cutting.stride > 0;
      const size_t most = strides ? std::min(room, static_cast<size_t>(cutting.stride)) : room;
      const size_t end = std::min(tokens.size(), at + most);
      const size_t context = strides && end > room ? end - room : strides ? 0 : at;
      Window window;
      window.text = t;
      window.first = at;
      // A begin token stands where a text does begin, or where nothing else is before.
      if (begin != 0 && (context == 0 || context == at)) {
        window.tokens.push_back(cutting.begin);
      }
      const size_t given = at < texts[t].prefix ? std::min(texts[t].prefix, end) - at : 0;
      window.prefix = window.tokens.size() + (at - context) + given;
      window.tokens.insert(window.tokens.end(), tokens.begin() + static_cast<std::ptrdiff_t>(context),
                           tokens.begin() + static_cast<std::ptrdiff_t>(end));
      out.push_back(std::move(window));
      at = end;
    }
  }
  return out;
}

int64_t window_length(const temper_model *model, int64_t wanted) {
  const int64_t limit = model_number(model, TEMPER_MODEL_MAX_LENGTH);
  if (wanted == 0) {
    return limit > 0 ? limit : 1024;
  }
  if (limit > 0 && wanted > limit) {
    throw Failure("the model was trained on " + std::to_string(limit) + " positions, a window can't have " +
                  std::to_string(wanted));
  }
  return wanted;
}

int32_t begin_token(const temper_model *model) {
  const int64_t begin = model_number(model, TEMPER_MODEL_BOS_TOKEN);
  return static_cast<int32_t>(begin >= 0 ? begin : model_number(model, TEMPER_MODEL_EOS_TOKEN));
}

void Sampling::add_to(CLI::App &app, bool with_seed) {
  const std::string group = "Estimate";
  app.add_option("--samples", samples, "Calls of the hyperschedule per replicate; 0: all of them")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 24))
      ->capture_default_str()
      ->group(group);
  app.add_option("--replicates", replicates, "Independent estimates; their spread is the standard error (default 2)")
      ->check(CLI::Range(1, 4096))
      ->group(group);
  app.add_option("--batch", batch, "Windows side by side (default 8)")->check(CLI::Range(1, 4096))->group(group);
  app.add_flag("--no-cache", no_cache, "Compute every row at every call; for comparison")->group(group);
  if (with_seed) {
    app.add_option("--seed", seed, "Of the random draws")->capture_default_str()->group(group);
  }
}

temper_score_result score(temper_model *model, const temper_hyperschedule *schedule, const temper_noise *noise,
                          const Sampling &sampling, std::vector<Window> &windows) {
  temper_score_options options{};
  options.struct_size = sizeof options;
  options.samples = sampling.samples;
  options.replicates = sampling.replicates;
  options.batch = sampling.batch;
  options.seed = sampling.seed;
  options.no_cache = sampling.no_cache ? 1 : 0;
  std::vector<temper_document> documents(windows.size());
  for (size_t i = 0; i < windows.size(); ++i) {
    windows[i].terms.resize(windows[i].tokens.size());
    documents[i] = {};
    documents[i].struct_size = sizeof documents[i];
    documents[i].tokens = windows[i].tokens.data();
    documents[i].count = windows[i].tokens.size();
    documents[i].prefix = windows[i].prefix;
    documents[i].terms = windows[i].terms.data();
  }
  temper_score_result result{};
  result.struct_size = sizeof result;
  temper_error error{};
  stopped = 0;
  struct sigaction action {
  }, before{};
  action.sa_handler = stop_scoring;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, &before);
  const temper_status status =
      temper_score(model, schedule, noise, &options, documents.data(), documents.size(), &result, show_progress,
                   nullptr, &error);
  sigaction(SIGINT, &before, nullptr);
  if (status < 0) {
    throw Failure(error.message);
  }
  for (size_t i = 0; i < windows.size(); ++i) {
    windows[i].scored = documents[i].scored;
    windows[i].nats = documents[i].nats;
  }
  return result;
}

bool score_was_stopped() { return stopped != 0; }

} // namespace program
