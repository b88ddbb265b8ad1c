// SPDX-License-Identifier: Apache-2.0
// The matrices, posteriors and schedules of the published programs' reference cases.
#include "noise/posterior.h"
#include "numbers.h"
#include "support/shared.h"

#include <cstdio>
#include <vector>

using namespace temper;
using namespace numbers;

namespace {

test::ReferenceCases cases;
size_t token_count = 0, state_count = 0;  // of the cases; the mask is the last state

size_t places(const std::string &name) { return static_cast<size_t>(cases.shape(name)[0]); }
int token_of(size_t state) { return state == token_count ? masked_state : static_cast<int>(state); }

Clocks gamma_clocks(double gamma, double sigma) { return {(1 - gamma) * sigma, gamma * sigma}; }

// Probability of state y from x after these clocks.
double forward(const Clocks &clocks, size_t x, size_t y) {
  if (x == token_count) return x == y ? 1 : 0;
  if (y == token_count) return clocks.m();
  return (x == y ? clocks.a() : 0) + clocks.u() / static_cast<double>(token_count);
}

void transitions(void **) {
  const auto gamma = cases.get<double>("gamma"), sigma = cases.get<double>("sigma");
  const auto exact = cases.get<double>("qgamma.exact_transition"), drawn = cases.get<double>("qgamma.sample_transition_probs"),
             rows = cases.get<double>("qgamma.transp_transition_rows");
  size_t i = 0;
  for (double g : gamma)
    for (double s : sigma) {
      const Clocks clocks = gamma_clocks(g, s);
      for (size_t y = 0; y < state_count; ++y)
        for (size_t x = 0; x < state_count; ++x, ++i) {
          near(exact[i], forward(clocks, x, y), 1e-12);
          near(drawn[i], forward(clocks, x, y), 1e-12);
          // transp_transition: row y of the exact matrix.
          near(rows[i], forward(clocks, x, y), 1e-12);
        }
    }
  assert_int_equal(i, exact.size());
}

// (11): the staggered score times the transition is the law of (10) and (6).
void staggered(void **) {
  const auto gamma = cases.get<double>("gamma"), delta = cases.get<double>("staggered.dsigma"),
             score = cases.get<double>("staggered.score"), exact = cases.get<double>("staggered.exact");
  size_t i = 0, laws = 0;
  for (double g : gamma)
    for (double d : delta)
      for (size_t n = 0; n < places("staggered.score"); ++n, i += state_count) {
        const double *s = &score[n * state_count];
        double sum = 0, lowest = 0, scale = 1;
        for (size_t x = 0; x < token_count; ++x) sum += s[x];
        for (size_t x = 0; x < state_count; ++x) scale = std::max(scale, std::fabs(exact[i + x]));
        for (size_t x = 0; x < token_count; ++x) {
          near(exact[i + x], std::exp((1 - g) * d) * (std::exp(g * d) * s[x] - std::expm1(g * d) * sum / static_cast<double>(token_count)),
               1e-12 * scale);
          lowest = std::min(lowest, exact[i + x]);
        }
        near(exact[i + token_count], s[token_count] - std::expm1((1 - g) * d) * sum, 1e-12 * scale);
        if (lowest < 0 || exact[i + token_count] < 0) continue;  // no score of a distribution
        // A path on which these are the scores: clean of uniform noise before, odds of the mask as given.
        const Clocks step = gamma_clocks(g, d);
        const double mu = std::log1p(s[token_count] / sum);
        if (mu < step.mu) continue;
        const Clocks later{mu, step.lam}, earlier{mu - step.mu, 0};
        const Transition back = Noise::between(later, earlier);
        for (size_t y = 0; y < state_count; ++y) {
          if (y < token_count && (back.visible_fixed || s[y] == 0)) continue;
          std::vector<double> p(state_count), law(state_count);
          for (size_t x = 0; x < token_count; ++x) p[x] = s[x] / (y < token_count ? s[y] : s[token_count]);
          leave_one_out_from_score(back.kappa_t, token_count, token_of(y), p.data(), p.data());
          step_from_leave_one_out(back, token_count, token_of(y), p.data(), p.data(), &p[token_count]);
          double total = 0;
          for (size_t z = 0; z < state_count; ++z) total += law[z] = exact[i + z] * forward(step, z, y);
          for (size_t z = 0; z < state_count; ++z) near(p[z], law[z] / total, 1e-11);
          ++laws;
        }
      }
  assert_int_equal(i, exact.size());
  assert_true(laws > 20);
}

void tweedie(void **) {
  const auto gamma = cases.get<double>("gamma"), sigmas = cases.get<double>("tweedie.sigma_t_sigma_s"),
             score = cases.get<double>("tweedie.true_score"), exact = cases.get<double>("tweedie.exact_posterior");
  size_t i = 0, checked = 0;
  for (double g : gamma)
    for (size_t k = 0; k < places("tweedie.sigma_t_sigma_s"); ++k) {
      const Transition step =
          Noise::between(gamma_clocks(g, sigmas[2 * k]), gamma_clocks(g, sigmas[2 * k + 1]));
      for (size_t y = 0; y < state_count; ++y, i += state_count) {
        double total = 0;
        for (size_t z = 0; z < state_count; ++z) total += exact[i + z];
        if (total == 0) continue;  // a state that doesn't occur
        std::vector<double> p(state_count);
        leave_one_out_from_score(step.kappa_t, token_count, token_of(y), &score[i], p.data());
        step_from_leave_one_out(step, token_count, token_of(y), p.data(), p.data(), &p[token_count]);
        for (size_t z = 0; z < state_count; ++z) near(p[z], exact[i + z], 1e-11);
        ++checked;
      }
    }
  assert_int_equal(i, exact.size());
  assert_true(checked > 100);
}

// What is left at t = 1; with the terminal clamp nothing is.
void limit(void **) {
  const auto gamma = cases.get<double>("gamma"),
             exact = cases.get<double>("limit.mask_probability_exact_at_t1_loglinear");
  for (size_t i = 0; i < gamma.size(); ++i) {
    NoiseParameters p;
    p.path = NoisePath::gamma;
    p.clock = NoiseClock::log_linear;
    p.mix = gamma[i];
    near(made(p).at(1).m(), exact[i], 1e-12);
    const Clocks top = made(p).at_level(4, 4);
    near(top.a(), 0, 0);
    near(top.m(), gamma[i] < 1 ? 1 : 0, 0);
    p.terminal_clamp = false;
    near(made(p).at_level(4, 4).m(), exact[i], 1e-12);
  }
}

void schedules(void **) {
  struct Clock {
    const char *name;
    NoiseClock clock;
    double e0, low, high;
  };
  const auto t = cases.get<float>("noise.t");
  for (const Clock &c : {Clock{"loglinear_hdlm_eps5e-3", NoiseClock::log_linear, 5e-3, 1e-4, 10},
                         Clock{"loglinear_eps1e-3", NoiseClock::log_linear, 1e-3, 1e-4, 10},
                         Clock{"geometric_1e-4_10", NoiseClock::geometric, 5e-3, 1e-4, 10},
                         Clock{"geometric_1e-3_1", NoiseClock::geometric, 5e-3, 1e-3, 1}}) {
    NoiseParameters p;
    p.path = NoisePath::gamma;
    p.mix = .05;
    p.clock = c.clock;
    p.e0 = c.e0;
    p.sigma_min = static_cast<double>(static_cast<float>(c.low));  // the published module keeps floats
    p.sigma_max = c.high;
    const Noise noise = made(p);
    const std::string name = c.name;
    const auto sigma = cases.get<double>(name + ".sigma64"), rate = cases.get<double>(name + ".dsigma64");
    const auto sigma32 = cases.get<float>(name + ".sigma"), rate32 = cases.get<float>(name + ".dsigma");
    for (size_t i = 0; i < t.size(); ++i) {
      const double time = static_cast<double>(i) / static_cast<double>(t.size() - 1);  // t itself is a float
      near(time, static_cast<double>(t[i]), 1e-7);
      near(noise.sigma(time), sigma[i], 1e-12 * (1 + sigma[i]));
      // It also takes the logarithms of the geometric clock as floats.
      near(noise.sigma_rate(time), rate[i], (c.clock == NoiseClock::geometric ? 2e-7 * rate[i] : 1e-12 * (1 + rate[i])));
      near(noise.sigma(time), static_cast<double>(sigma32[i]), 1e-4 * (1 + sigma[i]));
      near(noise.sigma_rate(time), static_cast<double>(rate32[i]), 1e-4 * (1 + rate[i]));
    }
  }
}

void epsilon_hybrid(void **) {
  const auto epsilon = cases.get<double>("epshybrid.epsilon"), times = cases.get<double>("epshybrid.t"),
             exact = cases.get<double>("epshybrid.q_given_x0_is_0");
  size_t i = 0;
  for (double e : epsilon) {
    const Noise noise = made(NoisePath::epsilon, e);
    for (double t : times) {
      // The loss masks with p = (1-1e-4) t + 1e-4: the path at that time.
      const Clocks clocks = noise.at((1 - 1e-4) * t + 1e-4);
      for (size_t y = 0; y < state_count; ++y, ++i) near(exact[i], forward(clocks, 0, y), 1e-12);
    }
  }
  assert_int_equal(i, exact.size());
}

}  // namespace

int main() {
  if (!cases.open("noise")) {
    std::printf("skipped: no shared/reference/noise (set TEMPER_SHARED)\n");
    return 77;
  }
  state_count = static_cast<size_t>(cases.shape("qgamma.Q")[1]);
  token_count = state_count - 1;
  const CMUnitTest tests[] = {cmocka_unit_test(transitions), cmocka_unit_test(staggered), cmocka_unit_test(tweedie),
                              cmocka_unit_test(limit),       cmocka_unit_test(schedules), cmocka_unit_test(epsilon_hybrid)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
