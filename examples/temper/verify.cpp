// SPDX-License-Identifier: Apache-2.0
// temper verify: the logits of a model against those in a folder of reference cases.
#include "cases.h"
#include "commands.h"
#include "files.h"
#include "opening.h"
#include "replay.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>

namespace program {
namespace {

struct Verify : Opening {
  std::vector<std::string> folders;
  std::string model_folder;
  double tolerance = -1.0;
  std::string only;
  bool json = false;
};

struct Outcome {
  int compared = 0;      ///< rows of all sequences
  int replaced = 0;      ///< entries that the published code set by hand
  double difference = 0; ///< largest, absolute
};

/// The tolerance a folder's notes suggest, or the default.
double suggested_tolerance(const std::string &folder) {
  double tolerance = 2e-4;
  std::error_code ignored;
  const std::string path = folder + "/NOTES.md";
  if (std::filesystem::exists(path, ignored)) {
    const std::string notes = read_text(path);
    const size_t phrase = notes.find("Suggested tolerance");
    const size_t colon = phrase == std::string::npos ? phrase : notes.find(':', phrase);
    if (colon != std::string::npos) {
      const double value = std::strtod(notes.c_str() + colon + 1, nullptr);
      tolerance = value > 0.0 ? value : tolerance;
    }
  }
  return tolerance;
}

/// Entries that published code sets by hand after the network: 0 for the input's own token (the score of
/// staying) or for the next input's, -1000 for a token ruled out. They say nothing about the model.
bool set_by_hand(const Case &item, size_t sequence, size_t row, size_t column, double value) {
  if (value == -1000.0) {
    return true;
  }
  if (value != 0.0) {
    return false;
  }
  for (const size_t near : {row, row + 1}) {
    if (near < item.own.size()) {
      const Input &input = item.graph.inputs[static_cast<size_t>(item.own[near])];
      if (input.tokens[sequence] == static_cast<int32_t>(column)) {
        return true;
      }
    }
  }
  return false;
}

Outcome compare(const Case &item, const Logits &logits) {
  Outcome outcome;
  const size_t rows = static_cast<size_t>(item.rows), columns = static_cast<size_t>(item.columns);
  const auto take = [&](double got, double want) {
    const double difference = std::fabs(got - want);
    // A NaN is the largest difference of all.
    outcome.difference = std::isnan(difference) ? std::numeric_limits<double>::infinity()
                                                : std::max(outcome.difference, difference);
  };
  for (size_t b = 0; b < static_cast<size_t>(item.sequences); ++b) {
    for (size_t r = 0; r < rows; ++r) {
      if (!item.compare[r]) {
        continue;
      }
      ++outcome.compared;
      const float *got = logits.row(item.own[r], b);
      const double *want = &item.expected[(b * rows + r) * columns];
      for (size_t c = 0; c < columns; ++c) {
        if (set_by_hand(item, b, r, c, want[c])) {
          ++outcome.replaced;
        } else {
          take(static_cast<double>(got[c]), want[c]);
        }
      }
      // A shifted sampler reads row i - 1 at position i, and the first row at the first position.
      const size_t read = r > 0 ? r - 1 : 0;
      if (!item.shifted.empty() && item.compare[read]) {
        const float *shifted = logits.row(item.own[read], b);
        for (size_t c = 0; c < columns; ++c) {
          take(static_cast<double>(shifted[c]), item.shifted[(b * rows + r) * columns + c]);
        }
      }
    }
  }
  return outcome;
}

struct Totals {
  int passed = 0, failed = 0, skipped = 0;
};

class Folder {
public:
  Folder(const Verify &options, temper_runtime *runtime, const std::string &path)
      : options_(options), runtime_(runtime), path_(path) {}

