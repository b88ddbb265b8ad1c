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

std::string remark_on_mask(const SamplerParameters &parameters, const HeadDescription &head, const Noise &noise) {
  if (parameters.compat == 0) return "";
  if (head.mask_token < 0 || head.mask_token >= head.vocabulary)
    return "compat does nothing: the model's logits have no column for the mask";
  const NoisePath path = noise.parameters().path;
  if (path == NoisePath::table || path == NoisePath::callback) return "";
  const bool decoded = (head.kind == HeadForm::score_exact && noise.uses_uniform()) ||
                       (head.kind == HeadForm::score_official_gamma && !noise.uses_mask());
  return decoded ? "compat does nothing: on this path scores are turned into a prediction without the mask" : "";
}

}  // namespace temper
