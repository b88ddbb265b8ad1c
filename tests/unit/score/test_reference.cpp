// SPDX-License-Identifier: Apache-2.0
// Losses of the published training code from its stored logits, put together from the terms of the bound where
// the two coincide: CE / p on masks is the term per unit of t of an absorbing step, cross entropy at visible
// tokens the term of a last step. The weights and the averages are the published ones.
#include "score/terms.h"
#include "support/shared.h"

#include <cmath>
#include <cstdio>
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

constexpr size_t batch = 3, length = 40, column_count = 258;
constexpr int32_t mask_id = 257;

ReferenceCases cases;

struct Case {
  explicit Case(const std::string &of) : name(of) {
    clean = cases.integers(name + ".input_ids");
    noisy = cases.integers(name + ".noisy");
    logits = cases.floats(name + ".logits");
    if (cases.has(name + ".shuffled")) shuffled = cases.numbers(name + ".shuffled");
    if (cases.has(name + ".epsilon_lambda")) epsilon_lambda = cases.numbers(name + ".epsilon_lambda");
    // The published cross entropy lets the mask take part.
    head.columns = head.vocabulary = column_count;
  }
  bool masked(size_t at) const { return noisy[at] == mask_id; }

  // Cross entropy over p of the token at `at`, read from row `from`: what the absorbing step from m = p to half of
  // it costs, per unit of t.
  double masked_term(size_t from, size_t at, double p) {
    const Transition step = Noise::between({-std::log1p(-p), 0}, {-std::log1p(-p / 2), 0});
    return RowTerm(head)(step, -1, clean[at], row(from)) / (p / 2);
  }
  // A visible token's last step: cross entropy.
  double visible_term(size_t from, size_t at) {
    const Transition step = Noise::between({0, 0.1}, {0, 0});
    return RowTerm(head)(step, noisy[at], clean[at], row(from));
  }
  std::span<const float> row(size_t at) const { return {logits.data() + at * column_count, column_count}; }
  void expect(double loss) const {
    const double published = cases.number(name + ".loss");
    if (!(std::abs(loss - published) <= 1e-4 * std::max(1e-3, std::abs(published))))
      fail_msg("%s: %.8g instead of %.8g", name.c_str(), loss, published);
  }

  std::string name;
  std::vector<int32_t> clean, noisy;
  std::vector<float> logits;
  std::vector<double> shuffled, epsilon_lambda;
  HeadDescription head;
};

void test_masks(void **) {
  for (const char *name : {"aligned", "aligned_b"}) {
    Case c(name);
    const std::vector<double> p = cases.numbers(c.name + ".p_mask");
    double sum = 0;
    for (size_t at = 0; at < batch * length; ++at)
      if (c.masked(at)) sum += c.masked_term(at, at, p[at / length]);
    c.expect(sum / (batch * length));
  }
  Case annealing("aligned_annealing");
  const std::vector<double> t = cases.numbers("aligned_annealing.t"), active = cases.numbers("aligned_annealing.active");
  double sum = 0, count = 0;
  for (size_t at = 0; at < batch * length; ++at) {
    count += active[at % length];
    if (annealing.masked(at)) sum += annealing.masked_term(at, at, t[at % length]);
  }
  annealing.expect(sum / count);
}

void test_shifted_masks(void **) {
  Case c("shifted");
  const std::vector<double> p = cases.numbers("shifted.p_mask");
  double sum = 0, count = 0;
  for (size_t at = 0; at < batch * length; ++at) {
    if (at % length == 0 || c.masked(at - 1) || !c.masked(at)) continue;
    sum += c.masked_term(at - 1, at, p[at / length]);
    count += 1;
  }
  c.expect(sum / count);
}

