// SPDX-License-Identifier: Apache-2.0
// temper bench: how long a step takes, and how far that is from what the machine could do.
#include "choices.h"
#include "commands.h"
#include "files.h"
#include "measurements.h"
#include "opening.h"
#include "random_model.h"
#include "sampler_cost.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>

namespace program {
namespace {

struct BenchOptions : Opening {
  std::string shape, write;
  std::vector<int> rows = {1, 2, 4, 8, 14, 16, 32, 64, 128};
  std::vector<int> contexts = {0, 512};
  std::vector<std::string> groups = {"rows", "schedules", "cache", "sampling", "samplers"};
  int64_t length = 128, slide_length = 1024, width = 32;
  Effort effort;
  bool json = false;
};

class Bench {
public:
  Bench(const BenchOptions &options, temper_runtime *runtime, temper_model *model)
      : options_(options), runtime_(runtime), model_(model), cost_(model) {
    report_ = {{"version", temper_version_string()},
               {"shape", options.shape.empty() ? model_text(model, TEMPER_MODEL_PATH) : options.shape},
               {"family", model_text(model, TEMPER_MODEL_FAMILY)},
               {"backend", model_text(model, TEMPER_MODEL_BACKEND)},
               {"backend_description", model_text(model, TEMPER_MODEL_BACKEND_DESCRIPTION)},
               {"storage", model_number(model, TEMPER_MODEL_STORAGE) == TEMPER_STORAGE_BF16 ? "bf16" : "f32"},
               {"threads", options.threads},
               {"step_bytes", cost_.weight_bytes},
               {"flops_per_row", 2.0 * cost_.weight_count}};
    say("%s on %s (%s), weights in %s: a step reads %.1f MB of weights, a row takes %.1f MFLOP\n",
        report_["shape"].get<std::string>().c_str(), report_["backend"].get<std::string>().c_str(),
        report_["backend_description"].get<std::string>().c_str(), report_["storage"].get<std::string>().c_str(),
        cost_.weight_bytes / 1e6, 2.0 * cost_.weight_count / 1e6);
  }

  nlohmann::json run() {
    for (const std::string &group : options_.groups) {
      const Limits before = limits();
      nlohmann::json entry;
      try {
        entry = group == "rows"        ? rows()
                : group == "schedules" ? schedules()
                : group == "cache"     ? cache()
                : group == "samplers"  ? samplers()
                                       : sampling();
      } catch (const Failure &failure) { // a model can't follow every hyperschedule
        entry = {{"error", failure.what()}};
        lines_.push_back(std::string("  not measured: ") + failure.what());
      }
      // The machine's limits before and after the group; the larger ones count.
      const Limits after = limits();
      const Limits best{std::max(before.bandwidth, after.bandwidth), std::max(before.flops, after.flops)};
      say("\n%s  (this machine, measured before and after: %.1f and %.1f GB/s, %.1f and %.1f GFLOP/s)\n", group.c_str(),
          before.bandwidth / 1e9, after.bandwidth / 1e9, before.flops / 1e9, after.flops / 1e9);
      finish(entry, best);
      report_[group] = {{"bandwidth", {before.bandwidth, after.bandwidth}},
                        {"flops", {before.flops, after.flops}},
                        {"result", entry}};
    }
    return report_;
  }

private:
  template <class... Arguments>
  void say(const char *format, Arguments... arguments) const {
    if (!options_.json) {
      std::printf(format, arguments...);
      std::fflush(stdout);
    }
  }

  Limits limits() const {
    Limits out;
    const double seconds = std::clamp(2.0 * options_.effort.seconds, 0.2, 2.0);
    call(temper_x_measure_machine, model_, seconds, &out.bandwidth, &out.flops);
    return out;
  }

