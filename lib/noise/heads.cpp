// SPDX-License-Identifier: Apache-2.0
// Conversions between what models predict (MATH 1.5, 2.1, 2.2, 2.4).
#include "noise/posterior.h"

#include <algorithm>
#include <cmath>

namespace temper {

void normalise(size_t tokens, double *values) noexcept {
  double sum = 0;
  for (size_t x = 0; x < tokens; ++x) {
    if (!(values[x] > 0) || std::isinf(values[x])) values[x] = 0;
    sum += values[x];
  }
  if (!(sum > 0) || std::isinf(sum)) {
    std::fill(values, values + tokens, 1 / static_cast<double>(tokens));
    return;
  }
  for (size_t x = 0; x < tokens; ++x) values[x] /= sum;
}

void leave_one_out_from_posterior(double rho, size_t tokens, int32_t y, const double *pi,
                                  double *out) noexcept {
  if (out != pi) std::copy(pi, pi + tokens, out);
  if (y < 0) return;
  out[y] *= rho;
  normalise(tokens, out);
}

void posterior_from_leave_one_out(double kappa, size_t tokens, int32_t y, const double *pit,
                                  double *out) noexcept {
  if (out != pit) std::copy(pit, pit + tokens, out);
  if (y < 0) return;
  const double uniform = (1 - kappa) / static_cast<double>(tokens);
  if (!(uniform > 0)) {  // nothing else can have become y
    std::fill(out, out + tokens, 0.0);
    out[y] = 1;
    return;
  }
  for (size_t x = 0; x < tokens; ++x) out[x] *= uniform;
  out[y] *= (kappa + uniform) / uniform;
  normalise(tokens, out);
}

void recalibrate_posterior(double kappa_eff, double kappa, size_t tokens, int32_t y,
                           const double *pi, double *out) noexcept {
  const double rho = (1 - kappa_eff) / (1 + (static_cast<double>(tokens) - 1) * kappa_eff);
  leave_one_out_from_posterior(rho, tokens, y, pi, out);
  posterior_from_leave_one_out(kappa, tokens, y, out, out);
}

void leave_one_out_from_score(double kappa, size_t tokens, int32_t y, const double *scores,
                              double *out) noexcept {
  if (out != scores) std::copy(scores, scores + tokens, out);
  if (y >= 0) out[y] = 1;
  normalise(tokens, out);
  if (!(kappa > 0)) {  // pure noise: the observation says nothing
    std::fill(out, out + tokens, 1 / static_cast<double>(tokens));
    return;
  }
  const double uniform = (1 - kappa) / static_cast<double>(tokens);
  for (size_t x = 0; x < tokens; ++x) out[x] = (out[x] - uniform) / kappa;
  normalise(tokens, out);
}

void posterior_from_official_score(double sigma, size_t tokens, int32_t y, const double *scores,
                                   double *out) noexcept {
  if (out != scores) std::copy(scores, scores + tokens, out);
  if (y < 0) return normalise(tokens, out);
  const double n = static_cast<double>(tokens);
  const double e = std::expm1(std::clamp(sigma, 1e-12, 50.0));  // beyond, scores hold no information
  const double pinned = n / (e + n);                            // 1 - rho'
  double others = 0;
  for (size_t x = 0; x < tokens; ++x)
    if (static_cast<int32_t>(x) != y) others += out[x];
  const double own = std::clamp((n - 1 + n / e - others) / ((n - 1) * pinned + n / e), 0.0, 1.0);
  for (size_t x = 0; x < tokens; ++x) out[x] = e / n * (out[x] - 1 + own * pinned);
  out[y] = own;
  normalise(tokens, out);
}

}  // namespace temper
