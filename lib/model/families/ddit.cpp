// SPDX-License-Identifier: Apache-2.0
// The diffusion transformer (DDiT) that HDLM, MDLM, SEDD, BD3-LM and GIDD share: bias-free layer
// norms, one fused qkv matrix, rotary positions, tanh GELU, an untied head with a bias, and, where
// it is told the noise, adaLN from a sigma map.
#include "model/families/families.h"

namespace temper {

std::string detect_ddit(const Draft &draft, std::string &why) {
  const Fields &config = draft.config;
  const bool sigma_map = draft.has("sigma_map.mlp.0.weight");
  const bool blocks = draft.has("blocks.0.adaLN_modulation.weight");
  const bool head = draft.has("output_layer.adaLN_modulation.weight");
  const bool bd3lm = config.mentions("model_type", "bd3lm") ||
                     config.mentions("architectures", "BD3LM") ||
                     (config.has("block_size") && config.has("cross_attn"));
  const bool hydra = config.has("annealing") || config.mentions("model_type", "hybrid") ||
                     config.mentions("model_type", "hdlm");
  if (hydra && !head) {
    const bool gamma = sigma_map || blocks;
    why = gamma ? "tensors sigma_map.* or adaLN_modulation are there"
                : "no sigma_map and no adaLN_modulation tensors";
    const bool contradiction = config.mentions("model_type", gamma ? "epsilon" : "gamma");
    if (contradiction) why += ", although config.model_type says otherwise";
    return gamma ? "hdlm-gamma" : "hdlm-epsilon";
  }
  if (bd3lm) {
    why = "config.model_type or config.block_size with cross_attn";
    return "bd3lm";
  }
  if (hydra || !sigma_map || !blocks || !head) return "";
  if (config.has("p_uniform")) {
    why = "tensors sigma_map.* with config.p_uniform";
    return "gidd";
  }
  if (config.has("graph.type") && config.has("model.hidden_size")) {
    why = "tensors sigma_map.* with config.graph";
    return "sedd";
  }
  if (config.mentions("model_type", "mdlm") || config.mentions("architectures", "MDLM")) {
    why = "tensors sigma_map.* with config.model_type or config.architectures";
    return "mdlm";
  }
  return "";
}

DditSizes read_ddit_sizes(Fields &config, const DditFields &fields) {
  DditSizes sizes{};
  sizes.layers = config.require(fields.layers, 1, layer_limit);
  sizes.width = config.require(fields.width, 1, width_limit);
  sizes.heads = config.require(fields.heads, 1, head_limit);
  if (fields.condition != nullptr && fields.condition_default == 0)
    sizes.condition_width = config.require(fields.condition, 1, width_limit);
  else if (fields.condition != nullptr)
    sizes.condition_width = config.integer(fields.condition, fields.condition_default, 1, width_limit);
  sizes.max_positions = config.integer(fields.positions, 0, 1, id_limit);
  sizes.positions_field = fields.positions;
  return sizes;
}

double read_mix(Fields &config, const char *field, const NoiseRange &range) {
  return config.number(field, 0.0, range.low, range.high);
}

void read_clock(Draft &draft, double sigma_max, PathSpec &path) {
  Fields &config = draft.config;
  const std::string noise = config.text("noise.type", "loglinear");
  if (noise != "geometric" && noise != "loglinear")
    draft.refuse(TEMPER_E_UNSUPPORTED, "noise.type \"%.40s\" is not known", noise.c_str());
  path.clock = noise == "geometric" ? ClockKind::geometric : ClockKind::log_linear;
  path.sigma_min = config.number("noise.sigma_min", 1e-4, sigma_min_range.low, sigma_min_range.high);
  path.sigma_max = config.number("noise.sigma_max", sigma_max, sigma_max_range.low, sigma_max_range.high);
  if (path.clock == ClockKind::geometric && !(path.sigma_min < path.sigma_max))
    draft.refuse(TEMPER_E_FORMAT, "noise.sigma_min %g isn't below noise.sigma_max %g", path.sigma_min, path.sigma_max);
}

void fill_ddit_body(Draft &draft, const DditSizes &sizes, bool modulated, bool modulated_head) {
  Spec &spec = draft.spec;
  spec.layers = sizes.layers;
  spec.width = sizes.width;
  spec.heads = spec.kv_heads = sizes.heads;
  spec.vocabulary = spec.columns = sizes.vocabulary;
  spec.norm = Norm::layer;
  spec.norm_epsilon = 1e-5F;
  spec.activation = Activation::gelu_tanh;
  spec.rotary = true;
  spec.rotary_theta = 10000.0;
  spec.modulated_blocks = modulated;
  spec.modulated_head = modulated_head;
  draft.set_max_positions(sizes.max_positions, std::string("config.") + sizes.positions_field);
  if (!draft.ok()) return;
  spec.head_dim = spec.width % spec.heads == 0 ? spec.width / spec.heads : 0;
  check_sizes(draft);
  if (!draft.ok()) return;

  const int64_t width = spec.width;
  spec.mlp_width = draft.size_of("blocks.0.mlp.0.weight", 0);
  if (modulated || modulated_head) {
    spec.condition_width = sizes.condition_width;
    spec.frequency_width = draft.size_of("sigma_map.mlp.0.weight", 1);
    if (spec.frequency_width % 2 != 0 || spec.frequency_width > head_limit)
      draft.fail_with(fail(TEMPER_E_FORMAT, "sigma_map.mlp.0.weight has %lld inputs, which is no "
                           "number of sines and cosines",
                           static_cast<long long>(spec.frequency_width)));
    draft.weights.sigma_in =
        draft.matrix("sigma_map.mlp.0", spec.condition_width, spec.frequency_width, true);
    draft.weights.sigma_out =
        draft.matrix("sigma_map.mlp.2", spec.condition_width, spec.condition_width, true);
  }
  Weights &weights = draft.weights;
  weights.embedding = draft.take("vocab_embed.embedding", {spec.vocabulary, width});
  const bool qkv_bias = draft.has("blocks.0.attn_qkv.bias");
  const bool out_bias = draft.has("blocks.0.attn_out.bias");
  for (int64_t i = 0; i < spec.layers && draft.ok(); ++i) {
    const std::string block = "blocks." + std::to_string(i) + ".";
    LayerWeights layer;
    layer.norm1 = draft.take(block + "norm1.weight", {width});
    layer[Matrix::qkv] = draft.matrix(block + "attn_qkv", 3 * width, width, qkv_bias);
    layer[Matrix::attention_out] = draft.matrix(block + "attn_out", width, width, out_bias);
    layer.norm2 = draft.take(block + "norm2.weight", {width});
    layer[Matrix::mlp_in] = draft.matrix(block + "mlp.0", spec.mlp_width, width, true);
    layer[Matrix::mlp_out] = draft.matrix(block + "mlp.2", width, spec.mlp_width, true);
    if (modulated)
      layer[Matrix::modulation] =
          draft.matrix(block + "adaLN_modulation", chunk_count * width, spec.condition_width, true);
    weights.layers.push_back(std::move(layer));
  }
  draft.refuse_more_layers("blocks.");
  weights.final_norm = draft.take("output_layer.norm_final.weight", {width});
  weights.head = draft.matrix("output_layer.linear", spec.columns, width, true);
  if (modulated_head)
    weights.head_modulation =
        draft.matrix("output_layer.adaLN_modulation", head_chunk_count * width, spec.condition_width, true);
}

}  // namespace temper
