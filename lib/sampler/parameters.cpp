// SPDX-License-Identifier: Apache-2.0
// Parameters of samplers and what a sampler can be combined with.
#include "sampler/sampler.h"

#include <cmath>

namespace temper {
namespace {

constexpr double kMostTopK = 1 << 30;

bool is_known(SamplerKind kind) noexcept {
  return kind == SamplerKind::ancestral || kind == SamplerKind::acs || kind == SamplerKind::greedy;
}

double *place_of(SamplerParameters &p, SamplerParameter parameter) noexcept {
  switch (parameter) {
    case SamplerParameter::temperature: return &p.temperature;
    case SamplerParameter::top_p: return &p.top_p;
    case SamplerParameter::min_p: return &p.min_p;
    case SamplerParameter::eta: return &p.eta;
    case SamplerParameter::top_k: break;
  }
  return nullptr;
}

}  // namespace

Result<ParameterBounds> Sampler::bounds(SamplerKind kind, SamplerParameter parameter) {
  if (!is_known(kind)) return fail(TEMPER_E_ARGUMENT, "unknown kind of sampler: %d", static_cast<int>(kind));
  // Greedy has nothing to set: it decides as the model says and takes the best token.
  const bool draws = kind != SamplerKind::greedy;
  switch (parameter) {
    case SamplerParameter::temperature:
      if (draws) return ParameterBounds{0, 100, 1, false};
      break;
    case SamplerParameter::top_k:
      if (draws) return ParameterBounds{0, kMostTopK, 0, true};
      break;
    case SamplerParameter::top_p:
      if (draws) return ParameterBounds{0, 1, 1, false};
      break;
    case SamplerParameter::min_p:
      if (draws) return ParameterBounds{0, 1, 0, false};
      break;
    case SamplerParameter::eta:
      if (kind == SamplerKind::acs) return ParameterBounds{0, 1, 0.01, false};
      break;
    default: return fail(TEMPER_E_ARGUMENT, "unknown sampler parameter: %d", static_cast<int>(parameter));
  }
  return fail(TEMPER_E_ARGUMENT, "this kind of sampler has no parameter %d", static_cast<int>(parameter));
}

SamplerParameters Sampler::defaults(SamplerKind kind) noexcept {
  SamplerParameters parameters;
  if (kind == SamplerKind::acs) parameters.eta = 0.01;
  return parameters;
}

Result<double> Sampler::get(SamplerKind kind, const SamplerParameters &from, SamplerParameter parameter) {
  TEMPER_TRY(bounds(kind, parameter).status());
  if (parameter == SamplerParameter::top_k) return static_cast<double>(from.top_k);
  SamplerParameters copy = from;
  return *place_of(copy, parameter);
}

Status Sampler::set(SamplerKind kind, SamplerParameters &to, SamplerParameter parameter, double value) {
  TEMPER_ASSIGN(const ParameterBounds limits, bounds(kind, parameter));
  if (!(value >= limits.low && value <= limits.high))
    return fail(TEMPER_E_ARGUMENT, "sampler parameter %d is %g, must be %g to %g", static_cast<int>(parameter),
                value, limits.low, limits.high);
  if (limits.integer && value != std::floor(value))
    return fail(TEMPER_E_ARGUMENT, "sampler parameter %d is %g, must be whole", static_cast<int>(parameter), value);
  if (parameter == SamplerParameter::top_k) to.top_k = static_cast<std::int32_t>(value);
  else *place_of(to, parameter) = value;
  return Status();
}

Result<Sampler> Sampler::create(SamplerKind kind, const SamplerParameters &parameters) {
  if (!is_known(kind)) return fail(TEMPER_E_ARGUMENT, "unknown kind of sampler: %d", static_cast<int>(kind));
  // What the kind doesn't have keeps its default; the rest is checked again.
  SamplerParameters checked = defaults(kind);
  for (const SamplerParameter key : {SamplerParameter::temperature, SamplerParameter::top_k, SamplerParameter::top_p,
                                     SamplerParameter::min_p, SamplerParameter::eta}) {
    if (!bounds(kind, key).ok()) continue;
    TEMPER_ASSIGN(const double value, get(kind, parameters, key));
    TEMPER_TRY(set(kind, checked, key, value));
  }
  return Sampler(kind, checked);
}

Status Sampler::check(const HeadDescription &head, const Noise &noise) const {
  if (head.columns < 1 || head.columns > (1 << 18))
    return fail(TEMPER_E_UNSUPPORTED, "%d columns of logits can't be sampled, 1 to 2^18 can", head.columns);
  if (head.vocabulary < 1 || head.vocabulary > head.columns)
    return fail(TEMPER_E_ARGUMENT, "a vocabulary of %d tokens doesn't fit %d columns", head.vocabulary, head.columns);
  std::int32_t last = -1;
  for (std::size_t i = 0; i < head.forbidden_count; ++i) {
    if (head.forbidden[i] <= last || head.forbidden[i] >= head.vocabulary || head.forbidden[i] == head.mask_token)
      return Status(TEMPER_E_ARGUMENT, "forbidden tokens must be ascending ids of the vocabulary without the mask");
    last = head.forbidden[i];
  }
  if (head.tokens() - static_cast<std::int64_t>(head.forbidden_count) < 1)
    return Status(TEMPER_E_ARGUMENT, "the vocabulary has no token that may be emitted");
  if (head.carry_over && noise.uses_uniform())
    return Status(TEMPER_E_UNSUPPORTED, "the model was trained to keep visible tokens: it can't undo uniform noise, "
                                        "use the absorbing path");
  if (kind_ == SamplerKind::acs && !noise.uses_mask())
    return Status(TEMPER_E_UNSUPPORTED, "the correction sampler reveals masks: it can't follow a path without them");
  return Status();
}

}  // namespace temper