  nlohmann::json rows() {
    const int64_t limit = model_number(model_, TEMPER_MODEL_MAX_LENGTH);
    nlohmann::json out = nlohmann::json::array();
    for (const int context : options_.contexts) {
      for (const int rows : options_.rows) {
        if (limit > 0 && context + rows > limit) {
          continue;
        }
        const RowsPoint point = measure_rows(model_, rows, context, options_.effort);
        out.push_back({{"rows", rows},
                       {"context", context},
                       {"ms", point.seconds * 1e3},
                       {"rows_per_second", rows / point.seconds},
                       {"bytes", cost_.bytes(rows, context)},
                       {"flops", cost_.flops(rows, context)}});
      }
    }
    return out;
  }

  int64_t fitting(int64_t wanted) const {
    const int64_t limit = model_number(model_, TEMPER_MODEL_MAX_LENGTH);
    return limit > 0 ? std::min(wanted, limit - 1) : wanted;
  }

  nlohmann::json schedules() {
    struct Run {
      int32_t kind;
      int64_t width;
      int32_t levels;
    };
    const int64_t length = fitting(options_.length);
    const Run runs[] = {{TEMPER_QUENCH, 1, 1},          {TEMPER_BLOCK, 16, 8},
                        {TEMPER_BLOCK, 32, 8},          {TEMPER_SLIDE, 16, 8},
                        {TEMPER_SLIDE, 32, 8},          {TEMPER_SLIDE, 32, 32},
                        {TEMPER_FLAT, length, static_cast<int32_t>(std::max<int64_t>(length / 4, 1))}};
    nlohmann::json out = nlohmann::json::array();
    for (const Run &run : runs) {
      try {
        const RunPoint point = measure_run(model_, run.kind, run.width, run.levels, length);
        const double rows = static_cast<double>(point.rows) / static_cast<double>(std::max<int64_t>(point.steps, 1));
        // A step's floor with the mean number of rows, half of the sequence in the cache.
        out.push_back({{"schedule", point.name},
                       {"tokens", point.tokens},
                       {"steps", point.steps},
                       {"rows_per_step", rows},
                       {"ms_per_step", point.step_median * 1e3},
                       {"tokens_per_second", static_cast<double>(point.tokens) / point.seconds},
                       {"bytes", cost_.bytes(rows, static_cast<double>(length) / 2)},
                       {"flops", cost_.flops(rows, static_cast<double>(length) / 2)}});
      } catch (const Failure &failure) {
        out.push_back({{"schedule", schedule_name(run.kind)}, {"error", failure.what()}});
      }
    }
    return out;
  }

  nlohmann::json cache() {
    const CachePoint point = measure_cache(model_, options_.width, fitting(options_.slide_length), options_.effort);
    nlohmann::json samples = nlohmann::json::array();
    for (const auto &[settled, seconds] : point.samples) {
      samples.push_back({{"settled", settled}, {"ms", seconds * 1e3}});
    }
    return {{"width", options_.width},
            {"length", point.length},
            {"steps", point.steps},
            {"cached_seconds", point.cached_seconds},
            {"uncached_seconds_extrapolated", point.uncached_seconds},
            {"speedup", point.uncached_seconds / point.cached_seconds},
            {"uncached_samples", samples}};
  }

  nlohmann::json sampling() {
    const SamplingPoint point = measure_sampling(model_, static_cast<int>(fitting(32)), options_.effort);
    return {{"rows", point.rows},
            {"columns", model_number(model_, TEMPER_MODEL_COLUMNS)},
            {"session_ms", point.session_seconds * 1e3},
            {"model_ms", point.model_seconds * 1e3},
            {"share", point.share()}};
  }

  nlohmann::json samplers() {
    const SamplerCosts costs = measure_samplers(runtime_, model_, static_cast<int>(fitting(32)), options_.effort);
    nlohmann::json kinds = nlohmann::json::array();
    for (const SamplerCost &kind : costs.kinds) {
      kinds.push_back({{"sampler", kind.name},
                       {"noise", kind.noise},
                       {"positions", kind.positions},
                       {"ms", kind.seconds * 1e3},
                       {"share", kind.seconds / costs.step_seconds}});
    }
    return {{"rows", costs.rows}, {"columns", costs.columns}, {"step_ms", costs.step_seconds * 1e3}, {"kinds", kinds}};
  }