  nlohmann::json run(Totals &totals) {
    const Arrays arrays(path_ + "/cases.safetensors");
    std::error_code ignored;
    if (options_.model_folder.empty() && !std::filesystem::exists(path_ + "/config.json", ignored)) {
      ++totals.skipped;
      say("%s: skipped: no model in this folder (name one with --model)\n", path_.c_str());
      return {{"folder", path_}, {"result", "skipped"}, {"reason", "no model in this folder"}};
    }
    const std::string folder = options_.model_folder.empty() ? path_ : options_.model_folder;
    const Model model = options_.open(runtime_, folder);
    const std::vector<Case> cases =
        read_cases(arrays, model_number(model.get(), TEMPER_MODEL_AUTOREGRESSIVE) != 0);
    const double tolerance =
        options_.tolerance >= 0.0 ? options_.tolerance : suggested_tolerance(path_);
    nlohmann::json report = {{"folder", path_},
                             {"family", model_text(model.get(), TEMPER_MODEL_FAMILY)},
                             {"backend", model_text(model.get(), TEMPER_MODEL_BACKEND)},
                             {"tolerance", tolerance},
                             {"cases", nlohmann::json::array()}};
    if (!options_.json) {
      std::printf("%s: %s on %s\n", path_.c_str(), model_text(model.get(), TEMPER_MODEL_FAMILY).c_str(),
                  model_text(model.get(), TEMPER_MODEL_BACKEND).c_str());
    }
    Replay replay(model.get());
    for (const Case &item : cases) {
      if (item.name.find(options_.only) != std::string::npos) {
        report["cases"].push_back(one(item, replay, tolerance, totals));
      }
    }
    return report;
  }

private:
  nlohmann::json one(const Case &item, Replay &replay, double tolerance, Totals &totals) const {
    std::string trouble = item.skip;
    Outcome outcome;
    bool ran = false;
    std::vector<Arrangement> calls;
    if (trouble.empty()) {
      std::vector<int> wanted;
      for (size_t r = 0; r < item.compare.size(); ++r) {
        if (item.compare[r]) {
          wanted.push_back(item.own[r]);
        }
      }
      calls = arrange(item.graph.sees, wanted);
      if (calls.empty()) {
        trouble = wanted.empty() ? "no row to compare" : "its mask can't be expressed as row visibilities";
      } else if (item.columns != replay.columns()) {
        trouble = "logits have " + std::to_string(item.columns) + " columns, the model's " +
                  std::to_string(replay.columns());
      } else {
        ran = true;
      }
    }
    nlohmann::json report = {{"name", item.name}};
    if (!ran) {
      // Only what has no logits may be passed over; a case that should have run and couldn't is a failure.
      const bool skipped = item.expected.empty();
      skipped ? ++totals.skipped : ++totals.failed;
      report["result"] = skipped ? "skipped" : "FAIL";
      report["reason"] = trouble;
      say("  %-42s %s: %s\n", item.name.c_str(), skipped ? "skipped" : "FAIL", trouble.c_str());
      return report;
    }
    std::string broken;
    try {
      outcome = compare(item, replay.run(item, calls));
    } catch (const Failure &failure) {
      broken = failure.what();
    }
    if (!broken.empty()) {
      ++totals.failed;
      report["result"] = "FAIL";
      report["reason"] = broken;
      say("  %-42s FAIL: %s\n", item.name.c_str(), broken.c_str());
      return report;
    }
    const bool ok = outcome.difference <= tolerance;
    ok ? ++totals.passed : ++totals.failed;
    report["result"] = ok ? "ok" : "FAIL";
    report["rows"] = outcome.compared;
    report["calls"] = calls.size();
    report["entries_set_by_hand"] = outcome.replaced;
    if (std::isfinite(outcome.difference)) {
      report["difference"] = outcome.difference;
    } else {
      report["difference"] = nullptr;
    }
    say("  %-42s %4d rows  largest difference %.2e  tolerance %g  %s", item.name.c_str(),
        outcome.compared, outcome.difference, tolerance, ok ? "ok" : "FAIL");
    if (outcome.replaced > 0) {
      say("  (%d entries set by hand, left out)", outcome.replaced);
    }
    say("\n");
    return report;
  }

  template <class... Arguments>
  void say(const char *format, Arguments... arguments) const {
    if (!options_.json) {
      if constexpr (sizeof...(Arguments) == 0) {
        std::fputs(format, stdout);
      } else {
        std::printf(format, arguments...);
      }
      std::fflush(stdout);
    }
  }

  const Verify &options_;
  temper_runtime *runtime_;
  std::string path_;
};

int run_verify(const Verify &options) {
  const Runtime runtime = options.runtime();
  Totals totals;
  nlohmann::json report = {{"folders", nlohmann::json::array()}};
  for (std::string path : options.folders) {
    while (path.size() > 1 && path.back() == '/') {
      path.pop_back();
    }
    try {
      report["folders"].push_back(Folder(options, runtime.get(), path).run(totals));
    } catch (const Failure &failure) { // the others are still looked at
      ++totals.failed;
      report["folders"].push_back({{"folder", path}, {"error", failure.what()}});
      std::fflush(stdout);
      std::fprintf(stderr, "temper: %s: %s\n", path.c_str(), failure.what());
    }
  }
  if (options.json) {
    report["passed"] = totals.passed;
    report["failed"] = totals.failed;
    report["skipped"] = totals.skipped;
    std::printf("%s\n", report.dump(2).c_str());
  } else {
    std::printf("%d passed, %d failed, %d skipped\n", totals.passed, totals.failed, totals.skipped);
  }
  return totals.failed > 0 || totals.passed == 0 ? 1 : 0;
}

} // namespace

void add_verify(CLI::App &program, int &status) {
  CLI::App *command = program.add_subcommand(
      "verify", "Compare a model's logits with those in folders of reference cases");
  auto options = std::make_shared<Verify>();
  command->add_option("DIR", options->folders, "Folders with model.safetensors, config.json and cases.safetensors")
      ->required();
  command->add_option("-m,--model", options->model_folder,
                      "Model to check the cases with, instead of the folder's own");
  command->add_option("--tolerance", options->tolerance,
                      "Largest absolute difference of a logit (default: what NOTES.md in the folder suggests, else "
                      "2e-4)")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--case", options->only, "Only cases whose name contains this");
  command->add_flag("--json", options->json, "One JSON document");
  options->add_to(*command, false);
  command->callback([options, &status] { status = run_verify(*options); });
}

} // namespace program
