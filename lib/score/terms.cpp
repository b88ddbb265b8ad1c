// SPDX-License-Identifier: Apache-2.0
#include "score/terms.h"

#include "noise/posterior.h"
#include "answer/weights.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace temper {
namespace {

// sum over z of log(a p(z) + b). Eight factors are multiplied before a logarithm is taken, where they can't
// run out of range.
double sum_of_logs(double a, double b, size_t tokens, const double *p) noexcept {
  double sum = 0;
  size_t z = 0;
  if (b > 1e-36 && a + b < 1e30)
    for (; z + 8 <= tokens; z += 8) {
      double product = 1;
      for (size_t i = 0; i < 8; ++i) product *= a * p[z + i] + b;
      sum += std::log(product);
    }
  for (; z < tokens; ++z) sum += std::log(a * p[z] + b);
  return sum;
}

// q log(q / p); 0 where q is.
double part(double q, double p) noexcept { return q > 0 ? q * (std::log(q) - std::log(p)) : 0; }

struct Marginals {
  double on = 1, off = 0;  // S of the true token, and of each other one
};

Marginals true_marginals(double kappa, double one_minus_kappa, double tokens) noexcept {
  const double off = one_minus_kappa / tokens;
  return {kappa + off, off};
}

// sum over real z of w(z) S_q(z) log(S_q(z) / S_p(z)), w = `own` at y (when y is real) and `other` elsewhere.
double weighted_divergence(const Transition &step, size_t tokens, int32_t y, int32_t x,
                           const double *p, double own, double other) noexcept {
  const Marginals q = true_marginals(step.kappa_s, step.one_minus_kappa_s, static_cast<double>(tokens));
  const auto predicted = [&](int32_t z) { return step.kappa_s * p[z] + q.off; };
  const auto weight = [&](int32_t z) { return z == y ? own : other; };
  double sum = weight(x) * part(q.on, predicted(x));
  if (!(q.off > 0)) return sum;
  double logs = sum_of_logs(step.kappa_s, q.off, tokens, p) - std::log(predicted(x));
  double count = static_cast<double>(tokens) - 1;
  if (y >= 0 && y != x) {
    sum += own * part(q.off, predicted(y));
    logs -= std::log(predicted(y));
    count -= 1;
  }
  return sum + other * q.off * (count * std::log(q.off) - logs);
}

bool at_rest(const Transition &step, int32_t y) noexcept {
  return step.identity || (y >= 0 && step.visible_fixed);
}

}  // namespace

double divergence_of_leave_one_out(const Transition &step, size_t tokens, int32_t y, int32_t x,
                                   const double *pit) noexcept {
  if (at_rest(step, y)) return 0;
  if (y < 0) return step.reveal > 0 ? step.reveal * weighted_divergence(step, tokens, y, x, pit, 1, 1) : 0;
  const double n = static_cast<double>(tokens);
  const Marginals t = true_marginals(step.kappa_t, step.one_minus_kappa_t, n);
  const double seen = y == x ? t.on : t.off, predicted = step.kappa_t * pit[y] + t.off;
  const double move = step.one_minus_k / n;
  return weighted_divergence(step, tokens, y, x, pit, step.k + move, move) / seen - std::log(seen / predicted);
}

double divergence_of_posterior(const Transition &step, size_t tokens, int32_t y, int32_t x,
                               const double *pi) noexcept {
  if (at_rest(step, y)) return 0;
  if (y < 0) return step.reveal > 0 ? step.reveal * weighted_divergence(step, tokens, y, x, pi, 1, 1) : 0;
  const double n = static_cast<double>(tokens);
  const Marginals s = true_marginals(step.kappa_s, step.one_minus_kappa_s, n);
  const Marginals t = true_marginals(step.kappa_t, step.one_minus_kappa_t, n);
  const double move = step.one_minus_k / n, keep = step.k + move;
  // q(y | y, x_0 = y) and q(y | y, any other x_0): sums of positive terms, for both sides.
  const double stays_if_clean = keep * s.on / t.on, stays_if_not = keep * s.off / t.off;
  // Not 1 - pi(y): what is left of it may be small.
  double others = 0;
  for (size_t z = 0; z < tokens; ++z) others += static_cast<int32_t>(z) == y ? 0 : pi[z];
  const double omega = others + pi[y] * step.rho(n);
  const double scale = step.phi * step.kappa_s, uniform = step.phi * step.one_minus_kappa_s * omega / n;
  const auto predicted = [&](int32_t z) { return scale * pi[z] + uniform; };
  const double predicted_stay = pi[y] * stays_if_clean + others * stays_if_not;

  const double q_other = y == x ? move * s.off / t.on : step.phi * s.off;
  double sum = part(y == x ? stays_if_clean : stays_if_not, predicted_stay);
  double count = n - 1;
  if (y != x) {
    sum += part(step.phi * s.on, predicted(x));
    count -= 1;
  }
  if (!(q_other > 0) || count <= 0) return sum;
  double logs = sum_of_logs(scale, uniform, tokens, pi) - std::log(predicted(y));
  if (y != x) logs -= std::log(predicted(x));
  return sum + q_other * (count * std::log(q_other) - logs);
}