  /// Adds fractions of the limits to a figure that has bytes, flops and a time.
  static void against(nlohmann::json &entry, const Limits &limits, double seconds) {
    const double bytes = entry["bytes"].get<double>(), flops = entry["flops"].get<double>();
    const auto set = [&entry](const char *key, double value, bool known) {
      entry[key] = known ? nlohmann::json(value) : nlohmann::json();
    };
    set("bandwidth_fraction", bytes / seconds / limits.bandwidth, limits.bandwidth > 0.0);
    set("flops_fraction", flops / seconds / limits.flops, limits.flops > 0.0);
  }

  static std::string percent(const nlohmann::json &value) {
    char text[16];
    if (!value.is_number()) {
      return "-";
    }
    std::snprintf(text, sizeof text, "%.2f", value.get<double>());
    return text;
  }

  void finish(nlohmann::json &entry, const Limits &limits) {
    for (const std::string &line : lines_) {
      say("%s\n", line.c_str());
    }
    lines_.clear();
    if (entry.is_array() && !entry.empty() && entry[0].contains("schedule")) {
      say("  %-28s %7s %6s %10s %10s %10s %9s %9s\n", "schedule", "tokens", "steps", "rows/step", "ms/step", "tokens/s",
          "of bytes", "of flops");
      for (auto &line : entry) {
        if (line.contains("error")) {
          say("  %-28s not measured: %s\n", line["schedule"].get<std::string>().c_str(),
              line["error"].get<std::string>().c_str());
          continue;
        }
        against(line, limits, line["ms_per_step"].get<double>() / 1e3);
        say("  %-28s %7lld %6lld %10.1f %10.2f %10.1f %9s %9s\n", line["schedule"].get<std::string>().c_str(),
            line["tokens"].get<long long>(), line["steps"].get<long long>(), line["rows_per_step"].get<double>(),
            line["ms_per_step"].get<double>(), line["tokens_per_second"].get<double>(),
            percent(line["bandwidth_fraction"]).c_str(), percent(line["flops_fraction"]).c_str());
      }
    } else if (entry.is_array()) {
      say("  %6s %8s %10s %10s %10s %10s %9s %9s\n", "rows", "cached", "ms/step", "rows/s", "MB/step", "GFLOP/step",
          "of bytes", "of flops");
      for (auto &line : entry) {
        against(line, limits, line["ms"].get<double>() / 1e3);
        say("  %6d %8d %10.2f %10.1f %10.1f %10.2f %9s %9s\n", line["rows"].get<int>(), line["context"].get<int>(),
            line["ms"].get<double>(), line["rows_per_second"].get<double>(), line["bytes"].get<double>() / 1e6,
            line["flops"].get<double>() / 1e9, percent(line["bandwidth_fraction"]).c_str(),
            percent(line["flops_fraction"]).c_str());
      }
    } else if (entry.contains("speedup")) {
      say("  slide-jump, width %lld, one token a step, %lld tokens in %lld steps\n", entry["width"].get<long long>(),
          entry["length"].get<long long>(), entry["steps"].get<long long>());
      say("  with the cache %.2f s (measured whole); without it %.2f s (extrapolated from steps at %zu lengths): "
          "%.1f times\n",
          entry["cached_seconds"].get<double>(), entry["uncached_seconds_extrapolated"].get<double>(),
          entry["uncached_samples"].size(), entry["speedup"].get<double>());
    } else if (entry.contains("kinds")) {
      say("  sampling %d positions of %lld tokens (scaled where a call draws fewer), set against a step of as many "
          "rows: %.2f ms\n",
          entry["rows"].get<int>(), entry["columns"].get<long long>(), entry["step_ms"].get<double>());
      say("  %-14s %-18s %9s %9s %9s\n", "sampler", "noise", "drawn", "ms", "of step");
      for (const auto &line : entry["kinds"]) {
        say("  %-14s %-18s %9lld %9.3f %8.2f%%\n", line["sampler"].get<std::string>().c_str(),
            line["noise"].get<std::string>().c_str(), line["positions"].get<long long>(), line["ms"].get<double>(),
            line["share"].get<double>() * 100.0);
      }
    } else if (entry.contains("share")) {
      say("  a step that draws %d tokens of %lld: %.2f ms; the same rows without drawing: %.2f ms; sampling takes "
          "%.1f%%\n",
          entry["rows"].get<int>(), entry["columns"].get<long long>(), entry["session_ms"].get<double>(),
          entry["model_ms"].get<double>(), entry["share"].get<double>() * 100.0);
    }
  }

