// SPDX-License-Identifier: Apache-2.0
// The family of chains with the same marginals (MATH 1.6): vectors, marginals for every zeta, its limit.
#include "noise/posterior.h"
#include "numbers.h"

#include <algorithm>
#include <vector>

using namespace temper;
using namespace numbers;

namespace {

constexpr size_t token_count = 4;
const std::vector<double> pit = {.5, .25, .15, .1};

std::vector<double> step_law(const Transition &step, double zeta, int y) {
  std::vector<double> p(token_count + 1);
  step_remasking(step, zeta, token_count, y, pit.data(), p.data(), &p[token_count]);
  return p;
}

// The marginal of one position whose clean token is distributed as pit.
std::vector<double> marginal(const Clocks &clocks) {
  std::vector<double> p(token_count + 1, clocks.m());
  for (size_t x = 0; x < token_count; ++x) p[x] = clocks.a() * pit[x] + clocks.u() / token_count;
  return p;
}

std::vector<double> zetas(const Transition &step) {
  const double most = most_zeta(step);
  return {0, .3, 1, std::isinf(most) ? 1 : most};
}

// With an only position the leave-one-out prediction is the prior, so the step takes q_t to q_s.
void keeps_marginals(void **) {
  for (const Noise &noise : {made(NoisePath::gamma, .05), made(NoisePath::gamma, .7), made(NoisePath::gidd, .2),
                             made(NoisePath::epsilon, .1), made(NoisePath::absorbing, 0)})
    for (int from = 1; from <= 6; ++from)
      for (int to = 0; to < from; ++to) {
        const Transition step = noise.transition(from, to, 6);
        const std::vector<double> before = marginal(noise.at_level(from, 6)), after = marginal(noise.at_level(to, 6));
        for (const double zeta : zetas(step)) {
          std::vector<double> got(token_count + 1);
          for (int y = -1; y < static_cast<int>(token_count); ++y) {
            const double weight = before[y < 0 ? token_count : static_cast<size_t>(y)];
            if (weight == 0) continue;
            const std::vector<double> p = step_law(step, zeta, y);
            double sum = 0;
            for (size_t z = 0; z <= token_count; ++z) {
              assert_true(p[z] >= -1e-15 && p[z] <= 1 + 1e-15);
              got[z] += weight * p[z];
              sum += p[z];
            }
            near(sum, 1, 1e-13);
          }
          for (size_t z = 0; z <= token_count; ++z) near(got[z], after[z], 1e-14);
        }
      }
}

void vectors(void **) {
  const Transition step = Noise::between({-std::log1p(-.6), .5}, {-std::log1p(-.3), .2});
  near(remasking_rate(step, 1), 0.103672711727);
  near(remasking_rate(step, 0), 0);
  const double masked[] = {0.250910437769, 0.137959088966, 0.092778549445, 0.070188279684, 0.448163644136};
  const double visible[] = {0.082491827720, 0.786175032062, 0.030502804845, 0.023075801577, 0.077754533795};
  for (size_t z = 0; z <= token_count; ++z) {
    near(step_law(step, 1, -1)[z], masked[z]);
    near(step_law(step, 1, 1)[z], visible[z]);
  }
  // zeta = 0 is the absorbing chain.
  for (int y = -1; y < 4; ++y) {
    std::vector<double> p(token_count + 1);
    step_from_leave_one_out(step, token_count, y, pit.data(), p.data(), &p[token_count]);
    for (size_t z = 0; z <= token_count; ++z) near(step_law(step, 0, y)[z], p[z], 1e-15);
  }
}

// (7): beyond the largest zeta a probability becomes negative; up to it none does; it is never below 1.
void bound(void **) {
  for (const Noise &noise : {made(NoisePath::gamma, .05), made(NoisePath::gamma, .9), made(NoisePath::gidd, .2),
                             made(NoisePath::gidd, .5), made(NoisePath::epsilon, .5)})
    for (int from = 2; from <= 6; ++from)
      for (int to = 1; to < from; ++to) {
        const Transition step = noise.transition(from, to, 6);
        const double most = most_zeta(step), gain = remasking_rate(step, 1);
        assert_true(gain >= -1e-16 && most >= 1);
        if (!(gain > 1e-12)) continue;
        near(remasking_rate(step, most), std::min(1.0, gain / step.m_s), 1e-13);
        for (double zeta : {most, most * 1.01}) {
          const RemaskingKernel kernel = remasking_kernel(step, zeta);
          const double lowest = std::min({1 - kernel.e, kernel.b, kernel.c});
          assert_true(zeta == most ? lowest >= -1e-13 : lowest < 0);
        }
      }
  assert_true(std::isinf(most_zeta(made(NoisePath::absorbing, 0).transition(3, 2, 6))));
  assert_true(std::isinf(most_zeta(made(NoisePath::gamma, .5).transition(3, 3, 6))));
}

// GIDD: both clocks run forward and u/a, m/a don't fall, so every zeta in [0, 1] is a chain.
void gidd_is_valid(void **) {
  for (double mix : {.01, .2, .5}) {
    const Noise noise = made(NoisePath::gidd, mix);
    Clocks before;
    for (int l = 1; l < 20000; ++l) {
      const Clocks now = noise.at_level(l, 20000);
      assert_true(now.mu >= before.mu && now.lam >= before.lam);
      assert_true(now.u() / now.a() >= before.u() / before.a() && now.m() / now.a() >= before.m() / before.a());
      assert_true(most_zeta(Noise::between(now, before)) >= 1);
      before = now;
    }
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(keeps_marginals), cmocka_unit_test(vectors), cmocka_unit_test(bound),
                              cmocka_unit_test(gidd_is_valid)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
