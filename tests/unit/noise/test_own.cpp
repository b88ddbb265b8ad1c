// SPDX-License-Identifier: Apache-2.0
// Paths of callers: equal to the built-in ones they were read from, refused where they run backwards.
#include "noise/own.h"
#include "numbers.h"

#include <cstring>
#include <limits>
#include <vector>

using namespace temper;
using namespace numbers;

namespace {

constexpr int level_count = 12;

struct Values {
  std::vector<double> a, m;
};

Values values_of(const Noise &noise, int levels) {
  Values values;
  for (int l = 0; l <= levels; ++l) {
    const Clocks clocks = noise.at_level(l, levels);
    values.a.push_back(clocks.a());
    values.m.push_back(clocks.m());
  }
  return values;
}

Noise from_table(const Values &values) {
  NoiseParameters p;
  p.path = NoisePath::table;
  auto own = OwnPath::table(values.a.data(), values.m.data(), static_cast<int>(values.a.size()) - 1);
  if (!own.ok()) fail_msg("%s", own.status().message().c_str());
  p.own = own.value();
  return made(p);
}

void ask(void *user, double t, double *a, double *m) {
  const Clocks clocks = t > 0 ? static_cast<const Noise *>(user)->at(t) : Clocks{};
  *a = clocks.a();
  *m = clocks.m();
}

Noise from_function(NoiseFunction function, const void *user) {
  NoiseParameters p;
  p.path = NoisePath::callback;
  auto own = OwnPath::callback(function, const_cast<void *>(user));
  if (!own.ok()) fail_msg("%s", own.status().message().c_str());
  p.own = own.value();
  return made(p);
}

void same_steps(const Noise &own, const Noise &path) {
  assert_true(own.uses_mask() == path.uses_mask() && own.uses_uniform() == path.uses_uniform());
  for (int from = 1; from <= level_count; ++from)
    for (int to = 0; to <= from; ++to) {
      const Transition x = own.transition(from, to, level_count), y = path.transition(from, to, level_count);
      near(x.reveal, y.reveal, 1e-13);
      near(x.stay, y.stay, 1e-13);
      if (x.m_s < 1) near(x.kappa_s, y.kappa_s, 1e-13);
      near(x.m_t, y.m_t, 1e-13);
      near(x.m_s, y.m_s, 1e-13);
      assert_true(x.identity == y.identity && x.final == y.final && x.t == y.t && x.s == y.s);
      assert_true(x.mask_reachable == y.mask_reachable && (x.m_t == 1 || x.visible_fixed == y.visible_fixed));
      if (x.m_t == 1) continue;  // no token is visible
      near(x.kappa_t, y.kappa_t, 1e-13);
      near(x.phi, y.phi, 1e-10);
      assert_true((x.phi == 0) == (y.phi == 0));
      near(x.k, y.k, 1e-13);
    }
}

void equal_to_built_in(void **) {
  for (NoisePath kind : {NoisePath::absorbing, NoisePath::uniform, NoisePath::epsilon, NoisePath::gamma, NoisePath::gidd})
    for (NoiseClock clock : {NoiseClock::linear, NoiseClock::log_linear, NoiseClock::cosine})
      for (double mix : {0.0, .3, kind == NoisePath::gamma ? 1.0 : .9}) {
        const Noise path = made(kind, mix, clock);
        same_steps(from_table(values_of(path, level_count)), path);
        const Noise function = from_function(ask, &path);
        same_steps(function, path);
        assert_true(function.check(level_count).ok());
        for (double t : {.1, .5, .9}) near(function.sigma(t), -std::log(path.at(t).a()));
      }
}

// Between its entries a table runs in straight lines, at levels of its own it is exact.
void interpolates(void **) {
  const Values values = {{1, .7, .3, 0}, {0, .2, .5, 1}};
  const Noise noise = from_table(values);
  for (int l = 0; l <= 3; ++l) {
    near(noise.at_level(l, 3).a(), values.a[static_cast<size_t>(l)], 1e-15);
    near(noise.at_level(2 * l, 6).m(), values.m[static_cast<size_t>(l)], 1e-15);
    near(noise.at(l / 3.0).u(), 1 - values.a[static_cast<size_t>(l)] - values.m[static_cast<size_t>(l)], 1e-15);
  }
  near(noise.at_level(3, 6).a(), .5, 1e-15);
  near(noise.at_level(3, 6).m(), .35, 1e-15);
  near(noise.at_level(3, 6).u(), .15, 1e-15);
  near(noise.at(5.0 / 6).m(), .75, 1e-15);
  near(noise.sigma(.5), -std::log(.5), 1e-14);
  // Even so it stays a Markov chain.
  Clocks before;
  for (int l = 1; l <= 1000; ++l) {
    const Clocks now = noise.at_level(l, 1000);
    assert_true(now.mu >= before.mu && now.lam >= before.lam);
    before = now;
  }
}

void terminal(void **) {
  const Values values = {{1, .5, .2}, {0, .25, .5}};
  const Noise clamped = from_table(values);
  assert_true(clamped.at_level(2, 2).m() == 1);
  NoiseParameters p = clamped.parameters();
  p.terminal_clamp = false;
  near(made(p).at_level(2, 2).m(), .5, 1e-15);
  near(made(p).at_level(2, 2).a(), .2, 1e-15);
  // Without masks pure noise is uniform.
  assert_true(from_table({{1, .5, .2}, {0, 0, 0}}).at_level(2, 2).kappa() == 0);
}

Status bad(std::vector<double> a, std::vector<double> m) {
  return OwnPath::table(a.data(), m.data(), static_cast<int>(a.size()) - 1).status();
}

void bad_tables(void **) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  refused(bad({.9, .5}, {0, .5}), "level 0");
  refused(bad({1, .5}, {.1, .5}), "level 0");
  refused(bad({1, nan}, {0, .5}), "a is nan at level 1");
  refused(bad({1, .5, .2}, {0, .5, nan}), "m is nan at level 2");
  refused(bad({1, .5, -.1}, {0, .5, .6}), "at level 2");
  refused(bad({1, .5, .3}, {0, .5, 1.5}), "at level 2");
  refused(bad({1, .7}, {0, .5}), "a + m is 1.2");
  refused(bad({1, .5, .4, .3}, {0, .5, .45, .5}), "m falls from 0.5 to 0.45 at level 2");
  // m grows, but visible tokens would have to become right again.
  refused(bad({1, .5, .45, .4}, {0, .2, .4, .6}), "rises");
  refused(bad({1, .5, .45, .4}, {0, .2, .4, .6}), "at level 2");
  refused(bad({1, .3, .31}, {0, 0, 0}), "at level 2");
  refused(bad({1, 0, .1}, {0, 1, .9}), "at level 2");
  refused(bad({1, 1, 1}, {0, 0, 0}), "no noise");
  refused(OwnPath::table(nullptr, nullptr, 3).status(), "NULL");
  const double one[] = {1, 0};
  refused(OwnPath::table(one, one, 0).status(), "levels");
  refused(OwnPath::table(one, one, (1 << 20) + 1).status(), "levels");
  // Standing still is fine, and what rounding does isn't movement.
  assert_true(bad({1, .5, .5, .2}, {0, .25, .25, .6}).ok());
  const Noise absorbing = from_table({{1, 1 - .1, 1 - .1 - .2, 0}, {0, .1, .1 + .2, 1}});
  assert_false(absorbing.uses_uniform());
  NoiseParameters p;
  p.path = NoisePath::table;
  assert_false(Noise::create(p).ok());
}

