// SPDX-License-Identifier: Apache-2.0
// Models that are right: with the exact posterior of a known distribution every exact sampler comes nearer to that
// distribution the smaller its steps are, and how far it stays away is known (MATH 5.1, data of E5). By
// enumeration, nothing is drawn.
#include "cases.h"

#include <cmath>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" {
#include <cmocka.h>
}

using namespace temper;
using namespace temper::test;

namespace {

using P = SamplerParameter;

double divergence(const std::vector<double> &data, const std::vector<double> &samples) {
  double kl = 0;
  for (size_t i = 0; i < data.size(); ++i)
    if (data[i] > 0) kl += data[i] * std::log(data[i] / samples.at(i));
  return kl;
}

double away(const Oracle &model, const Hyperschedule &schedule, const Path &path, bool masks, const Sampler &sampler) {
  const std::vector<double> samples = Enumeration(model, schedule, path, masks, sampler.kind(), sampler.parameters()).run();
  return divergence(model.data(), samples);
}

// m = l/T, lam = l/2T: no path of the catalogue.
Transition half_lambda(int32_t from, int32_t to, int32_t levels) {
  const auto clocks = [&](int32_t l) { return Clocks{-std::log1p(-static_cast<double>(l) / levels), .5 * l / levels}; };
  Transition step = Noise::between(clocks(from), clocks(to));
  step.identity = from == to;
  return step;
}

const std::vector<double> of_five = {8, 1, 2, 4, 1, 6, 3, 7};

void published_numbers(void **) {
  const Oracle model({2, 3}, of_five);
  const Sampler ancestral = sampler_of(SamplerKind::ancestral, {});
  const Path linear = path_of(Noise::create({}).value()), eps = path_of(Noise::create(epsilon_path(.1).parameters).value());
  const auto flat = [](int32_t levels) { return Hyperschedule::flat(levels).value(); };
  const auto block = [](int32_t levels) { return Hyperschedule::block(2, levels).value(); };
  const auto slide = [](int32_t levels) { return Hyperschedule::slide(2, levels).value(); };
  const struct {
    Hyperschedule schedule;
    Path path;
    double expected;
  } rows[] = {{Hyperschedule::quench().value(), linear, 0.000000000000}, {flat(1), linear, 0.205004794034},
              {flat(2), linear, 0.064949942227},      {flat(4), linear, 0.019765534078},
              {flat(64), linear, 0.000103456362},     {block(2), linear, 0.004485647922},
              {block(8), linear, 0.000284313442},     {slide(2), linear, 0.007921618740},
              {slide(8), linear, 0.000547885699},     {flat(2), half_lambda, 0.093308488240},
              {flat(4), half_lambda, 0.032713841774}, {slide(4), half_lambda, 0.001092411494},
              {flat(2), eps, 0.073365979097},         {flat(4), eps, 0.027698623585},
              {flat(64), eps, 0.003038169232}};
  for (const auto &row : rows) {
    const double kl = away(model, row.schedule, row.path, true, ancestral);
    if (!(std::fabs(kl - row.expected) < 1.1e-12))
      fail_msg("%s: %.12f, expected %.12f", row.schedule.describe().c_str(), kl, row.expected);
  }
}

// Three tokens with a hole in the distribution.
std::vector<double> uneven() {
  std::vector<double> data;
  for (uint32_t i = 0; i < 27; ++i) {
    const double u = Draws(3, 0, 0, i).uniform(DrawTag::gumbel);
    data.push_back(i == 13 ? 0 : u * u);
  }
  return data;
}

void small_steps(void **) {
  const Oracle model({3, 3}, uneven());
  const struct {
    const char *name;
    Sampler sampler;
    std::vector<NamedPath> paths;
  } rows[] = {
      {"ancestral", sampler_of(SamplerKind::ancestral, {}), {absorbing_path(), uniform_path(), gamma_path(.3), gidd_path()}},
      {"remask", sampler_of(SamplerKind::remask, {}), {gamma_path(.3), gidd_path()}},
      {"gibbs", sampler_of(SamplerKind::gibbs, {}), {uniform_path(), gamma_path(.3), gidd_path()}},
      {"first hitting", sampler_of(SamplerKind::first_hitting, {}), {absorbing_path()}},
      {"remdm rescale", sampler_of(SamplerKind::remdm, {{P::rule, 1}, {P::eta, .05}}), {absorbing_path()}},
  };
  for (const auto &row : rows)
    for (const NamedPath &path : row.paths) {
      const Noise noise = Noise::create(path.parameters).value();
      double kl[3];
      const int32_t levels[] = {4, 16, 64};
      for (size_t i = 0; i < 3; ++i)
        kl[i] = away(model, Hyperschedule::flat(levels[i]).value(), path_of(noise), noise.uses_mask(), row.sampler);
      print_message("%-14s %-24s T = 4: %.6f  16: %.6f  64: %.6f\n", row.name, path.name.c_str(), kl[0], kl[1], kl[2]);
      if (!(kl[2] >= -1e-12 && kl[2] < .01)) fail_msg("%s, %s: %g at T = 64", row.name, path.name.c_str(), kl[2]);
      // First hitting reveals one token at a time: nothing is left to get better.
      if (row.sampler.kind() == SamplerKind::first_hitting) assert_true(kl[0] < 1e-12 && kl[2] < 1e-12);
      else if (!(kl[1] < kl[0] / 2 && kl[2] < kl[1] / 2)) fail_msg("%s, %s: no approach", row.name, path.name.c_str());
    }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(published_numbers), cmocka_unit_test(small_steps)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