void test_hybrid(void **) {
  for (const std::string index : {"0", "1", "2"}) {
    Case c("hybrid_aligned_" + index);
    const double epsilon = c.epsilon_lambda[0], lambda = c.epsilon_lambda[1];
    std::vector<double> p = cases.numbers(c.name + ".p_mask");
    double sum = 0;
    for (size_t at = 0; at < batch * length; ++at) {
      const double own = p[at / length];
      const double weight = lambda * (c.shuffled[at] != 0 ? 1 - epsilon : epsilon) / (1 - own);
      sum += c.masked(at) ? c.masked_term(at, at, std::max(own, 1e-4)) : weight * c.visible_term(at, at);
    }
    c.expect(sum / (batch * length));

    Case s("hybrid_shifted_" + index);
    p = cases.numbers(s.name + ".p_mask");
    sum = 0;
    for (size_t at = 0; at < batch * length; ++at) {
      if (at % length == 0 || s.masked(at - 1)) continue;
      const double weight = s.epsilon_lambda[1] * (s.shuffled[at] != 0 ? 1 - s.epsilon_lambda[0] : s.epsilon_lambda[0]);
      sum += s.masked(at) ? s.masked_term(at - 1, at, std::max(p[at / length], 1e-4)) : weight * s.visible_term(at - 1, at);
    }
    s.expect(sum / (batch * (length - 1)));

    Case a("hybrid_aligned_annealing_" + index);
    const std::vector<double> t = cases.numbers(a.name + ".t"), active = cases.numbers(a.name + ".active");
    sum = 0;
    double count = 0;
    for (size_t at = 0; at < batch * length; ++at) {
      if (active[at % length] == 0) continue;
      count += 1;
      const double weight = a.epsilon_lambda[1] * (a.shuffled[at] != 0 ? 1 - a.epsilon_lambda[0] : a.epsilon_lambda[0]);
      sum += a.masked(at) ? a.masked_term(at, at, std::max(t[at % length], 1e-4)) : weight * a.visible_term(at, at);
    }
    a.expect(sum / count);
  }
}

// The published gamma loss takes its targets from the pure absorbing and the pure uniform process at the whole
// sigma. Its rows decode by (12) to the prediction that the loss was least for: certainty costs it nothing.
void test_score_entropy(void **) {
  int count = 0, apart = 0;
  for (int index = 0; cases.has("score_entropy." + std::to_string(index) + ".loss"); ++index) {
    const std::string name = "score_entropy." + std::to_string(index);
    const double gamma = cases.number(name + ".gamma");
    const std::vector<int32_t> clean = cases.integers(name + ".x0"), noisy = cases.integers(name + ".x");
    const std::vector<double> sigma = cases.numbers(name + ".sigma"), loss = cases.numbers(name + ".loss");
    const std::vector<double> rows = cases.numbers(name + ".log_score");
    constexpr size_t real = 8, columns = 9;
    for (size_t at = 0; at < loss.size(); ++at) {
      const auto y = static_cast<size_t>(noisy[at]), x = static_cast<size_t>(clean[at]);
      const double *h = rows.data() + at * columns, e = std::expm1(sigma[at]), n = real;
      const auto entropy = [](double log_s, double r) { return std::exp(log_s) - r * log_s + (r > 0 ? r * (std::log(r) - 1) : 0); };
      double published = 0, exact = 0;
      const Clocks clocks{(1 - gamma) * sigma[at], gamma * sigma[at]};
      const double uniform = (1 - clocks.kappa()) / n;
      const auto marginal = [&](size_t z) { return (z == x ? clocks.kappa() : 0) + uniform; };
      for (size_t z = 0; z < real; ++z) {
        if (z == y) continue;
        if (y == real) {
          published += (1 - gamma) * entropy(h[z], z == x ? 1 / e : 0);
          exact += (1 - gamma) * entropy(h[z], (1 - clocks.m()) / clocks.m() * marginal(z));
          continue;
        }
        const double kept = 1 - n / (e + n);  // rho'
        const double ratio = y == x ? kept : z == x ? 1 / kept : 1;
        published += gamma / n * entropy(h[z], ratio);
        exact += gamma / n * entropy(h[z], marginal(z) / marginal(y));
      }
      if (!(std::abs(published - loss[at]) <= 2e-4 * std::max(1.0, std::abs(loss[at]))))
        fail_msg("%s, %zu (y %zu, x %zu, gamma %g, sigma %g): %.8g instead of %.8g", name.c_str(), at, y, x, gamma,
                 sigma[at], published, loss[at]);
      apart += std::abs(exact - published) > 1e-3 * published ? 1 : 0;
      ++count;
    }
  }
  print_message("%d rows, the exact score entropy differs in %d\n", count, apart);
  assert_true(count > 0);
}

}  // namespace

int main() {
  if (!cases.open("loss")) {
    std::printf("skipped: no shared/reference/loss (set TEMPER_SHARED)\n");
    return 77;
  }
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_masks),
      cmocka_unit_test(test_shifted_masks),
      cmocka_unit_test(test_hybrid),
      cmocka_unit_test(test_score_entropy),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
