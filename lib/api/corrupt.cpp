// SPDX-License-Identifier: Apache-2.0
// Noise put on tokens, and what is known of the way back when the clean token is.
#include "noise/corrupt.h"

#include "api/guard.h"
#include "api/noise.h"
#include "noise/posterior.h"

#include <temper/noise.h>

using namespace temper;

namespace {

constexpr int32_t most_tokens = 1 << 30;

Status check_count(const char *name, int32_t value, int32_t most) {
  if (value >= 1 && value <= most) return Status();
  return fail(TEMPER_E_ARGUMENT, "%s is %d, must be 1 to %d", name, value, most);
}

struct Levels {
  const int32_t *from, *to;
  bool single;
  int32_t start(size_t i) const { return from == nullptr ? 0 : from[single ? 0 : i]; }
  int32_t end(size_t i) const { return to[single ? 0 : i]; }
};

Status check_levels(const Levels &at, size_t count, int32_t levels) {
  for (size_t i = 0; i < count; ++i) {
    if (at.end(i) < 0 || at.end(i) > levels)
      return fail(TEMPER_E_ARGUMENT, "to[%zu] is %d, must be 0 to %d", i, at.end(i), levels);
    if (at.start(i) < 0 || at.start(i) > at.end(i))
      return fail(TEMPER_E_ARGUMENT, "from[%zu] is %d, must be 0 to %d, where it goes", i, at.start(i), at.end(i));
  }
  return Status();
}

Status check_tokens(const int32_t *tokens, size_t count, int32_t vocabulary, int32_t mask_token) {
  for (size_t i = 0; i < count; ++i)
    if (tokens[i] < 0 || (tokens[i] >= vocabulary && tokens[i] != mask_token))
      return fail(TEMPER_E_ARGUMENT, "tokens[%zu] is %d, not in the vocabulary of %d", i, tokens[i], vocabulary);
  return Status();
}

}  // namespace

extern "C" {

temper_status temper_noise_corrupt(const temper_noise *noise, int32_t vocabulary, int32_t mask_token, int32_t levels,
                                   const int32_t *from, const int32_t *to, size_t level_count,
                                   const temper_draws *draws, const int32_t *tokens, size_t count, int32_t *out,
                                   temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(noise != nullptr, "noise is NULL");
    TEMPER_REQUIRE(draws != nullptr, "draws is NULL");
    TEMPER_TRY(check_count("vocabulary", vocabulary, most_tokens));
    TEMPER_TRY(check_count("levels", levels, 1 << 20));
    TEMPER_REQUIRE(mask_token >= -1, "mask_token must be a token or -1");
    TEMPER_REQUIRE(vocabulary > 1 || mask_token != 0, "the vocabulary has no token but the mask");
    TEMPER_ASSIGN(const Noise path, Noise::create(noise->parameters));
    TEMPER_TRY(path.check(levels));
    TEMPER_REQUIRE(mask_token >= 0 || !path.uses_mask(), "this path masks: it needs a mask token");
    if (count == 0) return Status();
    TEMPER_REQUIRE(tokens != nullptr, "tokens is NULL");
    TEMPER_REQUIRE(out != nullptr, "out is NULL");
    TEMPER_REQUIRE(to != nullptr, "to is NULL");
    TEMPER_REQUIRE(level_count == 1 || level_count == count, "level_count must be 1 or count");
    TEMPER_REQUIRE(count - 1 <= UINT32_MAX - draws->position, "positions must stay below 2^32");
    const Levels at{from, to, level_count == 1};
    TEMPER_TRY(check_levels(at, level_count, levels));
    TEMPER_TRY(check_tokens(tokens, count, vocabulary, mask_token));

    Clocks clocks;
    for (size_t i = 0; i < count; ++i) {
      if (i == 0 || !at.single)
        clocks = elapsed(path.at_level(at.start(i), levels), path.at_level(at.end(i), levels));
      const Draws own(draws->seed, draws->row, draws->step, draws->position + static_cast<uint32_t>(i));
      out[i] = corrupt_token(clocks, vocabulary, mask_token, tokens[i], own);
    }
    return Status();
  });
}

temper_status temper_noise_posterior(const temper_noise *noise, int32_t levels, int32_t from, int32_t to,
                                     int32_t tokens, int32_t y, int32_t x, double *probabilities, double *mask,
                                     temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(noise != nullptr, "noise is NULL");
    TEMPER_REQUIRE(probabilities != nullptr, "probabilities is NULL");
    TEMPER_TRY(check_count("levels", levels, 1 << 20));
    TEMPER_TRY(check_count("tokens", tokens, most_tokens));
    if (from < 1 || from > levels) return fail(TEMPER_E_ARGUMENT, "from is %d, must be 1 to %d", from, levels);
    if (to < 0 || to > from) return fail(TEMPER_E_ARGUMENT, "to is %d, must be 0 to %d", to, from);
    if (y < -1 || y >= tokens) return fail(TEMPER_E_ARGUMENT, "y is %d, must be -1 to %d", y, tokens - 1);
    if (x < 0 || x >= tokens) return fail(TEMPER_E_ARGUMENT, "x is %d, must be 0 to %d", x, tokens - 1);
    TEMPER_ASSIGN(const Noise path, Noise::create(noise->parameters));
    const Transition step = path.transition(from, to, levels);
    TEMPER_REQUIRE(y >= 0 || step.mask_reachable, "there are no masks at this level");
    TEMPER_REQUIRE(y < 0 || step.m_t < 1, "there are only masks at this level");
    TEMPER_REQUIRE(y < 0 || y == x || !step.visible_fixed, "at this level a token that isn't masked is the clean one");
    exact_posterior(step, static_cast<size_t>(tokens), y, x, probabilities, mask);
    return Status();
  });
}

}  // extern "C"
