// SPDX-License-Identifier: Apache-2.0
#include "api/sampler.h"

#include "api/guard.h"

#include <temper/sampler.h>

using namespace temper;

extern "C" {

temper_status temper_sampler_create(int32_t kind, temper_sampler **out, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(out != nullptr, "out is NULL");
    *out = nullptr;
    const auto known = static_cast<SamplerKind>(kind);
    TEMPER_TRY(Sampler::create(known, Sampler::defaults(known)).status());  // is there such a kind?
    *out = new temper_sampler{known, Sampler::defaults(known)};
    return Status();
  });
}

void temper_sampler_destroy(temper_sampler *sampler) { delete sampler; }

temper_status temper_sampler_set(temper_sampler *sampler, int32_t parameter, double value, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(sampler != nullptr, "sampler is NULL");
    return Sampler::set(sampler->kind, sampler->parameters, static_cast<SamplerParameter>(parameter), value);
  });
}

temper_status temper_sampler_get(const temper_sampler *sampler, int32_t parameter, double *value,
                                 temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(sampler != nullptr, "sampler is NULL");
    TEMPER_REQUIRE(value != nullptr, "value is NULL");
    TEMPER_ASSIGN(*value, Sampler::get(sampler->kind, sampler->parameters, static_cast<SamplerParameter>(parameter)));
    return Status();
  });
}

temper_status temper_sampler_bounds(int32_t kind, int32_t parameter, double *low, double *high, double *initial,
                                    temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_ASSIGN(const ParameterBounds limits,
                  Sampler::bounds(static_cast<SamplerKind>(kind), static_cast<SamplerParameter>(parameter)));
    if (low != nullptr) *low = limits.low;
    if (high != nullptr) *high = limits.high;
    if (initial != nullptr) *initial = limits.initial;
    return Status();
  });
}

}  // extern "C"
