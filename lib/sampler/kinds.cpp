// SPDX-License-Identifier: Apache-2.0
#include "sampler/kind.h"

namespace temper {

const Kind *find_kind(SamplerKind kind) noexcept {
  switch (kind) {
#define TEMPER_FIND_KIND(name, number) \
  case SamplerKind::name: return &kinds::name;
    TEMPER_SAMPLER_KINDS(TEMPER_FIND_KIND)
#undef TEMPER_FIND_KIND
  }
  return nullptr;
}

Status needs_mask(const HeadDescription &head, const Noise &noise, const char *name) {
  if (noise.uses_mask() && head.mask_token >= 0) return Status();
  return fail(TEMPER_E_UNSUPPORTED, "the %s sampler reveals masks: it can't follow a path without them", name);
}

Status needs_opinion(const HeadDescription &head, const char *name) {
  if (!head.carry_over) return Status();
  return fail(TEMPER_E_UNSUPPORTED,
              "the model was trained to keep visible tokens: it says nothing about them that the %s sampler could use",
              name);
}

Status needs_no_uniform(const Noise &noise, const char *name) {
  if (!noise.uses_uniform()) return Status();
  return fail(TEMPER_E_UNSUPPORTED, "the %s sampler is for paths of masks alone, this one has uniform noise", name);
}

}  // namespace temper