void falling(void *, double t, double *a, double *m) {
  *m = t < .5 ? t : 1 - t;
  *a = 1 - *m;
}
void dirty(void *, double t, double *a, double *m) { *m = .1 + .9 * t, *a = 1 - *m; }
void silent(void *, double, double *, double *) {}
// Right at the times that are asked at creation, and only there.
void narrow(void *, double t, double *a, double *m) {
  *m = t * 1024 == std::floor(t * 1024) ? t : 0;
  *a = 1 - *m;
}

void bad_functions(void **) {
  refused(OwnPath::callback(nullptr, nullptr).status(), "NULL");
  refused(OwnPath::callback(falling, nullptr).status(), "t = 0.500976562");
  refused(OwnPath::callback(dirty, nullptr).status(), "t = 0");
  refused(OwnPath::callback(silent, nullptr).status(), "nan");
  const Noise noise = from_function(narrow, nullptr);
  assert_true(noise.check(8).ok());
  refused(noise.check(24), "m falls from 0.125 to 0 at t = 0.166666667");
  // What is wrong in spite of it never leaves the range.
  for (int from = 1; from <= 24; ++from)
    for (int to = 0; to <= from; ++to) {
      const Transition step = noise.transition(from, to, 24);
      assert_true(step.reveal >= 0 && step.reveal <= 1 && step.stay >= 0 && step.stay <= 1);
      assert_true(step.phi >= 0 && step.phi <= 1);
    }
}

void rates(void **) {
  for (NoisePath kind : {NoisePath::absorbing, NoisePath::uniform, NoisePath::epsilon, NoisePath::gamma, NoisePath::gidd})
    for (NoiseClock clock : {NoiseClock::linear, NoiseClock::log_linear, NoiseClock::geometric, NoiseClock::cosine}) {
      const Noise path = made(kind, .3, clock);
      const Noise own = clock == NoiseClock::geometric ? path : from_function(ask, &path);
      for (double t : {.1, .4, .7}) {
        const double h = 1e-6;
        const Clocks low = path.at(t - h), high = path.at(t + h), rate = path.rates(t), measured = own.rates(t);
        near(rate.mu, (high.mu - low.mu) / (2 * h), 1e-7);
        near(rate.lam, (high.lam - low.lam) / (2 * h), 1e-7);
        near(path.sigma_rate(t), (path.sigma(t + h) - path.sigma(t - h)) / (2 * h), 1e-7);
        near(measured.mu, rate.mu, 1e-7);
        near(measured.lam, rate.lam, 1e-7);
      }
    }
  const Noise gidd = made(NoisePath::gidd, .2);
  near(gidd.rates(0).mu, 1);
  assert_true(std::isinf(gidd.rates(0).lam) && made(NoisePath::gidd, 0).rates(0).lam == 0);
}

void dream_grid(void **) {
  NoiseParameters p;
  p.grid = NoiseGrid::dream;
  const Noise noise = made(p);
  // linspace(1, 1e-3, 6), read backwards.
  for (int l = 1; l <= 5; ++l) near(noise.time(l, 5), 1 - (1 - 1e-3) * (5 - l) / 5, 1e-15);
  assert_true(noise.time(0, 5) == 0 && noise.time(5, 5) == 1);
  near(noise.transition(3, 2, 5).reveal, 1 - noise.time(2, 5) / noise.time(3, 5), 1e-15);
  p.sampling_eps = .01;
  near(made(p).time(1, 5), .01 + .99 / 5, 1e-15);
  p.sampling_eps = .5;
  assert_false(Noise::create(p).ok());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(equal_to_built_in), cmocka_unit_test(interpolates),
                              cmocka_unit_test(terminal),          cmocka_unit_test(bad_tables),
                              cmocka_unit_test(bad_functions),     cmocka_unit_test(rates),
                              cmocka_unit_test(dream_grid)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
