/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file noise.h
 * @brief The noising path: how much of a token is left, uniform noise, or mask at every time.
 *
 * At time t (0 clean, 1 noise) a token x is still x with probability a, some uniform token with u, the
 * mask with m; a + u + m = 1. All paths are two clocks (MATH 1.1): m = 1 - e^-mu masks, kappa = e^-lam
 * replaces by uniform tokens; a = (1-m) kappa, u = (1-m)(1-kappa).
 *
 * A noise mix is a value: change it on one thread at a time; sessions copy it. It is checked as a whole
 * when it is used.
 */
#ifndef TEMPER_NOISE_H
#define TEMPER_NOISE_H

#include <temper/types.h>

TEMPER_EXTERN_C_BEGIN

/** Kinds of path. alpha(t) is given by ::TEMPER_NOISE_CLOCK. */
enum {
  TEMPER_NOISE_ABSORBING = 0, /**< masks only: m = 1 - alpha (MDLM, SEDD absorb, BD3-LM, LLaDA, Dream) */
  TEMPER_NOISE_UNIFORM = 1,   /**< uniform tokens only: kappa = alpha (SEDD uniform, UDLM) */
  TEMPER_NOISE_EPSILON = 2,   /**< m = 1 - alpha, kappa = 1 - mix for t > 0 (HDLM, arXiv 2504.06416) */
  TEMPER_NOISE_GAMMA = 3,     /**< 1 - m = alpha^(1-mix), kappa = alpha^mix (HDLM) */
  TEMPER_NOISE_GIDD = 4,      /**< GIDD with p_u = mix (arXiv 2503.04482); the clock is its own */
  TEMPER_NOISE_TABLE = 5,     /**< by temper_noise_create_table() */
  TEMPER_NOISE_CALLBACK = 6   /**< by temper_noise_create_callback() */
};

/** Parameters of a noise mix, see temper_noise_set(). */
enum {
  TEMPER_NOISE_MIX = 1,           /**< epsilon 0..0.999, gamma 0..1 or p_u 0..0.999; default 0.1, 0.05, 0.2 */
  TEMPER_NOISE_CLOCK = 2,         /**< TEMPER_CLOCK_...; default linear; log-linear for gamma, uniform */
  TEMPER_NOISE_E0 = 3,            /**< log-linear: what is left at t = 1; 1e-9..0.5, default 5e-3 */
  TEMPER_NOISE_SIGMA_MIN = 4,     /**< geometric: total noise at t = 0; 1e-12..100, default 1e-4 */
  TEMPER_NOISE_SIGMA_MAX = 5,     /**< geometric: total noise at t = 1; 1e-12..700, default 10 */
  TEMPER_NOISE_GRID = 6,          /**< TEMPER_GRID_...; default even */
  TEMPER_NOISE_TERMINAL_CLAMP = 7,/**< 1 (default): level T is pure noise exactly; 0: what alpha(1) leaves */
  /** Official and dream grid; 1e-9..0.04. Default 1e-4; with the dream grid 1e-3, until it is set. */
  TEMPER_NOISE_SAMPLING_EPS = 8
};

/** Values of ::TEMPER_NOISE_CLOCK; alpha = e^-sigma. */
enum {
  TEMPER_CLOCK_LINEAR = 0,     /**< alpha = 1 - t */
  TEMPER_CLOCK_LOG_LINEAR = 1, /**< alpha = 1 - (1-e0) t */
  TEMPER_CLOCK_GEOMETRIC = 2,  /**< sigma = smin^(1-t) smax^t */
  TEMPER_CLOCK_COSINE = 3      /**< alpha = cos(pi t / 2) */
};

/** Values of ::TEMPER_NOISE_GRID: the time of level l of T. */
enum {
  TEMPER_GRID_EVEN = 0,    /**< t = l / T */
  TEMPER_GRID_OFFICIAL = 1,/**< t = t_a + (l-1)(1-2 t_a)/(T-1), t_a = 10 sampling_eps (published HDLM code) */
  TEMPER_GRID_DREAM = 2    /**< t = e + (1-e) l / T, e = sampling_eps; level 0 is at 0 (Dream) */
};

/**
 * @brief Makes a noise mix with the defaults of its kind.
 * @param[in] kind TEMPER_NOISE_ABSORBING ... ::TEMPER_NOISE_GIDD. @param[out] out NULL on error.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_MEMORY. Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_noise_create(int32_t kind, temper_noise **out, temper_error *error);

/**
 * @brief Makes a path of the caller's from its values at every level.
 *
 * With a hyperschedule of exactly @p levels levels, level l has these values. With T other levels it has those
 * at l/T of the way, a, u and m running in straight lines between entries. Times are l/T; what a model is told
 * of the noise, sigma, is -log a. Parameter: ::TEMPER_NOISE_TERMINAL_CLAMP.
 * @param[in] a @p levels + 1 probabilities that the token is kept; a[0] = 1. @param[in] m likewise, that it is
 * masked; m[0] = 0. u = 1 - a - m is uniform noise; up to 1e-15 counts as none. Copied.
 * @param[in] levels 1..2^20. @param[out] out NULL on error.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_MEMORY. The path has to be a Markov chain: m never falls
 * and a/(1-m) never rises (MATH 1.2); the message names the first level that breaks a rule. Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_noise_create_table(const double *a, const double *m, int32_t levels,
                                                   temper_noise **out, temper_error *error);

/**
 * @brief Gives the path at time @p t, 0..1: @p a, the probability that the token is kept, and @p m, that it is
 * masked.
 *
 * Called on the thread that uses the noise mix or a session with it, also long after creation. Must give the
 * same answer for the same time, and must not throw. What breaks the rules later on is brought into range.
 * @p user must live as long as the noise mix and every session that uses it.
 */
