// SPDX-License-Identifier: Apache-2.0
// Parameters of samplers and what a sampler can be combined with.
#include "sampler/kind.h"

#include <cmath>
#include <type_traits>

namespace temper {
namespace {

constexpr double most_top_k = 1 << 30;

// What every kind that draws tokens has.
using P = SamplerParameter;
constexpr KindParameter shared_parameters[] = {
    {.parameter = P::temperature, .name = "temperature", .bounds = {0, 100, 1, false}},
    {.parameter = P::top_k, .name = "top-k", .bounds = {0, most_top_k, 0, true}},
    {.parameter = P::top_p, .name = "top-p", .bounds = {0, 1, 1, false}},
    {.parameter = P::min_p, .name = "min-p", .bounds = {0, 1, 0, false}},
    {.parameter = P::typical_p, .name = "typical-p", .bounds = {0, 1, 1, false}},
    {.parameter = P::stop_stable, .name = "stop stable", .bounds = {0, 1 << 20, 0, true}},
    {.parameter = P::stop_entropy, .name = "stop entropy", .bounds = {0, 100, 0.005, false}},
    {.parameter = P::end_rule, .name = "end rule", .bounds = {TEMPER_END_FREE, TEMPER_END_NEVER, 0, true}}};

constexpr int32_t last_parameter = TEMPER_SAMPLER_END_RULE;

// Hands the parameter's place to `use`, whatever its type is.
template <typename Parameters, typename Use>
void with_place(Parameters &p, P parameter, Use use) noexcept {
  switch (parameter) {
    case P::temperature: return use(p.temperature);
    case P::top_k: return use(p.top_k);
    case P::top_p: return use(p.top_p);
    case P::min_p: return use(p.min_p);
    case P::eta: return use(p.eta);
    case P::typical_p: return use(p.typical_p);
    case P::compat: return use(p.compat);
    case P::zeta: return use(p.zeta);
    case P::rule: return use(p.rule);
    case P::t_on: return use(p.t_on);
    case P::t_off: return use(p.t_off);
    case P::alpha_on: return use(p.alpha_on);
    case P::order: return use(p.order);
    case P::order_temperature: return use(p.order_temperature);
    case P::threshold: return use(p.threshold);
    case P::factor: return use(p.factor);
    case P::entropy_bound: return use(p.entropy_bound);
    case P::corrector_steps: return use(p.corrector_steps);
    case P::corrector_positions: return use(p.corrector_positions);
    case P::edit_threshold: return use(p.edit_threshold);
    case P::extra_steps: return use(p.extra_steps);
    case P::patience: return use(p.patience);
    case P::stop_stable: return use(p.stop_stable);
    case P::stop_entropy: return use(p.stop_entropy);
    case P::end_rule: return use(p.end_rule);
  }
}

void put(SamplerParameters &to, P parameter, double value) noexcept {
  with_place(to, parameter, [&](auto &place) { place = static_cast<std::remove_reference_t<decltype(place)>>(value); });
}

double value_of(const SamplerParameters &from, P parameter) noexcept {
  double value = 0;
  with_place(from, parameter, [&](const auto &place) { value = static_cast<double>(place); });
  return value;
}

Result<KindParameter> find(SamplerKind kind, P parameter) {
  const Kind *known = find_kind(kind);
  if (known == nullptr) return fail(TEMPER_E_ARGUMENT, "unknown kind of sampler: %d", static_cast<int>(kind));
  const auto number = static_cast<int32_t>(parameter);
  if (number < 1 || number > last_parameter) return fail(TEMPER_E_ARGUMENT, "unknown sampler parameter: %d", number);
  for (const KindParameter &own : known->own)
    if (own.parameter == parameter) return own;
  if (known->draws)
    for (const KindParameter &shared : shared_parameters)
      if (shared.parameter == parameter) return shared;
  return fail(TEMPER_E_ARGUMENT, "the %s sampler has no parameter %d", known->name, number);
}

}  // namespace

Result<ParameterBounds> Sampler::bounds(SamplerKind kind, SamplerParameter parameter) {
  TEMPER_ASSIGN(const KindParameter found, find(kind, parameter));
  return found.bounds;
}

SamplerParameters Sampler::defaults(SamplerKind kind) noexcept {
  SamplerParameters parameters;
  const Kind *known = find_kind(kind);
  if (known == nullptr) return parameters;
  for (const KindParameter &shared : shared_parameters) put(parameters, shared.parameter, shared.bounds.initial);
  for (const KindParameter &own : known->own) put(parameters, own.parameter, own.bounds.initial);
  return parameters;
}

Result<double> Sampler::get(SamplerKind kind, const SamplerParameters &from, SamplerParameter parameter) {
  TEMPER_TRY(find(kind, parameter).status());
  return value_of(from, parameter);
}

Status Sampler::set(SamplerKind kind, SamplerParameters &to, SamplerParameter parameter, double value) {
  TEMPER_ASSIGN(const KindParameter found, find(kind, parameter));
  const ParameterBounds &limits = found.bounds;
  if (!(value >= limits.low && value <= limits.high))
    return fail(TEMPER_E_ARGUMENT, "the sampler's %s is %g, must be %g to %g", found.name, value, limits.low,
                limits.high);
  if (limits.integer && value != std::floor(value))
    return fail(TEMPER_E_ARGUMENT, "the sampler's %s is %g, must be whole", found.name, value);
  put(to, parameter, value);
  return Status();
}

Sampler::Sampler(SamplerKind kind, const SamplerParameters &parameters, const Kind &known) noexcept
    : kind_(kind), kind_of_(&known), parameters_(parameters) {}

Result<Sampler> Sampler::create(SamplerKind kind, const SamplerParameters &parameters) {
  const Kind *known = find_kind(kind);
  if (known == nullptr) return fail(TEMPER_E_ARGUMENT, "unknown kind of sampler: %d", static_cast<int>(kind));
  // What the kind doesn't have keeps its default; the rest is checked again.
  SamplerParameters checked = defaults(kind);
  for (int32_t number = 1; number <= last_parameter; ++number) {
    const auto key = static_cast<SamplerParameter>(number);
    if (!bounds(kind, key).ok()) continue;
    TEMPER_ASSIGN(const double value, get(kind, parameters, key));
    TEMPER_TRY(set(kind, checked, key, value));
  }
  checked.shaping = parameters.shaping;
  return Sampler(kind, checked, *known);
}

std::string Sampler::remark(const HeadDescription &head, const Noise &noise) const {
  const std::string said = kind_of_->remark != nullptr ? kind_of_->remark(parameters_, head, noise) : std::string();
  return said.empty() ? said : std::string("the ") + kind_of_->name + " sampler's " + said;
}

Status Sampler::check(const HeadDescription &head, const Noise &noise) const {
  if (head.columns < 1 || head.columns > TEMPER_MOST_COLUMNS)
    return fail(TEMPER_E_UNSUPPORTED, "%d columns of logits can't be sampled, 1 to %d can", head.columns, TEMPER_MOST_COLUMNS);
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
