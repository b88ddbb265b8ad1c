// SPDX-License-Identifier: Apache-2.0
// The terms of the bound against the distributions that they compare, written out in full, and against the
// numbers of MATH 1.8 and 5.2.
#include "score/terms.h"

#include "noise/posterior.h"

#include <cmath>
#include <limits>
#include <random>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
extern "C" {
#include <cmocka.h>
}

using namespace temper;

namespace {

void close(double a, double b, double tolerance, const char *what) {
  if (!(std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b)))) fail_msg("%s: %.15g instead of %.15g", what, a, b);
}

double full_divergence(const std::vector<double> &q, double q_mask, const std::vector<double> &p, double p_mask) {
  double sum = q_mask > 0 ? q_mask * std::log(q_mask / p_mask) : 0;
  for (size_t z = 0; z < q.size(); ++z)
    if (q[z] > 0) sum += q[z] * std::log(q[z] / p[z]);
  return sum;
}

struct Random {
  std::mt19937_64 engine{11};
  double unit() { return std::uniform_real_distribution<>(1e-3, 1)(engine); }
  std::vector<double> simplex(size_t n, double sharpness) {
    std::vector<double> p(n);
    for (double &value : p) value = std::pow(unit(), sharpness) + 1e-9;
    normalise(n, p.data());
    return p;
  }
};

Transition random_step(Random &random, int kind) {
  Clocks t{random.unit() * 3, random.unit() * 2}, s{t.mu * random.unit(), t.lam * random.unit()};
  if (kind == 1) t.lam = s.lam = 0;                                       // absorbing
  if (kind == 2) t.mu = s.mu = 0;                                         // uniform
  if (kind == 3) s = {};                                                  // to the end
  if (kind == 4) t.mu = std::numeric_limits<double>::infinity();          // from the mask
  if (kind == 5) t = {0, std::numeric_limits<double>::infinity()}, s.mu = 0;  // from uniform noise
  if (kind == 6) s.lam = t.lam;                                           // the mask clock alone
  return Noise::between(t, s);
}

void test_against_full_distributions(void **) {
  Random random;
  for (const size_t n : {size_t{2}, size_t{5}, size_t{40}})
    for (int round = 0; round < 700; ++round) {
      const Transition step = random_step(random, round % 7);
      const auto x = static_cast<int32_t>(random.engine() % n);
      auto y = static_cast<int32_t>(random.engine() % (n + 1)) - 1;
      if (y < 0 && !step.mask_reachable) y = x;
      if (y >= 0 && step.visible_fixed) y = x;
      const std::vector<double> p = random.simplex(n, round % 3 == 0 ? 12 : 1);
      std::vector<double> q(n), r(n);
      double q_mask = 0, p_mask = 0;
      exact_posterior(step, n, y, x, q.data(), &q_mask);
      step_from_posterior(step, n, y, p.data(), r.data(), &p_mask);
      close(divergence_of_posterior(step, n, y, x, p.data()), full_divergence(q, q_mask, r, p_mask), 1e-9,
            "posterior");  // its own 1 - ... at y is where the digits go
      step_from_leave_one_out(step, n, y, p.data(), r.data(), &p_mask);
      close(divergence_of_leave_one_out(step, n, y, x, p.data()), full_divergence(q, q_mask, r, p_mask), 1e-11,
            "leave one out");
      assert_true(divergence_of_posterior(step, n, y, x, p.data()) > -1e-12);
    }
}

// A perfect prediction costs what is unknown and no more; certainty of the truth costs nothing.
void test_certainty(void **) {
  Random random;
  for (int round = 0; round < 200; ++round) {
    const size_t n = 6;
    const Transition step = random_step(random, round % 7);
    const auto x = static_cast<int32_t>(random.engine() % n);
    std::vector<double> certain(n, 0.0);
    certain[static_cast<size_t>(x)] = 1;
    if (step.mask_reachable) close(divergence_of_posterior(step, n, masked_state, x, certain.data()), 0, 1e-13, "masked");
    close(divergence_of_posterior(step, n, x, x, certain.data()), 0, 1e-12, "visible");
    close(divergence_of_leave_one_out(step, n, x, x, certain.data()), 0, 1e-12, "visible, leave one out");
  }
}

// (17): the terms of a tiny step, per unit of time. Vector of MATH 5.2.
void test_rates(void **) {
  const std::vector<double> pit = {.5, .25, .15, .1};
  const double m = .6, lam = .5, dt = 1e-7;
  const Transition step = Noise::between({-std::log1p(-m), lam}, {-std::log1p(-(m - dt)), lam - .7 * dt});
  const auto rate = [&](int32_t y) { return divergence_of_leave_one_out(step, 4, y, 0, pit.data()) / dt; };
  close(rate(masked_state), 0.321828837349, 2e-6, "rate at the mask");
  close(rate(0), 0.095745912375, 2e-6, "rate at the true token");
  close(rate(1), 0.923891910662, 2e-6, "rate at another token");
}