  const BenchOptions &options_;
  temper_runtime *runtime_;
  temper_model *model_;
  Cost cost_;
  nlohmann::json report_;
  std::vector<std::string> lines_;
};

int run_bench(const BenchOptions &options) {
  const bool half = options.storage == "bf16";
  RandomModel random;
  if (!options.shape.empty()) {
    random = make_random_model(options.shape, half, 1);
  }
  if (!options.write.empty()) {
    if (options.shape.empty()) {
      throw Usage("--write needs --shape: the model to write");
    }
    write_random_model(random, options.write);
    return 0;
  }
  const Runtime runtime = options.runtime();
  Model model;
  if (options.shape.empty()) {
    model = options.open(runtime.get());
  } else {
    temper_model *made = nullptr;
    const ModelOptions told = options.options();
    call(temper_model_open_memory, runtime.get(), static_cast<const void *>(random.config.data()), random.config.size(),
         static_cast<const void *>(random.weights.data()), random.weights.size(), nullptr, nullptr,
         options.backend.c_str(),
         told.get(), &made);
    model.reset(made);
  }
  const nlohmann::json report = Bench(options, runtime.get(), model.get()).run();
  if (options.json) {
    std::printf("%s\n", report.dump(2).c_str());
  }
  return 0;
}

} // namespace

void add_bench(CLI::App &program, int &status) {
  CLI::App *command = program.add_subcommand("bench", "Measure steps against the machine's bandwidth and matmul rate");
  auto options = std::make_shared<BenchOptions>();
  command->add_option("--shape", options->shape, "A random model of this shape, made in memory, instead of --model")
      ->check(CLI::IsMember(random_shapes()));
  command
      ->add_option("--groups", options->groups,
                   "What to measure: rows, schedules, cache, sampling, samplers (default: all)")
      ->delimiter(',')
      ->check(CLI::IsMember({"rows", "schedules", "cache", "sampling", "samplers"}));
  command->add_option("--rows", options->rows, "Row counts of the group rows, separated by commas")
      ->delimiter(',')
      ->check(CLI::Range(1, 4096));
  command->add_option("--cached", options->contexts, "Cached positions of the group rows, separated by commas")
      ->delimiter(',')
      ->check(CLI::Range(0, 1 << 20));
  command->add_option("-n,--length", options->length, "Tokens of a run of the group schedules")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20))
      ->capture_default_str();
  command->add_option("--cache-length", options->slide_length, "Tokens of the group cache")
      ->check(CLI::Range(int64_t{64}, int64_t{1} << 20))
      ->capture_default_str();
  command->add_option("--min-time", options->effort.seconds, "Seconds for one figure, at least")
      ->check(CLI::Range(0.0, 600.0))
      ->capture_default_str();
  command->add_option("--turns", options->effort.turns, "Turns for one figure, at least; the median counts")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_option("--write", options->write, "Only write the random model of --shape into this folder");
  command->add_flag("--json", options->json, "One JSON document");
  options->Opening::add_to(*command);
  command->callback([options, &status] { status = run_bench(*options); });
}

} // namespace program
