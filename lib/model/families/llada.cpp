// SPDX-License-Identifier: Apache-2.0
// LLaDA: Llama's blocks under OLMo's names, bidirectional and aligned. The class behind the
// configuration has GPT-like defaults, so what is absent is not what the release uses: every
// switch is checked against the one kind that is supported.
#include "model/families/families.h"

namespace temper {
namespace {

constexpr int64_t published_mask = 126336;

void refuse_unsupported(Draft &draft) {
  Fields &config = draft.config;
  const auto refuse = [&draft](const std::string &what) {
    draft.fail_with(fail(TEMPER_E_UNSUPPORTED, "config.json: %s", what.c_str()));
  };
  if (config.has("expert_intermediate_size") || config.has("num_experts"))
    refuse("LLaDA-MoE (a mixture of experts) isn't supported");
  const struct {
    const char *field, *absent, *supported;
  } choices[] = {{"block_type", "sequential", "llama"},
                 {"layer_norm_type", "default", "rms"},
                 {"activation_type", "swiglu", "silu"}};
  for (const auto &choice : choices)
    if (const std::string value = config.text(choice.field, choice.absent);
        value != choice.supported)
      refuse(std::string(choice.field) + " \"" + value.substr(0, 40) + "\" isn't supported, only " +
             choice.supported);
  const struct {
    const char *field;
    bool absent, supported;
  } switches[] = {{"rope", false, true},           {"alibi", false, false},
                  {"attention_layer_norm", false, false}, {"scale_logits", false, false},
                  {"input_emb_norm", false, false}};
  for (const auto &entry : switches)
    if (config.flag(entry.field, entry.absent) != entry.supported)
      refuse(std::string(entry.field) + " is " + (entry.supported ? "not true" : "true") +
             ", which isn't supported");
  if (config.integer("block_group_size", 1, 1, layer_limit) != 1)
    refuse("block_group_size above 1 isn't supported");
}

}  // namespace

void fill_llada(Draft &draft) {
  Fields &config = draft.config;
  Spec &spec = draft.spec;
  refuse_unsupported(draft);
  spec.layers = config.require("n_layers", 1, layer_limit);
  spec.width = config.require("d_model", 1, width_limit);
  spec.heads = config.require("n_heads", 1, head_limit);
  const bool one_key = config.flag("multi_query_attention", false);
  spec.kv_heads = config.integer("n_kv_heads", one_key ? 1 : spec.heads, 1, head_limit);
  const double ratio = config.number("mlp_ratio", 4.0, 1e-3, 64.0);
  spec.mlp_width = config.integer(
      "mlp_hidden_size", static_cast<int64_t>(ratio * static_cast<double>(spec.width)), 1,
      64 * width_limit);
  const char *rows_field = config.has("embedding_size") ? "embedding_size" : "vocab_size";
  spec.vocabulary = spec.columns = config.require(rows_field, 1, id_limit);
  draft.set_max_positions(config.integer("max_sequence_length", 0, 1, id_limit),
                          "config.max_sequence_length");
  spec.norm = Norm::rms;
  spec.norm_epsilon = static_cast<float>(config.number("rms_norm_eps", 1e-5, 1e-12, 1e-1));
  spec.activation = Activation::swiglu;
  spec.rotary = true;
  spec.rotary_theta = config.number("rope_theta", 10000.0, 1.0, 1e12);
  if (!draft.ok()) return;
  spec.head_dim = spec.width % spec.heads == 0 ? spec.width / spec.heads : 0;
  check_sizes(draft);

  const int64_t width = spec.width, keys = spec.kv_heads * spec.head_dim;
  Weights &weights = draft.weights;
  weights.embedding = draft.take("wte.weight", {spec.vocabulary, width});
  const bool qkv_bias = draft.has("blocks.0.q_proj.bias");
  const bool bias = draft.has("blocks.0.attn_out.bias");
  for (int64_t i = 0; i < spec.layers && draft.ok(); ++i) {
    const std::string block = "blocks." + std::to_string(i) + ".";
    LayerWeights layer;
    layer.norm1 = draft.take(block + "attn_norm.weight", {width});
    layer[Matrix::qkv].parts = {draft.linear(block + "q_proj", width, width, qkv_bias),
                       draft.linear(block + "k_proj", keys, width, qkv_bias),
                       draft.linear(block + "v_proj", keys, width, qkv_bias)};
    layer[Matrix::attention_out] = draft.matrix(block + "attn_out", width, width, bias);
    layer.norm2 = draft.take(block + "ff_norm.weight", {width});
    layer[Matrix::mlp_in].parts = {draft.linear(block + "ff_proj", spec.mlp_width, width, bias),
                          draft.linear(block + "up_proj", spec.mlp_width, width, bias)};
    layer[Matrix::mlp_out] = draft.matrix(block + "ff_out", width, spec.mlp_width, bias);
    weights.layers.push_back(std::move(layer));
  }
  draft.refuse_more_layers("blocks.");
  weights.final_norm = draft.take("ln_f.weight", {width});
  const bool own_head = draft.has("ff_out.weight");
  spec.tied_head = config.flag("weight_tying", true) || !own_head;
  draft.note("output head", spec.tied_head ? "the embedding table" : "ff_out.weight",
             own_head ? "config.weight_tying" : "no tensor ff_out.weight");
  if (spec.tied_head)
    weights.head.parts.push_back({weights.embedding, std::nullopt});
  else
    weights.head = draft.matrix("ff_out", spec.columns, width, draft.has("ff_out.bias"));

  draft.set_context(Context::full, "family default");
  draft.set_window(Window::full, "family default");
  draft.set_block(0, "no rule goes by blocks");
  draft.set_shifted(false, "family default");
  draft.set_noise_keys(true, "family default");
  draft.set_conditioning(Conditioning::none, "family default");
  draft.set_path({}, "family default");
  draft.set_head(HeadForm::posterior, std::numeric_limits<double>::quiet_NaN(), true,
                 "family default");
  read_special_tokens(draft, published_mask, "the published code's default");
}

}  // namespace temper
