// SPDX-License-Identifier: Apache-2.0
// Step distributions (MATH 1.3-1.6).
#include "noise/posterior.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace temper {
namespace {

// The state can't leave y.
void stay_at(size_t tokens, int32_t y, double *out, double *mask) noexcept {
  std::fill(out, out + tokens, 0.0);
  if (y >= 0) out[y] = 1;
  if (mask != nullptr) *mask = y < 0 ? 1 : 0;
}

// y masked: the mask stays with m_s/m_t, else a token as P_s = kappa_s p + (1-kappa_s)/N says.
void reveal_from(const Transition &step, size_t tokens, const double *p, double *out, double *mask) noexcept {
  const double uniform = step.one_minus_kappa_s / static_cast<double>(tokens);
  for (size_t z = 0; z < tokens; ++z) out[z] = step.reveal * (step.kappa_s * p[z] + uniform);
  if (mask != nullptr) *mask = step.stay;
}

}  // namespace

void exact_posterior(const Transition &step, size_t tokens, int32_t y, int32_t x, double *out,
                     double *mask) noexcept {
  if (step.identity || (y >= 0 && step.visible_fixed)) return stay_at(tokens, y, out, mask);
  const double n = static_cast<double>(tokens);
  const double off_s = step.one_minus_kappa_s / n, on_s = step.kappa_s + off_s;
  if (y < 0) {
    std::fill(out, out + tokens, step.reveal * off_s);
    out[x] = step.reveal * on_s;
    if (mask != nullptr) *mask = step.stay;
    return;
  }
  const double keep = step.k + step.one_minus_k / n;
  if (y == x) {
    const double scale = 1 / (step.kappa_t + step.one_minus_kappa_t / n);
    std::fill(out, out + tokens, step.one_minus_k / n * off_s * scale);
    out[x] = keep * on_s * scale;
  } else {
    std::fill(out, out + tokens, step.phi * off_s);
    out[x] = step.phi * on_s;
    out[y] = keep * step.one_minus_kappa_s / step.one_minus_kappa_t;
  }
  if (mask != nullptr) *mask = 0;
}

void step_from_posterior(const Transition &step, size_t tokens, int32_t y, const double *pi,
                         double *out, double *mask) noexcept {
  if (step.identity || (y >= 0 && step.visible_fixed)) return stay_at(tokens, y, out, mask);
  if (y < 0) return reveal_from(step, tokens, pi, out, mask);
  const double n = static_cast<double>(tokens), own = pi[y];
  const double omega = 1 - own * (1 - step.rho(n));
  const double uniform = step.one_minus_kappa_s * omega / n;
  for (size_t z = 0; z < tokens; ++z) out[z] = step.phi * (step.kappa_s * pi[z] + uniform);
  out[y] = 1 - step.phi * (step.kappa_s * (1 - own) + uniform * (n - 1));
  if (mask != nullptr) *mask = 0;
}

void step_from_leave_one_out(const Transition &step, size_t tokens, int32_t y, const double *pit,
                             double *out, double *mask) noexcept {
  if (step.identity || (y >= 0 && step.visible_fixed)) return stay_at(tokens, y, out, mask);
  if (y < 0) return reveal_from(step, tokens, pit, out, mask);
  const double n = static_cast<double>(tokens);
  const double scale = 1 / (step.kappa_t * pit[y] + step.one_minus_kappa_t / n);
  const double uniform = step.one_minus_kappa_s / n, move = step.one_minus_k / n;
  for (size_t z = 0; z < tokens; ++z) {
    const double keep = static_cast<int32_t>(z) == y ? step.k + move : move;
    out[z] = keep * (step.kappa_s * pit[z] + uniform) * scale;
  }
  if (mask != nullptr) *mask = 0;
}

double remasking_rate(const Transition &step, double zeta) noexcept {
  const double visible_t = 1 - step.m_t, visible_s = 1 - step.m_s;
  const double a = visible_s > 0 ? step.k * visible_t / visible_s : 0;
  return zeta * (visible_t * step.one_minus_kappa_t - a * visible_s * step.one_minus_kappa_s);
}

double most_zeta(const Transition &step) noexcept {
  const double gain = remasking_rate(step, 1);
  if (!(gain > 0)) return std::numeric_limits<double>::infinity();
  return std::min(1 / gain, 1 / step.m_s);
}

RemaskingKernel remasking_kernel(const Transition &step, double zeta) noexcept {
  const double visible_t = 1 - step.m_t, visible_s = 1 - step.m_s;
  RemaskingKernel kernel;
  kernel.e = remasking_rate(step, zeta);
  if (visible_s > 0) {
    kernel.a = step.k * visible_t / visible_s;
    kernel.c = (step.m_t - step.m_s * (1 - kernel.e)) / visible_s;
  }
  kernel.b = 1 - kernel.a - kernel.c;
  return kernel;
}

void step_remasking(const Transition &step, double zeta, size_t tokens, int32_t y, const double *pit, double *out,
                    double *mask) noexcept {
  if (step.identity) return stay_at(tokens, y, out, mask);
  const double n = static_cast<double>(tokens);
  const double visible_t = 1 - step.m_t, visible_s = 1 - step.m_s;
  const double a_s = visible_s * step.kappa_s, u_s = visible_s * step.one_minus_kappa_s;
  const double a_t = visible_t * step.kappa_t, u_t = visible_t * step.one_minus_kappa_t;
  const auto [a, b, c, e] = remasking_kernel(step, zeta);
  if (y < 0) {
    for (size_t z = 0; z < tokens; ++z) out[z] = c * (a_s * pit[z] + u_s / n) / step.m_t;
    if (mask != nullptr) *mask = (1 - e) * step.m_s / step.m_t;
    return;
  }
  const double q_t = a_t * pit[y] + u_t / n;
  if (!(q_t > 0)) return stay_at(tokens, y, out, mask);
  for (size_t z = 0; z < tokens; ++z) {
    const double keep = static_cast<int32_t>(z) == y ? a + b / n : b / n;
    out[z] = keep * (a_s * pit[z] + u_s / n) / q_t;
  }
  if (mask != nullptr) *mask = e / n * step.m_s / q_t;
}

}  // namespace temper
