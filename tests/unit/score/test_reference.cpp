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

ReferenceCases cases;

struct Case {
  explicit Case(const std::string &of) : name(of) {
    clean = cases.integers(name + ".input_ids");
    noisy = cases.integers(name + ".noisy");
    is_masked = cases.get<uint8_t>(name + ".mask_indices");
    logits = cases.floats(name + ".logits");
    const std::vector<int64_t> &shape = cases.shape(name + ".logits");
    batch = static_cast<size_t>(shape[0]);
    length = static_cast<size_t>(shape[1]);
    columns = static_cast<size_t>(shape[2]);
    if (cases.has(name + ".active")) active = cases.numbers(name + ".active");
    if (cases.has(name + ".shuffled")) shuffled = cases.numbers(name + ".shuffled");
    if (cases.has(name + ".epsilon_lambda")) epsilon_lambda = cases.numbers(name + ".epsilon_lambda");
    // The published cross entropy lets the mask take part.
    head.columns = head.vocabulary = static_cast<int32_t>(columns);
  }
  size_t positions() const { return batch * length; }
  bool masked(size_t at) const { return is_masked[at] != 0; }
  bool is_active(size_t at) const { return active[at % length] != 0; }
  // Published weights of blocks grow from 0 for the first to 1 for the last. A shifted case has one position more
  // active than a block is wide.
  double block_weight(size_t row) const {
    double width = -1;
    for (const double one : active) width += one;
    const double blocks = std::ceil(static_cast<double>(length - 1) / width);
    return std::floor(static_cast<double>(row % length) / width) / (blocks - 1);
  }

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
  std::span<const float> row(size_t at) const { return {logits.data() + at * columns, columns}; }
  void expect(double loss) const {
    const double published = cases.number(name + ".loss");
    if (!(std::abs(loss - published) <= 1e-4 * std::max(1e-3, std::abs(published))))
      fail_msg("%s: %.8g instead of %.8g", name.c_str(), loss, published);
  }

  std::string name;
  std::vector<int32_t> clean, noisy;
  size_t batch = 0, length = 0, columns = 0;
  std::vector<uint8_t> is_masked;
  std::vector<float> logits;
  std::vector<double> shuffled, epsilon_lambda, active;
  HeadDescription head;
};

// Cases "<prefix>0", "<prefix>1", ... as far as there are any.
std::vector<std::string> numbered(const std::string &prefix) {
  std::vector<std::string> names;
  while (cases.has(prefix + std::to_string(names.size()) + ".loss")) names.push_back(prefix + std::to_string(names.size()));
  assert_true(!names.empty());
  return names;
}

void test_masks(void **) {
  for (const char *name : {"aligned", "aligned_b"}) {
    Case c(name);
    const std::vector<double> p = cases.numbers(c.name + ".p_mask");
    double sum = 0;
    for (size_t at = 0; at < c.positions(); ++at)
      if (c.masked(at)) sum += c.masked_term(at, at, p[at / c.length]);
    c.expect(sum / static_cast<double>(c.positions()));
  }
  Case annealing("aligned_annealing");
  const std::vector<double> t = cases.numbers("aligned_annealing.t");
  double sum = 0, count = 0;
  for (size_t at = 0; at < annealing.positions(); ++at) {
    count += annealing.is_active(at) ? 1 : 0;
    if (annealing.masked(at)) sum += annealing.masked_term(at, at, t[at % annealing.length]);
  }
  annealing.expect(sum / count);
}

