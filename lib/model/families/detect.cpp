// SPDX-License-Identifier: Apache-2.0
// Tensor names tell the layout; the fields then tell what it was trained to do. model_type alone
// decides nothing: several families share one, and some carry a wrong one.
#include "model/families/families.h"

#include <optional>

namespace temper {
namespace {

constexpr Family families[] = {
    {"hdlm-epsilon", Layout::ddit, fill_hdlm_epsilon},
    {"hdlm-gamma", Layout::ddit, fill_hdlm_gamma},
    {"mdlm", Layout::ddit, fill_mdlm},
    {"sedd", Layout::ddit, fill_sedd},
    {"bd3lm", Layout::ddit, fill_bd3lm},
    {"gidd", Layout::ddit, fill_gidd},
    {"gpt2", Layout::gpt2, fill_gpt2},
    {"diffugpt", Layout::gpt2, fill_diffugpt},
    {"llada", Layout::llada, fill_llada},
    {"llama", Layout::llama, fill_llama},
    {"qwen2", Layout::llama, fill_llama},
    {"qwen3", Layout::llama, fill_llama},
    {"dream", Layout::llama, fill_llama},
    {"diffullama", Layout::llama, fill_llama},
    {"sdar", Layout::llama, fill_llama},
    {"fast-dllm-v2", Layout::llama, fill_llama},
    {"a2d-llama", Layout::llama, fill_llama},
    {"a2d-qwen2", Layout::llama, fill_llama},
    {"a2d-qwen3", Layout::llama, fill_llama},
};

const Family *family_of(std::string_view name) {
  for (const Family &family : families)
    if (name == family.name) return &family;
  return nullptr;
}

// Any of a layout's tensors is enough: if others are missing, the error should name them.
std::optional<Layout> layout_of(const TensorSet &tensors) {
  const auto any = [&tensors](std::initializer_list<const char *> prefixes) {
    for (const char *prefix : prefixes)
      if (tensors.has_prefix(prefix)) return true;
    return false;
  };
  if (any({"vocab_embed.", "blocks.0.attn_qkv.", "output_layer."})) return Layout::ddit;
  if (any({"wpe.", "h.0."})) return Layout::gpt2;
  if (any({"embed_tokens.", "layers.0.self_attn."})) return Layout::llama;
  if (any({"wte.", "blocks.0.q_proj.", "blocks.0.attn_norm."})) return Layout::llada;
  return std::nullopt;
}

std::string detect(const Draft &draft, Layout layout, std::string &why) {
  switch (layout) {
    case Layout::ddit: return detect_ddit(draft, why);
    case Layout::gpt2: return detect_gpt2(draft, why);
    case Layout::llama: return detect_llama(draft, why);
    case Layout::llada: break;
  }
  why = "tensors named as LLaDA's";
  return draft.config.mentions("model_type", "llada") ||
                 draft.config.mentions("architectures", "llada")
             ? "llada"
             : "";
}

std::string described(const Draft &draft) {
  const auto text = [&draft](const char *path) -> std::string {
    const Json *json = draft.config.find(path);
    if (json != nullptr && json->kind == Json::Kind::array && !json->members.empty())
      json = &json->members.front().value;
    return json != nullptr && json->kind == Json::Kind::text ? json->text.substr(0, 40) : "absent";
  };
  return "model_type " + text("model_type") + ", architectures " + text("architectures");
}

}  // namespace

const Family *detect_family(Draft &draft) {
  const std::optional<Layout> layout = layout_of(draft.tensors);
  if (!layout) {
    draft.fail_with(fail(TEMPER_E_UNSUPPORTED, "the tensors are those of no known family (%s)",
                         described(draft).c_str()));
    return nullptr;
  }
  std::string why = "override by the caller";
  std::string name = draft.overrides.family;
  if (!name.empty()) {
    const Family *family = family_of(name);
    if (family == nullptr)
      draft.fail_with(fail(TEMPER_E_ARGUMENT, "override family: \"%.40s\" is not known",
                           name.c_str()));
    else if (family->layout != *layout)
      draft.fail_with(fail(TEMPER_E_ARGUMENT, "override family: the tensors are not those of %s",
                           family->name));
  } else {
    name = detect(draft, *layout, why);
    if (name.empty())
      draft.fail_with(fail(TEMPER_E_UNSUPPORTED,
                           "the family can't be told from the configuration (%s); give the "
                           "override family",
                           described(draft).c_str()));
  }
  if (!draft.ok()) return nullptr;
  draft.spec.family = name;
  draft.note("family", name, why);
  return family_of(name);
}

}  // namespace temper