void test_prior(void **) {
  assert_true(prior_divergence({std::numeric_limits<double>::infinity(), .3}, 5) == 0);
  close(prior_divergence({0, std::numeric_limits<double>::infinity()}, 5), 0, 1e-15, "uniform");
  const double m = .9, kappa = .2, on = kappa + .8 / 5, off = .8 / 5;
  close(prior_divergence({-std::log1p(-m), -std::log(kappa)}, 5),
        (1 - m) * (on * std::log(5 * on) + 4 * off * std::log(5 * off)), 1e-13, "open end");
}

HeadDescription head_of(HeadForm kind, int32_t columns, int32_t mask) {
  HeadDescription head;
  head.kind = kind;
  head.columns = head.vocabulary = columns;
  head.mask_token = mask;
  return head;
}

// Rows of every form of head that say the same give the same term, wherever the mask's column is.
void test_heads_agree(void **) {
  const std::vector<double> pit = {.5, .25, .15, .1};
  const Clocks t{-std::log1p(-.6), .5}, s{-std::log1p(-.3), .2};
  const Transition step = Noise::between(t, s);
  for (const int32_t mask : {4, 0, 2})
    for (int32_t y = -1; y < 4; ++y) {
      std::vector<double> pi(4);
      posterior_from_leave_one_out(t.kappa(), 4, y, pit.data(), pi.data());
      const auto id = [&](int32_t dense) { return dense < 0 ? mask : dense >= mask ? dense + 1 : dense; };
      const auto row_of = [&](const std::vector<double> &values, double shift) {
        std::vector<float> row(5, 77.0F);  // the mask's own column says nothing
        for (int32_t z = 0; z < 4; ++z)
          row[static_cast<size_t>(id(z))] = static_cast<float>(std::log(values[static_cast<size_t>(z)]) + shift);
        return row;
      };
      const double expected = divergence_of_posterior(step, 4, y, 0, pi.data());
      const auto term = [&](HeadDescription head, const Transition &by, const std::vector<float> &row) {
        return RowTerm(head)(by, id(y), id(0), row);
      };
      HeadDescription head = head_of(HeadForm::posterior, 5, mask);
      close(term(head, step, row_of(pi, 3)), expected, 1e-6, "posterior");
      close(term(head_of(HeadForm::leave_one_out, 5, mask), step, row_of(pit, -2)), expected, 1e-6, "leave one out");
      // Trained on another retention of visible tokens (9).
      std::vector<double> tilted(4);
      posterior_from_leave_one_out(.5, 4, y, pit.data(), tilted.data());
      head.kappa_eff = .5;
      close(term(head, step, row_of(tilted, 0)), expected, 1e-6, "tilted posterior");
      // Scores (10): ratios of P_t.
      std::vector<double> scores(4);
      for (size_t z = 0; z < 4; ++z) {
        const double uniform = (1 - t.kappa()) / 4, own = y < 0 ? 1 : t.kappa() * pit[static_cast<size_t>(y)] + uniform;
        scores[z] = (t.kappa() * pit[z] + uniform) / own;
      }
      close(term(head_of(HeadForm::score_exact, 5, mask), step, row_of(scores, 0)), expected, 1e-5, "scores");
      // Scores of the published gamma loss (12).
      Transition gamma = step;
      gamma.sigma_t = .7;
      const double e = std::expm1(.7), n = 4, kept = 1 - n / (e + n);
      for (size_t z = 0; z < 4; ++z)
        scores[z] = y < 0 ? pi[z] / e
                          : pi[static_cast<size_t>(y)] * kept + 1 - pi[static_cast<size_t>(y)] + pi[z] * n / e;
      close(term(head_of(HeadForm::score_official_gamma, 5, mask), gamma, row_of(scores, 0)), expected, 1e-5,
            "published scores");
    }
}

void test_cross_entropy_and_bad_rows(void **) {
  const HeadDescription head = head_of(HeadForm::posterior, 5, 4);
  const Transition last = Noise::between({std::numeric_limits<double>::infinity(), 0}, {0, 0});
  RowTerm term(head);
  const std::vector<float> row = {-900, 0, 1, 2, 50};
  const double log_sum = std::log(1 + std::exp(1.0) + std::exp(2.0));
  close(term(last, 4, 0, row), 900 + log_sum, 1e-12, "far below");
  close(term(last, -1, 3, row), log_sum - 2, 1e-12, "near");
  // (16): one level of a linear grid costs CE / l.
  const Transition third = Noise::between({-std::log1p(-3.0 / 8), 0}, {-std::log1p(-2.0 / 8), 0});
  close(term(third, 4, 3, row), (log_sum - 2) / 3, 1e-12, "one level of eight");
  assert_true(term(third, 3, 3, row) == 0);  // visible: nothing can happen
  const float none = -std::numeric_limits<float>::infinity();
  assert_true(std::isinf(term(last, 4, 0, std::vector<float>{none, 0, 0, 0, 0})));
  assert_true(std::isnan(term(last, 4, 0, std::vector<float>{0, NAN, 0, 0, 0})));
  assert_true(std::isnan(term(last, 4, 0, std::vector<float>{none, none, none, none, 0})));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_against_full_distributions),
      cmocka_unit_test(test_certainty),                  cmocka_unit_test(test_rates),
      cmocka_unit_test(test_prior),                      cmocka_unit_test(test_heads_agree),
      cmocka_unit_test(test_cross_entropy_and_bad_rows),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