void test_shifted_masks(void **) {
  Case c("shifted");
  const std::vector<double> p = cases.numbers("shifted.p_mask");
  double sum = 0, count = 0;
  for (size_t at = 0; at < c.positions(); ++at) {
    if (at % c.length == 0 || c.masked(at - 1) || !c.masked(at)) continue;
    sum += c.masked_term(at - 1, at, p[at / c.length]);
    count += 1;
  }
  c.expect(sum / count);

  // By blocks: every target but the visible ones of the window, with the weight of its row's block.
  Case b("shifted_annealing");
  const std::vector<double> t = cases.numbers("shifted_annealing.t");
  sum = count = 0;
  for (size_t at = 0; at < b.positions(); ++at) {
    if (at % b.length == 0 || (b.is_active(at) && !b.masked(at))) continue;
    const double term = b.masked(at) ? b.masked_term(at - 1, at, t[at % b.length]) : b.visible_term(at - 1, at);
    sum += b.block_weight(at - 1) * term;
    count += 1;
  }
  b.expect(sum / count);
}

// Of a visible token: replaced ones count for 1 - epsilon, the others for epsilon.
double visible_weight(const Case &c, size_t at) {
  return c.epsilon_lambda[1] * (c.shuffled[at] != 0 ? 1 - c.epsilon_lambda[0] : c.epsilon_lambda[0]);
}

void test_hybrid(void **) {
  for (const std::string &name : numbered("hybrid_aligned_")) {
    Case c(name);
    const std::vector<double> p = cases.numbers(c.name + ".p_mask");
    double sum = 0;
    for (size_t at = 0; at < c.positions(); ++at) {
      const double own = p[at / c.length];
      sum += c.masked(at) ? c.masked_term(at, at, std::max(own, 1e-4)) : visible_weight(c, at) / (1 - own) * c.visible_term(at, at);
    }
    c.expect(sum / static_cast<double>(c.positions()));
  }
  for (const std::string &name : numbered("hybrid_shifted_")) {
    Case c(name);
    const std::vector<double> p = cases.numbers(c.name + ".p_mask");
    double sum = 0;
    for (size_t at = 0; at < c.positions(); ++at) {
      if (at % c.length == 0 || c.masked(at - 1)) continue;
      sum += c.masked(at) ? c.masked_term(at - 1, at, std::max(p[at / c.length], 1e-4))
                          : visible_weight(c, at) * c.visible_term(at - 1, at);
    }
    c.expect(sum / static_cast<double>(c.batch * (c.length - 1)));
  }
  for (const std::string &name : numbered("hybrid_aligned_annealing_")) {
    Case c(name);
    const std::vector<double> t = cases.numbers(c.name + ".t");
    double sum = 0, count = 0;
    for (size_t at = 0; at < c.positions(); ++at) {
      if (!c.is_active(at)) continue;
      count += 1;
      sum += c.masked(at) ? c.masked_term(at, at, std::max(t[at % c.length], 1e-4)) : visible_weight(c, at) * c.visible_term(at, at);
    }
    c.expect(sum / count);
  }
  for (const std::string &name : numbered("hybrid_shifted_annealing_")) {
    Case c(name);
    const std::vector<double> t = cases.numbers(c.name + ".t");
    double sum = 0, weights = 0;
    for (size_t at = 0; at < c.positions(); ++at) {
      if (at % c.length == 0 || c.masked(at - 1) || !c.is_active(at)) continue;
      const double own = std::max(t[at % c.length], 1e-4), block = c.block_weight(at - 1);
      sum += block * (c.masked(at) ? c.masked_term(at - 1, at, own) : visible_weight(c, at) * c.visible_term(at - 1, at));
      weights += block * (c.masked(at) ? 1 / own : visible_weight(c, at));
    }
    c.expect(sum / std::max(1.0, weights));
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
    const std::vector<int64_t> &shape = cases.shape(name + ".log_score");
    const auto columns = static_cast<size_t>(shape.back()), real = columns - 1;  // the mask is the last
    for (size_t at = 0; at < loss.size(); ++at) {
      const auto y = static_cast<size_t>(noisy[at]), x = static_cast<size_t>(clean[at]);
      const double *h = rows.data() + at * columns, e = std::expm1(sigma[at]), n = static_cast<double>(real);
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