double prior_divergence(const Clocks &top, size_t tokens) noexcept {
  const double visible = std::exp(-top.mu), kappa = top.kappa();
  if (!(visible > 0)) return 0;
  const double n = static_cast<double>(tokens);
  const Marginals q = true_marginals(kappa, -std::expm1(-top.lam), n);
  return visible * (part(q.on, 1 / n) + (n - 1) * part(q.off, 1 / n));
}

RowTerm::RowTerm(const HeadDescription &head)
    : head_(head), values_(static_cast<size_t>(std::max<int32_t>(1, head.tokens()))) {}

bool RowTerm::gather(std::span<const float> row) noexcept {
  const auto count = static_cast<size_t>(head_.vocabulary);
  const size_t mask = head_.mask_token >= 0 ? std::min(count, static_cast<size_t>(head_.mask_token)) : count;
  const RowScan before = copy_logits(row.data(), mask, values_.data());
  RowScan after{before.top, true};
  if (mask + 1 < count) after = copy_logits(row.data() + mask + 1, count - mask - 1, values_.data() + mask);
  top_ = std::max(before.top, after.top);
  return before.sane && after.sane && top_ > -std::numeric_limits<double>::infinity();
}

void RowTerm::take_softmax() noexcept {
  double sum = 0;
  for (double &value : values_) sum += value = value > top_ - 700 ? exponential(value - top_) : 0;
  for (double &value : values_) value /= sum;
}

double RowTerm::operator()(const Transition &step, int32_t token, int32_t clean,
                           std::span<const float> row) noexcept {
  if (is_certain(head_, step, token)) return 0;
  if (!gather(row)) return std::numeric_limits<double>::quiet_NaN();
  const size_t n = values_.size();
  const bool masked = is_masked(head_, token);
  const int32_t y = masked ? masked_state : dense_index(head_, token), x = dense_index(head_, clean);
  const bool scores = head_.kind == HeadForm::score_exact || head_.kind == HeadForm::score_official_gamma;

  if (scores) {
    constexpr double largest_score = 600;  // sums of 2^18 such scores stay finite
    for (double &value : values_) value = exponential(std::min(value, largest_score));
    if (head_.kind == HeadForm::score_official_gamma) {
      posterior_from_official_score(step.sigma_t, n, y, values_.data(), values_.data());
      return divergence_of_posterior(step, n, y, x, values_.data());
    }
    leave_one_out_from_score(step.kappa_t, n, y, values_.data(), values_.data());
    return divergence_of_leave_one_out(step, n, y, x, values_.data());
  }
  // Straight to a clean token: cross entropy in the log domain (16).
  if (masked && step.one_minus_kappa_s == 0) {
    const double logit = values_[static_cast<size_t>(x)];
    double sum = 0;
    for (const double value : values_) sum += value > top_ - 700 ? exponential(value - top_) : 0;
    return step.reveal * (std::log(sum) - (logit - top_));
  }
  take_softmax();
  if (head_.kind == HeadForm::leave_one_out) return divergence_of_leave_one_out(step, n, y, x, values_.data());
  if (!std::isnan(head_.kappa_eff) && !masked)
    recalibrate_posterior(head_.kappa_eff, step.kappa_t, n, y, values_.data(), values_.data());
  return divergence_of_posterior(step, n, y, x, values_.data());
}

}  // namespace temper
