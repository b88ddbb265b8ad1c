// SPDX-License-Identifier: Apache-2.0
#include "api/guard.h"
#include "api/sampler.h"

#include <temper/shaping.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using namespace temper;

namespace {

constexpr double most_bias = 1e6;
constexpr double ban = -std::numeric_limits<double>::infinity();

Result<ParameterBounds> bounds_of(int32_t key) {
  constexpr double most = std::numeric_limits<int32_t>::max();
  switch (key) {
    case TEMPER_SHAPE_REPETITION: return ParameterBounds{0.01, 100, 1, false};
    case TEMPER_SHAPE_FREQUENCY:
    case TEMPER_SHAPE_PRESENCE: return ParameterBounds{-100, 100, 0, false};
    case TEMPER_SHAPE_WINDOW:
    case TEMPER_SHAPE_MIN_LENGTH: return ParameterBounds{0, most, 0, true};
    case TEMPER_SHAPE_NO_END: return ParameterBounds{0, 1, 0, true};
    default: return fail(TEMPER_E_ARGUMENT, "unknown shaping key: %d", key);
  }
}

// Merges wishes into the ascending list; later ones replace earlier ones of the same token.
Status add(Shaping &shaping, const int32_t *tokens, const double *biases, size_t count) {
  TEMPER_REQUIRE(count == 0 || tokens != nullptr, "tokens is NULL");
  std::vector<TokenBias> all = shaping.biases;
  for (size_t i = 0; i < count; ++i) {
    const double bias = biases != nullptr ? biases[i] : ban;
    if (tokens[i] < 0) return fail(TEMPER_E_ARGUMENT, "token %d is no token", tokens[i]);
    if (!(bias == ban || std::fabs(bias) <= most_bias))
      return fail(TEMPER_E_ARGUMENT, "the bias of token %d is %g, must be -1e6 to 1e6 or -infinity", tokens[i], bias);
    all.push_back({tokens[i], bias});
  }
  std::stable_sort(all.begin(), all.end(), [](const TokenBias &a, const TokenBias &b) { return a.token < b.token; });
  std::vector<TokenBias> kept;
  for (size_t i = 0; i < all.size(); ++i) {
    const bool last = i + 1 == all.size() || all[i + 1].token != all[i].token;
    if (last && all[i].bias != 0) kept.push_back(all[i]);
  }
  shaping.biases = std::move(kept);
  return Status();
}

}  // namespace

extern "C" {

temper_status temper_sampler_shape(temper_sampler *sampler, int32_t key, double value, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(sampler != nullptr, "sampler is NULL");
    TEMPER_ASSIGN(const ParameterBounds limits, bounds_of(key));
    if (!(value >= limits.low && value <= limits.high) || (limits.integer && value != std::floor(value)))
      return fail(TEMPER_E_ARGUMENT, "shaping key %d is %g, must be %s%g to %g", key, value,
                  limits.integer ? "whole, " : "", limits.low, limits.high);
    Shaping &shaping = sampler->parameters.shaping;
    switch (key) {
      case TEMPER_SHAPE_REPETITION: shaping.repetition = value; break;
      case TEMPER_SHAPE_FREQUENCY: shaping.frequency = value; break;
      case TEMPER_SHAPE_PRESENCE: shaping.presence = value; break;
      case TEMPER_SHAPE_WINDOW: shaping.look_back = static_cast<int64_t>(value); break;
      case TEMPER_SHAPE_MIN_LENGTH: shaping.minimum_length = static_cast<int64_t>(value); break;
      default: shaping.no_end = value != 0; break;
    }
    return Status();
  });
}

temper_status temper_sampler_get_shape(const temper_sampler *sampler, int32_t key, double *value,
                                       temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(sampler != nullptr, "sampler is NULL");
    TEMPER_REQUIRE(value != nullptr, "value is NULL");
    TEMPER_TRY(bounds_of(key).status());
    const Shaping &shaping = sampler->parameters.shaping;
    switch (key) {
      case TEMPER_SHAPE_REPETITION: *value = shaping.repetition; break;
      case TEMPER_SHAPE_FREQUENCY: *value = shaping.frequency; break;
      case TEMPER_SHAPE_PRESENCE: *value = shaping.presence; break;
      case TEMPER_SHAPE_WINDOW: *value = static_cast<double>(shaping.look_back); break;
      case TEMPER_SHAPE_MIN_LENGTH: *value = static_cast<double>(shaping.minimum_length); break;
      default: *value = shaping.no_end ? 1 : 0; break;
    }
    return Status();
  });
}

temper_status temper_sampler_shape_bounds(int32_t key, double *low, double *high, double *initial,
                                          temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_ASSIGN(const ParameterBounds limits, bounds_of(key));
    if (low != nullptr) *low = limits.low;
    if (high != nullptr) *high = limits.high;
    if (initial != nullptr) *initial = limits.initial;
    return Status();
  });
}

temper_status temper_sampler_bias(temper_sampler *sampler, const int32_t *tokens, const double *biases, size_t count,
                                  temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(sampler != nullptr, "sampler is NULL");
    TEMPER_REQUIRE(count == 0 || biases != nullptr, "biases is NULL");
    return add(sampler->parameters.shaping, tokens, biases, count);
  });
}

temper_status temper_sampler_ban(temper_sampler *sampler, const int32_t *tokens, size_t count, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(sampler != nullptr, "sampler is NULL");
    return add(sampler->parameters.shaping, tokens, nullptr, count);
  });
}

void temper_sampler_clear_shaping(temper_sampler *sampler) {
  if (sampler != nullptr) sampler->parameters.shaping = Shaping();
}

}  // extern "C"