typedef void (*temper_noise_fn)(void *user, double t, double *a, double *m);

/**
 * @brief Makes a path of the caller's from a function of time. Parameters: ::TEMPER_NOISE_GRID,
 * ::TEMPER_NOISE_SAMPLING_EPS, ::TEMPER_NOISE_TERMINAL_CLAMP; sigma is -log a.
 * @param[in] function asked at 1025 even times here. @param[in] user passed to it, may be NULL.
 * @param[out] out NULL on error.
 * @return as temper_noise_create_table(), a = 1 and m = 0 at t = 0; the message names the time that breaks a rule.
 * Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_noise_create_callback(temper_noise_fn function, void *user, temper_noise **out,
                                                      temper_error *error);

/** @brief Ends a noise mix. NULL is fine; sessions made with it go on. @since 0.1 */
TEMPER_API void temper_noise_destroy(temper_noise *noise);

/**
 * @brief Sets a parameter. On error the old value stays.
 * @param[in] parameter TEMPER_NOISE_MIX ... ; one that the kind doesn't use is an error.
 * @param[in] value within temper_noise_bounds(); enumerators and 0/1 as their number.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT. Thread: one at a time per noise mix. @since 0.1
 */
TEMPER_API temper_status temper_noise_set(temper_noise *noise, int32_t parameter, double value,
                                          temper_error *error);

/** @brief Reads a parameter. @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT. @since 0.1 */
TEMPER_API temper_status temper_noise_get(const temper_noise *noise, int32_t parameter, double *value,
                                          temper_error *error);

/**
 * @brief Range (both ends included) and default of a parameter, for a kind of path.
 * @param[out] low may be NULL. @param[out] high may be NULL. @param[out] initial the default, may be NULL.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (unknown, or not used by this kind). Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_noise_bounds(int32_t kind, int32_t parameter, double *low, double *high,
                                             double *initial, temper_error *error);

/**
 * @brief The path at a time (equation (1)), without the terminal clamp.
 * @param[in] t 0..1.
 * @param[out] a probability that the token is kept. @param[out] u uniform. @param[out] m masked.
 * @param[out] sigma total noise, -log a; infinity when nothing is left. Any of the four may be NULL.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (also when the parameters together make no valid path). @since 0.1
 */
TEMPER_API temper_status temper_noise_at(const temper_noise *noise, double t, double *a, double *u, double *m,
                                         double *sigma, temper_error *error);

/**
 * @brief The path at level @p level of @p levels: the grid and the terminal clamp applied.
 * @param[in] level 0..@p levels. @param[in] levels T, 1..2^20.
 * @param[out] t time of the level; this and the next three may be NULL.
 * @param[out] a as in temper_noise_at().
 * @param[out] u as in temper_noise_at().
 * @param[out] m as in temper_noise_at().
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT. @since 0.1
 */
TEMPER_API temper_status temper_noise_level(const temper_noise *noise, int32_t level, int32_t levels, double *t,
                                            double *a, double *u, double *m, temper_error *error);

/** Which random draws: they are a function of these four alone (MATH 6). */
typedef struct temper_draws {
  uint64_t seed;     /**< any */
  uint32_t row;      /**< sequence */
  uint32_t step;     /**< taken modulo 2^24; another one for every time the same sequence is noised */
  uint32_t position; /**< of the first token; the others follow */
  uint32_t reserved; /**< 0 */
} temper_draws;

/**
 * @brief Puts noise on tokens: draws x_t ~ q(. | x_0) (equation (1)), or goes on from a noisier state by the
 * kernel from one level to a later one (equation (2)). Training data, SDEdit-like drafts, tests.
 *
 * Each position is drawn by itself, so that pieces of a sequence give the same as the whole. What is the mask
 * already stays the mask. The terminal clamp applies: at level @p levels nothing of the token is left, unless
 * it is switched off.
 * @param[in] vocabulary N real tokens have the ids 0..@p vocabulary - 1, without the mask. 1..2^30.
 * @param[in] mask_token in or beyond the vocabulary; -1: none, an error if the path masks.
 * @param[in] levels T, 1..2^20.
 * @param[in] from levels that @p tokens are at, 0..T; NULL: they are clean.
 * @param[in] to levels to go to, from..T. @param[in] level_count of both: @p count, or 1 for one that holds for
 * all. Ignored when @p count is 0.
 * @param[in] draws see there.
 * @param[in] tokens @p count real tokens or masks. @param[out] out @p count tokens; may be @p tokens.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT, then @p out is as it was. Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_noise_corrupt(const temper_noise *noise, int32_t vocabulary, int32_t mask_token,
                                              int32_t levels, const int32_t *from, const int32_t *to,
                                              size_t level_count, const temper_draws *draws, const int32_t *tokens,
                                              size_t count, int32_t *out, temper_error *error);

/**
 * @brief The exact posterior q(x_s = z | x_t = y, x_0 = x) of a step from one level down to another, equation
 * (3).
 * @param[in] levels T, 1..2^20. @param[in] from level of t, 1..T. @param[in] to level of s, 0..@p from.
 * @param[in] tokens N, the number of real tokens, 1..2^30, here numbered without the mask.
 * @param[in] y 0..N-1, or -1 for the mask; it must be possible at the level. @param[in] x 0..N-1.
 * @param[out] probabilities N. @param[out] mask of the mask, may be NULL.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT. Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_noise_posterior(const temper_noise *noise, int32_t levels, int32_t from, int32_t to,
                                                int32_t tokens, int32_t y, int32_t x, double *probabilities,
                                                double *mask, temper_error *error);

TEMPER_EXTERN_C_END

#endif
