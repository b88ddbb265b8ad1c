// SPDX-License-Identifier: Apache-2.0
// The vectors of MATH 1 and 2 and stress tests of the stable forms.
#include "noise/posterior.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <vector>

extern "C" {
#include <cmocka.h>
}

using namespace temper;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const std::vector<double> pi = {.5, .25, .15, .1};

void near(double value, double expected, double tolerance = 1e-11) {
  if (!(std::fabs(value - expected) <= tolerance)) fail_msg("%.15g, expected %.15g", value, expected);
}
void near(const std::vector<double> &values, std::initializer_list<double> expected) {
  assert_int_equal(values.size(), expected.size());
  size_t i = 0;
  for (double e : expected) near(values[i++], e);
}

Noise made(NoisePath path, double mix, NoiseClock clock = NoiseClock::linear, double e0 = 5e-3) {
  NoiseParameters p;
  p.path = path;
  p.mix = mix;
  p.clock = clock;
  p.e0 = e0;
  auto result = Noise::create(p);
  if (!result.ok()) fail_msg("%s", result.status().message().c_str());
  return result.value();
}

Transition example() { return Noise::between({-std::log1p(-.6), .5}, {-std::log1p(-.3), .2}); }

// A distribution over four tokens and the mask.
template <typename Function>
std::vector<double> distribution(Function function) {
  std::vector<double> out(5);
  function(out.data(), &out[4]);
  return out;
}

void steps(void **) {
  Transition step = example();
  near(step.kappa_s, 0.818730753078);
  near(step.kappa_t, 0.606530659713);
  near(step.k, 0.740818220682);
  near(step.rho(4), 0.139548325857);
  near(Clocks{-std::log1p(-.6), .5}.a(), 0.242612263885);
  near(Clocks{-std::log1p(-.6), .5}.u(), 0.157387736115);
  const auto posterior = [&](int y, int x) {
    return distribution([&](double *out, double *mask) { exact_posterior(step, 4, y, x, out, mask); });
  };
  near(posterior(-1, 0), {0.432024032404, 0.022658655865, 0.022658655865, 0.022658655865, 0.5});
  near(posterior(0, 0), {0.987503062597, 0.004165645801, 0.004165645801, 0.004165645801, 0});
  near(posterior(1, 0), {0.569156200811, 0.371141960770, 0.029850919209, 0.029850919209, 0});
  const auto f = [&](int y) {
    return distribution([&](double *out, double *mask) { step_from_posterior(step, 4, y, pi.data(), out, mask); });
  };
  const auto l = [&](int y) {
    return distribution([&](double *out, double *mask) { step_from_leave_one_out(step, 4, y, pi.data(), out, mask); });
  };
  near(f(-1), {0.227341344135, 0.125, 0.084063462346, 0.063595193519, 0.5});
  near(f(1), {0.293082241658, 0.525232236227, 0.104325393097, 0.077360129017, 0});
  near(l(1), {0.117845468171, 0.805613665511, 0.043575435493, 0.032965430825, 0});
  near(l(-1), {0.227341344135, 0.125, 0.084063462346, 0.063595193519, 0.5});

  const auto remask = [&](int y) {
    return distribution([&](double *out, double *mask) { step_remasking(step, 1, 4, y, pi.data(), out, mask); });
  };
  near(remask(-1), {0.250910437769, 0.137959088966, 0.092778549445, 0.070188279684, 0.448163644136});
  near(remask(1), {0.082491827720, 0.786175032062, 0.030502804845, 0.023075801577, 0.077754533795});

  step = Noise::between({-std::log1p(-.6), .5}, {0, 0});
  near(f(-1), {.5, .25, .15, .1, 0});
  near(f(1), {.5, .25, .15, .1, 0});
}

void words(void **) {
  NoiseParameters p;
  assert_string_equal(describe_path(p).c_str(), "absorbing, linear clock");
  p.clock = NoiseClock::log_linear;
  p.path = NoisePath::gamma;
  p.mix = .05;
  assert_string_equal(describe_path(p).c_str(), "gamma-hybrid, gamma 0.05, log-linear clock, e0 0.005");
  // The clocks of this path are its own.
  p.path = NoisePath::gidd;
  assert_string_equal(describe_path(p).c_str(), "gidd, p_uniform 0.05");
}

void heads(void **) {
  std::vector<double> p = pi;
  leave_one_out_from_posterior(example().rho(4), 4, 1, pi.data(), p.data());
  near(p, {0.637034309531, 0.044448535704, 0.191110292859, 0.127406861906});
  posterior_from_leave_one_out(example().kappa_t, 4, 1, p.data(), p.data());
  near(p, {.5, .25, .15, .1});
  posterior_from_leave_one_out(.5, 4, 1, pi.data(), p.data());
  near(p, {0.25, 0.625, 0.075, 0.05});
  recalibrate_posterior(.5, .9, 4, 1, p.data(), p.data());
  near(p, {0.05, 0.925, 0.015, 0.01});

  p = {1.606530659713, 17, 0.757387736115, 0.636081604172};  // its own score is pinned to 1
  leave_one_out_from_score(example().kappa_t, 4, 1, p.data(), p.data());
  near(p, {.5, .25, .15, .1});
  p = {0.267755109952, 0.166666666667, 0.126231289352, 0.106013600695};
  leave_one_out_from_score(example().kappa_t, 4, -1, p.data(), p.data());
  for (size_t i = 0; i < 4; ++i) near(p[i], pi[i], 1e-10);

  p = {2.773416326622, 1, 1.392408917534, 1.195122144807};
  posterior_from_official_score(.7, 4, 1, p.data(), p.data());
  for (size_t i = 0; i < 4; ++i) near(p[i], pi[i], 1e-10);
  p = {0.493216931817, 0.246608465909, 0.147965079545, 0.098643386363};
  posterior_from_official_score(.7, 4, -1, p.data(), p.data());
  for (size_t i = 0; i < 4; ++i) near(p[i], pi[i], 1e-10);
}

