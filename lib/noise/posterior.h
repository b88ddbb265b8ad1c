// SPDX-License-Identifier: Apache-2.0
// Exact distributions of a reverse step and conversions between model heads (MATH 1.3-1.5, 2.1-2.4).
// Arrays hold the N real tokens; with a mask the step distributions have its probability in
// `*mask` (optional). All are O(N), in double, and may work in place (out == in).
// `y` is the current token, masked_state when masked.
#pragma once

#include "noise/noise.h"

#include <cstddef>
#include <cstdint>

namespace temper {

inline constexpr int32_t masked_state = -1;

// (3): q(x_s | x_t = y, x_0 = x).
void exact_posterior(const Transition &step, size_t tokens, int32_t y, int32_t x, double *out,
                     double *mask) noexcept;

// (4): the step when `pi` is the full posterior (F head).
void step_from_posterior(const Transition &step, size_t tokens, int32_t y, const double *pi,
                         double *out, double *mask) noexcept;

// (6): the step when `pit` is the leave-one-out prediction (L head).
void step_from_leave_one_out(const Transition &step, size_t tokens, int32_t y, const double *pit,
                             double *out, double *mask) noexcept;

// (7): e of the remasking family, the rate at which masks turn into uniform tokens; zeta in [0, 1].
double remasking_rate(const Transition &step, double zeta) noexcept;

// The forward kernel of that family: a token stays with A, is replaced with B and masked with C; a mask becomes a token
// with e. Where no token is visible before the step A and C are 0.
struct RemaskingKernel {
  double a = 0, b = 0, c = 0, e = 0;
};
RemaskingKernel remasking_kernel(const Transition &step, double zeta) noexcept;

// The largest zeta for which (7) is a Markov kernel: e <= min(1, (u_t - A u_s)/m_s). Never below 1 on a valid
// path, so the whole of [0, 1] may be used everywhere; infinite where no mask can turn into a token.
double most_zeta(const Transition &step) noexcept;

// (8): as (6) on the remasking family of the same marginals.
void step_remasking(const Transition &step, double zeta, size_t tokens, int32_t y, const double *pit, double *out,
                    double *mask) noexcept;

// (5), one way: L from F, with rho_t of the noise that F was trained on.
void leave_one_out_from_posterior(double rho, size_t tokens, int32_t y, const double *pi,
                                  double *out) noexcept;

// (5), the other way: F from L at retention kappa.
void posterior_from_leave_one_out(double kappa, size_t tokens, int32_t y, const double *pit,
                                  double *out) noexcept;

// (9): an F head of retention kappa_eff turned into one of retention kappa.
void recalibrate_posterior(double kappa_eff, double kappa, size_t tokens, int32_t y,
                           const double *pi, double *out) noexcept;

// (10): scores s(x) = p(x)/p(y) to the leave-one-out prediction. scores[y] is taken as 1 when y is real.
void leave_one_out_from_score(double kappa, size_t tokens, int32_t y, const double *scores,
                              double *out) noexcept;

// (12): scores of a network trained with the published gamma loss at total noise sigma to F.
void posterior_from_official_score(double sigma, size_t tokens, int32_t y, const double *scores,
                                   double *out) noexcept;

// Negative and not-finite entries become 0, then the sum 1. Uniform when nothing is left.
void normalise(size_t tokens, double *values) noexcept;

}  // namespace temper
