// SPDX-License-Identifier: Apache-2.0
// Parameters of samplers and what a sampler can be combined with.
#include "sampler/kind.h"

#include <cmath>
#include <iterator>

namespace temper {
namespace {

constexpr double most_top_k = 1 << 30;

// What every kind that draws tokens has.
constexpr KindParameter shared_parameters[] = {
    {SamplerParameter::temperature, {0, 100, 1, false}}, {SamplerParameter::top_k, {0, most_top_k, 0, true}},
    {SamplerParameter::top_p, {0, 1, 1, false}},         {SamplerParameter::min_p, {0, 1, 0, false}},
    {SamplerParameter::typical_p, {0, 1, 1, false}},     {SamplerParameter::stop_stable, {0, 1 << 20, 0, true}},
    {SamplerParameter::stop_entropy, {0, 100, 0.005, false}}, {SamplerParameter::end_rule, {0, 1, 0, true}}};

// In the order of their numbers, from 1; top-k alone is an integer.
using P = SamplerParameters;
constexpr double P::*places[] = {
    &P::temperature, nullptr,           &P::top_p,           &P::min_p,               &P::eta,
    &P::typical_p,   &P::compat,        &P::zeta,            &P::rule,                &P::t_on,
    &P::t_off,       &P::alpha_on,      &P::order,           &P::order_temperature,   &P::threshold,
    &P::factor,      &P::entropy_bound, &P::corrector_steps, &P::corrector_positions, &P::edit_threshold,
    &P::extra_steps, &P::patience,      &P::stop_stable,     &P::stop_entropy,        &P::end_rule};
constexpr int32_t parameter_table = std::size(places);
static_assert(parameter_table == static_cast<int32_t>(SamplerParameter::end_rule));

double *place_of(SamplerParameters &p, SamplerParameter parameter) noexcept {
  double P::*const place = places[static_cast<size_t>(parameter) - 1];
  return place != nullptr ? &(p.*place) : nullptr;
}

}  // namespace

Result<ParameterBounds> Sampler::bounds(SamplerKind kind, SamplerParameter parameter) {
  const Kind *known = find_kind(kind);
  if (known == nullptr) return fail(TEMPER_E_ARGUMENT, "unknown kind of sampler: %d", static_cast<int>(kind));
  const auto number = static_cast<int32_t>(parameter);
  if (number < 1 || number > parameter_table) return fail(TEMPER_E_ARGUMENT, "unknown sampler parameter: %d", number);
  for (const KindParameter &own : known->own)
    if (own.parameter == parameter) return own.bounds;
  if (known->draws)
    for (const KindParameter &shared : shared_parameters)
      if (shared.parameter == parameter) return shared.bounds;
  return fail(TEMPER_E_ARGUMENT, "this kind of sampler has no parameter %d", number);
}

SamplerParameters Sampler::defaults(SamplerKind kind) noexcept {
  SamplerParameters parameters;
  const Kind *known = find_kind(kind);
  if (known == nullptr) return parameters;
  for (const KindParameter &shared : shared_parameters)
    if (double *place = place_of(parameters, shared.parameter); place != nullptr) *place = shared.bounds.initial;
  for (const KindParameter &own : known->own)
    if (double *place = place_of(parameters, own.parameter); place != nullptr) *place = own.bounds.initial;
  return parameters;
}

Result<double> Sampler::get(SamplerKind kind, const SamplerParameters &from, SamplerParameter parameter) {
  TEMPER_TRY(bounds(kind, parameter).status());
  if (parameter == SamplerParameter::top_k) return static_cast<double>(from.top_k);
  return *place_of(const_cast<SamplerParameters &>(from), parameter);
}

Status Sampler::set(SamplerKind kind, SamplerParameters &to, SamplerParameter parameter, double value) {
  TEMPER_ASSIGN(const ParameterBounds limits, bounds(kind, parameter));
  if (!(value >= limits.low && value <= limits.high))
    return fail(TEMPER_E_ARGUMENT, "sampler parameter %d is %g, must be %g to %g", static_cast<int>(parameter),
                value, limits.low, limits.high);
  if (limits.integer && value != std::floor(value))
    return fail(TEMPER_E_ARGUMENT, "sampler parameter %d is %g, must be whole", static_cast<int>(parameter), value);
  if (parameter == SamplerParameter::top_k) to.top_k = static_cast<int32_t>(value);
  else *place_of(to, parameter) = value;
  return Status();
}

Sampler::Sampler(SamplerKind kind, const SamplerParameters &parameters, const Kind &known) noexcept
    : kind_(kind), kind_of_(&known), parameters_(parameters) {
  // Only some look at how probable a token is beside temperature and filters: a pass over the row.
  ranks_ = kind == SamplerKind::confidence || kind == SamplerKind::threshold || kind == SamplerKind::edit ||
           kind == SamplerKind::self_correct || (kind == SamplerKind::remdm && parameters.compat != 0);
}

Result<Sampler> Sampler::create(SamplerKind kind, const SamplerParameters &parameters) {
  const Kind *known = find_kind(kind);
  if (known == nullptr) return fail(TEMPER_E_ARGUMENT, "unknown kind of sampler: %d", static_cast<int>(kind));
  // What the kind doesn't have keeps its default; the rest is checked again.
  SamplerParameters checked = defaults(kind);
  for (int32_t number = 1; number <= parameter_table; ++number) {
    const auto key = static_cast<SamplerParameter>(number);
    if (!bounds(kind, key).ok()) continue;
    TEMPER_ASSIGN(const double value, get(kind, parameters, key));
    TEMPER_TRY(set(kind, checked, key, value));
  }
  checked.shaping = parameters.shaping;
  return Sampler(kind, checked, *known);
}

Status Sampler::check(const HeadDescription &head, const Noise &noise) const {
  if (head.columns < 1 || head.columns > (1 << 18))
    return fail(TEMPER_E_UNSUPPORTED, "%d columns of logits can't be sampled, 1 to 2^18 can", head.columns);
  if (head.vocabulary < 1 || head.vocabulary > head.columns)
    return fail(TEMPER_E_ARGUMENT, "a vocabulary of %d tokens doesn't fit %d columns", head.vocabulary, head.columns);
  int32_t last = -1;
  for (size_t i = 0; i < head.forbidden_count; ++i) {
    if (head.forbidden[i] <= last || head.forbidden[i] >= head.vocabulary || head.forbidden[i] == head.mask_token)
      return Status(TEMPER_E_ARGUMENT, "forbidden tokens must be ascending ids of the vocabulary without the mask");
    last = head.forbidden[i];
  }
  if (head.tokens() - static_cast<int64_t>(head.forbidden_count) < 1)
    return Status(TEMPER_E_ARGUMENT, "the vocabulary has no token that may be emitted");
  if (head.carry_over && noise.uses_uniform())
    return Status(TEMPER_E_UNSUPPORTED, "the model was trained to keep visible tokens: it can't undo uniform noise, "
                                        "use the absorbing path");
  return kind_of_->check != nullptr ? kind_of_->check(parameters_, head, noise) : Status();
}

}  // namespace temper