void catalogue(void **) {
  const Noise gamma = made(NoisePath::gamma, .05, NoiseClock::log_linear);
  const auto check = [](const Noise &noise, double t, double sigma, double a, double u, double m) {
    const Clocks clocks = noise.at(t);
    if (sigma >= 0) near(noise.sigma(t), sigma);
    near(clocks.a(), a);
    near(clocks.u(), u);
    near(clocks.m(), m);
  };
  check(gamma, 1e-3, 0.000995495341, 0.999005000000, 0.000049726479, 0.000945273521);
  check(gamma, .5, 0.688159639049, 0.502500000000, 0.017590909307, 0.479909090693);
  check(gamma, .999, 5.116829490503, 0.005995000000, 0.001747830071, 0.992257169929);
  check(made(NoisePath::gamma, .05, NoiseClock::geometric), .5, 0.031622776602, 0.968871994340, 0.001533132860,
        0.029594872800);
  const Noise gidd = made(NoisePath::gidd, .2);
  check(gidd, .25, -1, 0.616519592698, 0.177973876402, 0.205506530899);
  check(gidd, .5, -1, .4, .2, .4);
  check(gidd, 1, -1, 0, 0, 1);

  const Noise epsilon = made(NoisePath::epsilon, .1);
  const Transition step = epsilon.transition(6, 3, 10);
  near(distribution([&](double *out, double *mask) { step_from_posterior(step, 4, -1, pi.data(), out, mask); }),
       {0.2375, 0.125, 0.08, 0.0575, 0.5});
  assert_true(step.phi == 0 && !step.visible_fixed);
  assert_true(epsilon.transition(1, 0, 10).phi == 1);

  NoiseParameters p;
  p.grid = NoiseGrid::official;
  const Noise official = Noise::create(p).value();
  const double grid[] = {0.001, 0.143571428571, 0.286142857143, 0.428714285714,
                         0.571285714286, 0.713857142857, 0.856428571429, 0.999};
  for (int l = 1; l <= 8; ++l) near(official.time(l, 8), grid[l - 1], 1e-12);
  assert_true(official.time(0, 8) == 0);
}

void levels(void **) {
  // Reveal probabilities of the linear mask are exact quotients.
  const Noise linear = made(NoisePath::absorbing, 0);
  assert_true(linear.transition(3, 2, 7).reveal == 1.0 / 3.0 && linear.transition(7, 0, 7).reveal == 1);
  assert_true(linear.transition(2, 2, 7).identity && linear.transition(2, 0, 7).final);

  for (NoisePath path : {NoisePath::absorbing, NoisePath::uniform, NoisePath::epsilon, NoisePath::gamma, NoisePath::gidd})
    for (NoiseClock clock : {NoiseClock::linear, NoiseClock::log_linear, NoiseClock::geometric, NoiseClock::cosine})
      for (double mix : {0.0, .3, path == NoisePath::gamma ? 1.0 : .9}) {
        const Noise noise = made(path, mix, clock);
        const Clocks top = noise.at_level(5, 5);
        assert_true(noise.uses_mask() ? top.m() == 1 : top.kappa() == 0);
        for (int from = 1; from <= 5; ++from)
          for (int to = 0; to < from; ++to) {
            const Transition step = noise.transition(from, to, 5);
            for (int y = -1; y < 4; ++y) {
              if (y < 0 && !step.mask_reachable) continue;
              const auto p = distribution(
                  [&](double *out, double *mask) { step_from_posterior(step, 4, y, pi.data(), out, mask); });
              double sum = 0;
              for (double value : p) {
                assert_true(value >= 0);
                sum += value;
              }
              near(sum, 1, 1e-14);
              if (to == 0 && (y < 0 || !step.visible_fixed)) near(p, {.5, .25, .15, .1, 0});
            }
          }
      }
  NoiseParameters bad;
  bad.clock = NoiseClock::geometric;
  bad.sigma_min = 2;
  bad.sigma_max = 1;
  assert_false(Noise::create(bad).ok());
  bad = {};
  bad.path = NoisePath::gamma;
  bad.mix = std::nan("");
  assert_false(Noise::create(bad).ok());
}

void stress(void **) {
  for (size_t tokens : {size_t{2}, size_t{50257}}) {
    std::vector<double> weights(tokens), out(tokens);
    long double sum = 0;
    for (size_t i = 0; i < tokens; ++i) sum += weights[i] = 1 / static_cast<double>(i + 1);
    for (double &value : weights) value = static_cast<double>(value / sum);
    for (double lam : {0.0, 1e-300, 1e-12, .5, 30.0, 700.0, infinity})
      for (double part : {0.0, 1e-12, .5, 1 - 1e-12})
        for (double mu : {1e-12, 1.0, infinity}) {
          const double lam_s = std::isinf(lam) ? 700 * part : lam * part, mu_s = std::isinf(mu) ? 40 * part : mu * part;
          const Transition step = Noise::between({mu, lam}, {mu_s, lam_s});
          for (int y : {-1, 0, 1}) {
            double mask = 0;
            step_from_posterior(step, tokens, y, weights.data(), out.data(), &mask);
            long double total = mask;
            for (double value : out) {
              assert_true(value >= 0 && value <= 1);
              total += value;
            }
            near(static_cast<double>(total), 1, 1e-14);
          }
        }
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(steps), cmocka_unit_test(heads), cmocka_unit_test(catalogue),
                              cmocka_unit_test(levels), cmocka_unit_test(stress), cmocka_unit_test(words)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
