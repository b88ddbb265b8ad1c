// SPDX-License-Identifier: Apache-2.0
// Noising paths as two clocks (MATH 1.1): a mask clock, m = 1 - e^-mu, and a uniform clock,
// kappa = e^-lam. At time t a clean token is still itself with a = (1-m) kappa, a uniform token with
// u = (1-m)(1-kappa), the mask with m. Immutable and shareable; queries are noexcept.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <memory>
#include <string>

namespace temper {

class OwnPath;

enum class NoisePath : int32_t {
  absorbing = 0,  // MDLM, SEDD-absorb, BD3-LM, LLaDA, Dream
  uniform = 1,    // SEDD-uniform, UDLM: no mask
  epsilon = 2,    // HDLM epsilon-hybrid: mix = epsilon
  gamma = 3,      // HDLM gamma-hybrid: mix = gamma
  gidd = 4,       // GIDD: mix = p_u
  table = 5,      // the caller's own, level by level (own.h)
  callback = 6    // and as a function of time
};

// alpha(t) = e^-sigma(t), the total retention. GIDD has a path of its own and ignores the clock.
enum class NoiseClock : int32_t {
  linear = 0,      // alpha = 1 - t
  log_linear = 1,  // alpha = 1 - (1 - e0) t
  geometric = 2,   // sigma = smin^(1-t) smax^t
  cosine = 3       // alpha = cos(pi t / 2)
};

// From integer levels to times.
enum class NoiseGrid : int32_t {
  even = 0,     // t = l / T
  official = 1, // t = t_a + (l-1)(1-2 t_a)/(T-1), t_a = 10 sampling_eps; t = 0 at level 0 (MATH 3.2)
  dream = 2     // t = e + (1-e) l/T, e = sampling_eps; t = 0 at level 0 (Dream's even points from 1 to e)
};

// What parameters may be, from callers and in files.
struct NoiseRange {
  double low, high;
};
inline constexpr NoiseRange mix_range{0, 0.999}, gamma_range{0, 1}, e0_range{1e-9, 0.5}, sigma_min_range{1e-12, 100},
    sigma_max_range{1e-12, 700}, sampling_eps_range{1e-9, 0.04};

struct NoiseParameters {
  NoisePath path = NoisePath::absorbing;
  NoiseClock clock = NoiseClock::linear;
  NoiseGrid grid = NoiseGrid::even;
  double mix = 0;              // epsilon [0,1), gamma [0,1], p_u [0,1)
  double e0 = 5e-3;            // log-linear: retention left at t = 1; SEDD and MDLM use 1e-3
  double sigma_min = 1e-4;     // geometric
  double sigma_max = 10;       // geometric
  double sampling_eps = 0;     // official and dream grid; 0: the grid's own
  bool terminal_clamp = true;  // level T is pure noise exactly: m = 1, or lam = inf when mu = 0
  std::shared_ptr<const OwnPath> own;  // table and callback

  double grid_eps() const noexcept {
    return sampling_eps > 0 ? sampling_eps : grid == NoiseGrid::dream ? 1e-3 : 1e-4;
  }
};

// In words: the path, its mix, its clock.
std::string describe_path(const NoiseParameters &parameters);

// The two clocks at a time. Infinity is legal: pure noise.
struct Clocks {
  double mu = 0, lam = 0;
  double m() const noexcept;      // 1 - e^-mu
  double kappa() const noexcept;  // e^-lam
  double a() const noexcept;
  double u() const noexcept;
};

// All that a reverse step from level t to level s <= t needs (MATH 1.4), in stable forms.
struct Transition {
  double t = 0, s = 0;            // times
  double sigma_t = 0, sigma_s = 0;  // what score models and sigma-conditioned models are told
  double m_t = 0, m_s = 0;
  double kappa_t = 1, kappa_s = 1;
  double lam_t = 0, lam_s = 0;
  double reveal = 0;              // (m_t - m_s) / m_t; 0 when m_t = 0
  double stay = 1;                // m_s / m_t; 1 when m_t = 0
  double phi = 0;                 // (1-k)/(1-kappa_t); 0 when lam_t = 0
  double k = 1;                   // kappa_t / kappa_s; 0 when lam_t is infinite
  double one_minus_k = 0, one_minus_kappa_t = 0, one_minus_kappa_s = 0;
  bool identity = false;          // s = t: nothing moves
  bool final = false;             // level 0 is reached
  bool mask_reachable = false;    // m_t > 0
  bool visible_fixed = true;      // lam_t = 0: a real token is already the clean one

  // rho_t of N real tokens: (1-kappa_t) / (1 + (N-1) kappa_t).
  double rho(double tokens) const noexcept { return one_minus_kappa_t / (1 + (tokens - 1) * kappa_t); }
};

class Noise {
 public:
  // Refuses parameters outside their ranges and paths that aren't a valid Markov kernel (MATH 1.2).
  static Result<Noise> create(const NoiseParameters &parameters);

  const NoiseParameters &parameters() const noexcept { return parameters_; }
  bool uses_mask() const noexcept;     // m > 0 somewhere: positions start as the mask
  bool uses_uniform() const noexcept;  // lam > 0 somewhere: visible tokens may be wrong

  // At a time in [0, 1] (clamped to it), without the terminal clamp.
  Clocks at(double t) const noexcept;
  // Total noise, what score models are conditioned on. -log a(t) where the path isn't given by sigma.
  double sigma(double t) const noexcept;
  // d/dt of both, at inner times; infinite where they are. Differences of 2^-19 on a caller's path. A jump at 0
  // is left out.
  Clocks rates(double t) const noexcept;
  double sigma_rate(double t) const noexcept;
  // Time of a level, 0..levels.
  double time(int32_t level, int32_t levels) const noexcept;
  // The clocks at a level: zero at level 0, the terminal clamp at level `levels`.
  Clocks at_level(int32_t level, int32_t levels) const noexcept;
  // From level `from` to level `to` <= `from`.
  Transition transition(int32_t from, int32_t to, int32_t levels) const noexcept;
  // Paths of callers: do both clocks run forward over exactly these levels? The message names the level.
  Status check(int32_t levels) const;
  // Between two pairs of clocks; times and sigmas stay 0. For tests and for steps outside a grid.
  static Transition between(Clocks from, Clocks to) noexcept;

 private:
  explicit Noise(const NoiseParameters &parameters) noexcept : parameters_(parameters) {}
  NoiseParameters parameters_;
};

}  // namespace temper
