// SPDX-License-Identifier: Apache-2.0
// GPT-2 (learned positions, input-major matrices, tied head) and DiffuGPT, which has the same files
// but was trained on as a bidirectional, shifted denoiser.
#include "model/families/families.h"

namespace temper {
namespace {

Activation activation_of(Draft &draft) {
  const std::string name = draft.config.text("activation_function", "gelu_new");
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_fast")
    return Activation::gelu_tanh;
  if (name != "gelu")
    draft.refuse(TEMPER_E_UNSUPPORTED, "activation_function \"%.40s\" is not known", name.c_str());
  return Activation::gelu_erf;
}

void fill_body(Draft &draft) {
  Fields &config = draft.config;
  Spec &spec = draft.spec;
  spec.layers = config.require("n_layer", 1, layer_limit);
  spec.width = config.require("n_embd", 1, width_limit);
  spec.heads = spec.kv_heads = config.require("n_head", 1, head_limit);
  spec.vocabulary = spec.columns = config.require("vocab_size", 1, id_limit);
  draft.set_max_positions(config.require("n_positions", 1, id_limit), "config.n_positions");
  spec.mlp_width = config.integer("n_inner", 4 * spec.width, 1, 16 * width_limit);
  spec.norm = Norm::layer;
  spec.norm_epsilon = static_cast<float>(config.number("layer_norm_epsilon", 1e-5, 1e-12, 1e-1));
  spec.activation = activation_of(draft);
  spec.rotary = false;
  if (!config.flag("scale_attn_weights", true) ||
      config.flag("scale_attn_by_inverse_layer_idx", false))
    draft.refuse(TEMPER_E_UNSUPPORTED, "attention scores scaled otherwise than by the head size");
  if (!draft.ok()) return;
  spec.head_dim = spec.width % spec.heads == 0 ? spec.width / spec.heads : 0;
  check_sizes(draft);

  const int64_t width = spec.width;
  Weights &weights = draft.weights;
  weights.embedding = draft.take("wte.weight", {spec.vocabulary, width});
  weights.positions = draft.take("wpe.weight", {spec.max_positions, width});
  // Biases are there throughout or nowhere: a file that lost some of them is not a model.
  const bool bias = draft.has("ln_f.bias") || draft.has("h.0.attn.c_attn.bias") ||
                    draft.has("h.0.mlp.c_fc.bias");
  const auto norm_bias = [&](const std::string &name) -> std::optional<TensorView> {
    if (!bias) return std::nullopt;
    return draft.take(name, {width});
  };
  for (int64_t i = 0; i < spec.layers && draft.ok(); ++i) {
    const std::string block = "h." + std::to_string(i) + ".";
    LayerWeights layer;
    layer.norm1 = draft.take(block + "ln_1.weight", {width});
    layer.norm1_bias = norm_bias(block + "ln_1.bias");
    layer[Matrix::qkv] = draft.matrix(block + "attn.c_attn", 3 * width, width, bias, true);
    layer[Matrix::attention_out] = draft.matrix(block + "attn.c_proj", width, width, bias, true);
    layer.norm2 = draft.take(block + "ln_2.weight", {width});
    layer.norm2_bias = norm_bias(block + "ln_2.bias");
    layer[Matrix::mlp_in] = draft.matrix(block + "mlp.c_fc", spec.mlp_width, width, bias, true);
    layer[Matrix::mlp_out] = draft.matrix(block + "mlp.c_proj", width, spec.mlp_width, bias, true);
    weights.layers.push_back(std::move(layer));
  }
  draft.refuse_more_layers("h.");
  weights.final_norm = draft.take("ln_f.weight", {width});
  weights.final_norm_bias = norm_bias("ln_f.bias");
  const bool tied = config.flag("tie_word_embeddings", true) || !draft.has("lm_head.weight");
  draft.note("output head", tied ? "the embedding table" : "lm_head.weight",
             config.has("tie_word_embeddings") ? "config.tie_word_embeddings" : "family default");
  if (tied)
    weights.head.parts.push_back({weights.embedding, std::nullopt});
  else
    weights.head = draft.matrix("lm_head", spec.columns, width, draft.has("lm_head.bias"));
  draft.set_conditioning(Conditioning::none, "family default");
  draft.set_block(0, "no rule goes by blocks");
  draft.set_shifted(true, "family default");
  draft.set_path({}, "family default");
  draft.set_head(HeadForm::posterior, path_kappa, true, "family default");
}

}  // namespace

std::string detect_gpt2(const Draft &draft, std::string &why) {
  const Fields &config = draft.config;
  if (config.mentions("architectures", "DiscreteDiffusion") ||
      config.mentions("architectures", "diffugpt")) {
    why = "config.architectures";
    return "diffugpt";
  }
  if (draft.name_hints("diffugpt")) {
    why = "the model's name";
    return "diffugpt";
  }
  if (config.has("mask_token_id")) {
    why = "GPT-2 tensors with config.mask_token_id";
    return "diffugpt";
  }
  if (config.has("auto_map") || config.has("dlm_paradigm") || config.has("block_size")) return "";
  if (config.mentions("model_type", "gpt2") || config.mentions("architectures", "GPT2")) {
    why = "GPT-2 tensors and config.model_type or config.architectures without any sign of "
          "diffusion (DiffuGPT has the same files: override family)";
    return "gpt2";
  }
  return "";
}

void fill_gpt2(Draft &draft) {
  fill_body(draft);
  draft.set_context(Context::causal, "family default");
  draft.set_window(Window::causal, "family default");
  draft.set_noise_keys(false, "family default: autoregressive");
  draft.spec.autoregressive = true;
  draft.note("autoregressive", "yes", "family default");
  read_special_tokens(draft, -1, "an autoregressive model has none");
}

void fill_diffugpt(Draft &draft) {
  fill_body(draft);
  draft.set_context(Context::full, "family default");
  draft.set_window(Window::full, "family default");
  draft.set_noise_keys(true, "family default");
  read_special_tokens(draft, -1, "no file names one");
}

}  // namespace temper
