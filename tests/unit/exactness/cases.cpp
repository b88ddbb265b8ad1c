// SPDX-License-Identifier: Apache-2.0
#include "cases.h"

#include "ranked.h"
#include "remembered.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" {
#include <cmocka.h>
}

namespace temper::test {

std::vector<Named> schedules() {
  return {{"quench", Hyperschedule::quench().value()},
          flat(1),
          flat(3),
          flat(12),
          block(2, 2),
          slide(2, 4),
          slide(3, 2),
          {"slide_jump(2,4)", Hyperschedule::slide_jump(2, 4).value()},
          {"hybrid(2,3)", Hyperschedule::hybrid(2, 3).value()}};
}

namespace {

std::string sized(const char *name, int64_t width, int32_t levels) {
  return std::string(name) + "(" + std::to_string(width) + "," + std::to_string(levels) + ")";
}

}  // namespace

Named flat(int32_t levels) { return {"flat(" + std::to_string(levels) + ")", Hyperschedule::flat(levels).value()}; }
Named block(int64_t width, int32_t levels) {
  return {sized("block", width, levels), Hyperschedule::block(width, levels).value()};
}
Named slide(int64_t width, int32_t levels) {
  return {sized("slide", width, levels), Hyperschedule::slide(width, levels).value()};
}

Named pauses() {
  static constexpr int32_t levels[] = {3, 3, 3, 2, 3, 2, 2, 2, 1, 1, 1, 1, 0, 1, 0, 0, 0, 0};
  return {"pauses", Hyperschedule::table(levels, 5, 3, 3).value()};
}

namespace {

NamedPath path(const char *name, NoisePath which, double mix, NoiseClock clock) {
  NoiseParameters parameters;
  parameters.path = which;
  parameters.mix = mix;
  parameters.clock = clock;
  static constexpr const char *clocks[] = {"linear", "log-linear", "geometric", "cosine"};
  std::string text = name;
  if (mix > 0) text += "(" + std::to_string(mix).substr(0, 4) + ")";
  if (which != NoisePath::gidd) text += std::string(" ") + clocks[static_cast<int>(clock)];
  return {text, parameters};
}

}  // namespace

NamedPath absorbing_path(NoiseClock clock) { return path("absorbing", NoisePath::absorbing, 0, clock); }
NamedPath uniform_path(NoiseClock clock) { return path("uniform", NoisePath::uniform, 0, clock); }
NamedPath epsilon_path(double mix, NoiseClock clock) { return path("epsilon", NoisePath::epsilon, mix, clock); }
NamedPath gamma_path(double mix, NoiseClock clock) { return path("gamma", NoisePath::gamma, mix, clock); }
NamedPath gidd_path(double mix) { return path("gidd", NoisePath::gidd, mix, NoiseClock::linear); }

Values with(Values values, const Values &more) {
  values.insert(values.end(), more.begin(), more.end());
  return values;
}

Sampler sampler_of(SamplerKind kind, const Values &values) {
  SamplerParameters parameters = Sampler::defaults(kind);
  for (const auto &[key, value] : values) {
    const Status status = Sampler::set(kind, parameters, key, value);
    if (!status.ok()) fail_msg("%s", status.message().c_str());
  }
  return Sampler::create(kind, parameters).value();
}

std::vector<double> expected_of(const Table &model, const Hyperschedule &schedule, const Noise &noise, const Sampler &sampler) {
  const SamplerKind kind = sampler.kind();
  const SamplerParameters &parameters = sampler.parameters();
  const Path path = path_of(noise);
  if (Ranked::follows(kind)) return Ranked(model, schedule, path, kind, parameters).run();
  if (Remembered::follows(kind, parameters)) return Remembered(model, schedule, path, parameters).run();
  return Enumeration(model, schedule, path, noise.uses_mask(), kind, parameters).run();
}

Fit fit(const std::vector<int> &counts, const std::vector<double> &expected) {
  Fit result;
  double runs = 0, rare_mean = 0, rare_count = 0;
  for (const int count : counts) runs += count;
  const auto cell = [&](double count, double mean) {
    result.chi += (count - mean) * (count - mean) / mean;
    ++result.freedom;
  };
  for (size_t i = 0; i < expected.size(); ++i) {
    const double mean = expected[i] * runs;
    if (expected[i] <= 0 && counts[i] > 0) result.impossible = true;
    if (mean >= 5) {
      cell(counts[i], mean);
    } else {
      rare_mean += mean;
      rare_count += counts[i];
    }
  }
  // Anything else that was drawn, such as a sequence with a mask in it.
  for (size_t i = expected.size(); i < counts.size(); ++i) result.impossible = result.impossible || counts[i] > 0;
  if (rare_mean > 0.5) cell(rare_count, rare_mean);
  --result.freedom;
  return result;
}

bool Fit::good() const {
  return !impossible && freedom >= 0 && chi <= freedom + 5 * std::sqrt(2.0 * freedom) + 5;
}

void Tally::sweep(const std::string &name, const Table &model, const NamedPath &path, const Sampler &sampler, int count) {
  const std::vector<Named> all = schedules();
  const size_t first = turn_, number = std::getenv("TEMPER_ALL_CASES") != nullptr ? all.size() : static_cast<size_t>(count);
  for (size_t i = 0; i < number; ++i) check(name, model, all[(first + 4 * i) % all.size()], path, sampler);
  turn_ = first + 4 * static_cast<size_t>(count);
}

void Tally::check(const std::string &name, const Table &model, const Named &schedule, const NamedPath &path,
                  const Sampler &sampler) {
  const std::string full = name + ", " + path.name + ", " + schedule.name;
  const auto noise = Noise::create(path.parameters);
  if (!noise.ok()) fail_msg("%s: %s", full.c_str(), noise.status().message().c_str());
  if (const Status fits = sampler.check(model.description, noise.value()); !fits.ok())
    fail_msg("%s: %s", full.c_str(), fits.message().c_str());
  const std::vector<double> expected = expected_of(model, schedule.schedule, noise.value(), sampler);
  double sum = 0;
  for (const double p : expected) sum += p;
  if (!(std::fabs(sum - 1) < 1e-9)) fail_msg("%s: probabilities add up to %.12g", full.c_str(), sum);
  Driver driver(model, schedule.schedule, noise.value(), sampler);
  std::vector<int> counts(expected.size() + 1);
  ++seed_;
  // What is certain needs no crowd.
  const bool certain = *std::max_element(expected.begin(), expected.end()) > 1 - 1e-9;
  for (uint32_t run = 0; run < (certain ? draw_count / 100 : draw_count); ++run) ++counts[driver.run(seed_, run)];
  add(full, fit(counts, expected));
}

void Tally::add(const std::string &name, const Fit &fit) {
  print_message("%8.1f of %4d  %s\n", fit.chi, fit.freedom, name.c_str());
  if (!fit.good()) fail_msg("%s: chi-square %.1f of %d%s", name.c_str(), fit.chi, fit.freedom, fit.impossible ? ", and what can't be" : "");
  chi_ += fit.chi;
  freedom_ += fit.freedom;
  ++cases_;
}

void Tally::close() const {
  print_message("%8.1f of %4d  all %d cases\n", chi_, freedom_, cases_);
  if (std::fabs(chi_ - freedom_) > 4.5 * std::sqrt(2.0 * freedom_)) fail_msg("all: chi-square %.1f of %d", chi_, freedom_);
}

}  // namespace temper::test
