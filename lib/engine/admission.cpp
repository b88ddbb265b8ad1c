// SPDX-License-Identifier: Apache-2.0
#include "engine/admission.h"

#include <algorithm>

namespace temper {

Rules rules_of(const Spec &spec, bool cache, int64_t look_back) noexcept {
  return {.context = spec.context,
          .window = spec.window,
          .block = std::max<int64_t>(1, spec.block),
          .shifted = spec.shifted,
          .noise_keys = spec.noise_keys,
          .cache = cache,
          .look_back = look_back};
}

bool wants_canvas(const Spec &spec) noexcept { return spec.context == Context::full && !spec.autoregressive; }

int64_t row_budget(const Rules &rules, int64_t max_active, int64_t length, bool whole) noexcept {
  const int64_t budget = 2 * max_active + rules.block + 2;
  if (length < 0) return budget;
  const bool everything = whole || !rules.cache || rules.context == Context::full;
  return everything ? length + 1 : std::min(budget, length + 1);
}

int32_t condition_count(const Spec &spec, int32_t levels) noexcept {
  const bool by_level = spec.conditioning == Conditioning::sigma || spec.conditioning == Conditioning::time;
  return by_level ? levels + 1 : 1;
}

Status check_window(const Spec &spec, int32_t levels, int64_t max_active) {
  const bool past_only = spec.context == Context::causal && spec.window == Window::causal && spec.shifted;
  if (!past_only || (levels == 1 && max_active <= 1)) return Status();
  return fail(TEMPER_E_UNSUPPORTED,
              "%s attends to the past only: it can follow the quench hyperschedule, not a window of %lld positions",
              spec.family.c_str(), static_cast<long long>(max_active));
}

Status check_mask(const Spec &spec, const Noise &noise, bool shown) {
  if (!noise.uses_mask() || !shown || spec.mask_token >= 0) return Status();
  return fail(TEMPER_E_UNSUPPORTED, "%s has no mask token that is known: name it with the option mask token",
              spec.family.c_str());
}

int32_t begin_token(const Spec &spec) noexcept {
  return static_cast<int32_t>(spec.bos_token >= 0 ? spec.bos_token : spec.eos_token);
}

}  // namespace temper
