// SPDX-License-Identifier: Apache-2.0
// Llama's layout (RMS norms, rotary positions, grouped heads, SwiGLU) as Llama, Qwen2 and Qwen3 use
// it, and the diffusion models made from them. The tensors are the same; what differs is a row of
// the table below.
#include "model/families/families.h"

#include <algorithm>
#include <charconv>

namespace temper {
namespace {

struct Rule {
  const char *family;
  Context context;
  Window window;
  bool shifted;
  bool autoregressive;
  bool qkv_bias, qk_norm;     // must be there
  const char *block_field;    // null: no block rule
  int64_t block;              // published default, 0: none
  int64_t mask;               // published default, -1: none
};

constexpr Context causal = Context::causal, by_block = Context::block_causal;
constexpr Context everything = Context::full;

constexpr Rule rules[] = {
    {"llama", causal, Window::causal, true, true, false, false, nullptr, 0, -1},
    {"qwen2", causal, Window::causal, true, true, true, false, nullptr, 0, -1},
    {"qwen3", causal, Window::causal, true, true, false, true, nullptr, 0, -1},
    {"dream", everything, Window::full, true, false, true, false, nullptr, 0, 151666},
    {"diffullama", everything, Window::full, true, false, false, false, nullptr, 0, -1},
    {"sdar", by_block, Window::block, false, false, false, true, "block_size", 4, 151669},
    {"fast-dllm-v2", by_block, Window::block, true, false, true, false, "bd_size", 32, 151665},
    {"a2d-llama", everything, Window::full, false, false, false, false, nullptr, 0, -1},
    {"a2d-qwen2", everything, Window::full, false, false, true, false, nullptr, 0, -1},
    {"a2d-qwen3", everything, Window::full, false, false, false, true, nullptr, 0, 151669},
};

const Rule &rule_of(const std::string &family) {
  for (const Rule &rule : rules)
    if (family == rule.family) return rule;
  return rules[0];
}

// "-b8" at the end of the model's name: SDAR writes its block size there.
int64_t block_in_name(const std::string &names) {
  for (size_t at = names.find("-b"); at != std::string::npos; at = names.find("-b", at + 2)) {
    int64_t block = 0;
    const char *end = names.data() + names.size();
    const auto read = std::from_chars(names.data() + at + 2, end, block);
    const bool ends = read.ptr == end || *read.ptr == ' ' || *read.ptr == '-' || *read.ptr == '/';
    if (read.ec == std::errc() && ends && block >= 1 && block <= width_limit) return block;
  }
  return 0;
}

void refuse_unsupported(Draft &draft) {
  Fields &config = draft.config;
  const auto refuse = [&draft](const std::string &what) {
    draft.refuse(TEMPER_E_UNSUPPORTED, "%s", what.substr(0, 120).c_str());
  };
  if (draft.tensors.has_prefix("layers.0.mlp.experts.") || draft.has("layers.0.mlp.gate.weight"))
    refuse("a mixture of experts isn't supported");
  for (const char *path : {"rope_scaling", "rope_parameters"}) {
    const Json *scaling = config.find(path);
    if (scaling == nullptr) continue;
    const std::string base(path);
    if (scaling->kind != Json::Kind::object) {
      draft.refuse(TEMPER_E_FORMAT, "%s is not an object", path);
      continue;
    }
    const std::string type = config.text(base + ".rope_type", config.text(base + ".type", "default"));
    if (type != "default" || (base == "rope_scaling" && config.has("rope_scaling.factor")))
      refuse(base + " of type \"" + type.substr(0, 40) + "\" isn't supported");
  }
  const bool sliding = config.has("use_sliding_window") ? config.flag("use_sliding_window", false)
                                                        : config.has("sliding_window");
  if (sliding && config.has("sliding_window"))
    refuse("sliding_window attention isn't supported");
  if (config.mentions("layer_types", "sliding"))
    refuse("layer_types with sliding attention aren't supported");
  if (config.number("partial_rotary_factor", 1.0, 0.0, 1.0) != 1.0)
    refuse("partial_rotary_factor isn't supported");
  for (const char *gated : {"hidden_act", "hidden_activation"})
    if (const std::string name = config.text(gated, "silu"); name != "silu" && name != "swish")
      refuse("activation \"" + name.substr(0, 40) + "\" isn't supported, only silu");
}

constexpr GatedNames names = {.layers = "layers.",
                              .norm1 = "input_layernorm",
                              .q = "self_attn.q_proj",
                              .k = "self_attn.k_proj",
                              .v = "self_attn.v_proj",
                              .q_norm = "self_attn.q_norm",
                              .k_norm = "self_attn.k_norm",
                              .attention_out = "self_attn.o_proj",
                              .norm2 = "post_attention_layernorm",
                              .gate = "mlp.gate_proj",
                              .up = "mlp.up_proj",
                              .down = "mlp.down_proj"};

void fill_layers(Draft &draft, const Rule &rule) {
  Spec &spec = draft.spec;
  const std::string attention0 = "layers.0.self_attn.", mlp0 = "layers.0.mlp.";
  spec.qk_norm = rule.qk_norm || draft.has(attention0 + "q_norm.weight") ||
                 draft.has(attention0 + "k_norm.weight");
  const bool qkv_bias = rule.qkv_bias || draft.has(attention0 + "q_proj.bias") ||
                        draft.has(attention0 + "k_proj.bias") ||
                        draft.has(attention0 + "v_proj.bias");
  const bool out_bias = draft.has(attention0 + "o_proj.bias");
  const bool mlp_bias = draft.has(mlp0 + "gate_proj.bias") || draft.has(mlp0 + "down_proj.bias");
  fill_gated_layers(draft, names, {.qkv = qkv_bias, .attention_out = out_bias, .mlp = mlp_bias});
}

void fill_body(Draft &draft, const Rule &rule) {
  Fields &config = draft.config;
  Spec &spec = draft.spec;
  refuse_unsupported(draft);
  spec.layers = config.require("num_hidden_layers", 1, layer_limit);
  spec.width = config.require("hidden_size", 1, width_limit);
  spec.heads = config.require("num_attention_heads", 1, head_limit);
  spec.kv_heads = config.integer("num_key_value_heads", spec.heads, 1, head_limit);
  spec.mlp_width = config.require("intermediate_size", 1, 16 * width_limit);
  spec.vocabulary = spec.columns = config.require("vocab_size", 1, id_limit);
  draft.set_max_positions(config.integer("max_position_embeddings", 0, 1, id_limit),
                          "config.max_position_embeddings");
  spec.norm = Norm::rms;
  spec.norm_epsilon = static_cast<float>(config.number("rms_norm_eps", 1e-6, 1e-12, 1e-1));
  spec.activation = Activation::swiglu;
  spec.rotary = true;
  spec.rotary_theta = config.number(
      "rope_theta", config.number("rope_parameters.rope_theta", 10000.0, 1.0, 1e12), 1.0, 1e12);
  if (!draft.ok()) return;
  const int64_t divided = spec.width % spec.heads == 0 ? spec.width / spec.heads : 0;
  spec.head_dim = config.integer("head_dim", divided, 1, head_limit);
  check_sizes(draft);

  Weights &weights = draft.weights;
  weights.embedding = draft.take("embed_tokens.weight", {spec.vocabulary, spec.width});
  fill_layers(draft, rule);
  weights.final_norm = draft.take("norm.weight", {spec.width});
  const bool own_head = draft.has("lm_head.weight");
  const bool tied = config.flag("tie_word_embeddings", false) || !own_head;
  draft.note("output head", tied ? "the embedding table" : "lm_head.weight",
             own_head ? "config.tie_word_embeddings" : "no tensor lm_head.weight");
  if (tied)
    weights.head.parts.push_back({weights.embedding, std::nullopt});
  else
    weights.head = draft.matrix("lm_head", spec.columns, spec.width, draft.has("lm_head.bias"));
}

void fill_block(Draft &draft, const Rule &rule) {
  Fields &config = draft.config;
  if (rule.block_field == nullptr) {
    // The same A2D files are trained either way; only the name or a field tells which.
    const bool a2d = std::string_view(rule.family).starts_with("a2d");
    const bool by_field = config.has("block_size");
    if (!a2d || (!by_field && !draft.name_hints("bd3lm"))) {
      draft.set_block(0, "no rule goes by blocks");
      return;
    }
    const char *why = by_field ? "config.block_size" : "\"bd3lm\" in the model's name";
    draft.set_context(by_block, why);
    draft.set_window(Window::block, why);
    draft.set_block(config.integer("block_size", 32, 1, width_limit),
                    by_field ? why : "published default");
  } else if (config.has(rule.block_field)) {
    draft.set_block(config.integer(rule.block_field, 0, 1, width_limit),
                    std::string("config.") + rule.block_field);
  } else if (const int64_t named = block_in_name(draft.names()); named > 0) {
    draft.set_block(named, "the model's name");
  } else {
    draft.set_block(rule.block, std::string("published default, as config.") + rule.block_field +
                                    " is absent; the override block gives another");
  }
  draft.spec.default_width = draft.spec.block;
}

}  // namespace

std::string detect_llama(const Draft &draft, std::string &why) {
  const Fields &config = draft.config;
  const auto is = [&](std::string_view word) {
    return config.mentions("architectures", word) || config.mentions("model_type", word) ||
           config.mentions("auto_map", word);
  };
  why = "Llama tensors and config.model_type, config.architectures or config.auto_map";
  if (is("dream")) return "dream";
  if (is("fast_dllm")) return "fast-dllm-v2";
  if (is("sdar")) return "sdar";
  if (config.mentions("model_type", "a2d-qwen3")) return "a2d-qwen3";
  if (config.mentions("model_type", "a2d-qwen2")) return "a2d-qwen2";
  if (config.mentions("model_type", "a2d-llama")) return "a2d-llama";
  if (draft.name_hints("diffullama")) {
    why = "Llama tensors and the model's name";
    return "diffullama";
  }
  // An autoregressive model, but only if nothing speaks of diffusion or of code of its own.
  for (const char *sign : {"auto_map", "dlm_paradigm", "block_size", "bd_size", "mask_token_id",
                           "diffusion_steps", "canvas_length"})
    if (config.has(sign)) return "";
  static constexpr struct {
    const char *type, *architecture, *family;
  } plain[] = {{"llama", "LlamaForCausalLM", "llama"},
               {"mistral", "MistralForCausalLM", "llama"},
               {"qwen2", "Qwen2ForCausalLM", "qwen2"},
               {"qwen3", "Qwen3ForCausalLM", "qwen3"}};
  const Json *type = config.find("model_type");
  for (const auto &row : plain) {
    const bool by_type = type != nullptr && type->kind == Json::Kind::text && type->text == row.type;
    const bool by_class = config.mentions("architectures", row.architecture);
    if (config.has("architectures") ? by_class && (by_type || type == nullptr) : by_type) {
      why = "Llama tensors, config.model_type and config.architectures, and no field that speaks "
            "of diffusion";
      return row.family;
    }
  }
  return "";
}

void fill_llama(Draft &draft) {
  const Rule &rule = rule_of(draft.spec.family);
  fill_body(draft, rule);
  draft.set_context(rule.context, "family default");
  draft.set_window(rule.window, "family default");
  draft.set_shifted(rule.shifted, "family default");
  draft.set_noise_keys(!rule.autoregressive,
                       rule.autoregressive ? "family default: autoregressive" : "family default");
  fill_block(draft, rule);
  draft.set_conditioning(Conditioning::none, "family default");
  draft.set_path({}, "family default");
  draft.set_head(HeadForm::posterior, path_kappa, true, "family default");
  draft.spec.autoregressive = rule.autoregressive;
  if (rule.autoregressive) draft.note("autoregressive", "yes", "family default");
  read_special_tokens(draft, rule.mask,
                      rule.autoregressive ? "an autoregressive model has none"
                      : rule.mask >= 0    ? "the published code's default"
                                          : "no file names one");
}

}  // namespace temper
