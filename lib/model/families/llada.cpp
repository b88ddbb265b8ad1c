// SPDX-License-Identifier: Apache-2.0
// LLaDA: Llama's blocks under OLMo's names, bidirectional and aligned. The class behind the
// configuration has GPT-like defaults, so what is absent is not what the release uses: every
// switch is checked against the one kind that is supported.
#include "model/families/families.h"

namespace temper {
namespace {

constexpr int64_t published_mask = 126336;

constexpr GatedNames names = {.layers = "blocks.",
                              .norm1 = "attn_norm",
                              .q = "q_proj",
                              .k = "k_proj",
                              .v = "v_proj",
                              .attention_out = "attn_out",
                              .norm2 = "ff_norm",
                              .gate = "ff_proj",
                              .up = "up_proj",
                              .down = "ff_out"};

void refuse_unsupported(Draft &draft) {
  Fields &config = draft.config;
  const auto refuse = [&draft](const std::string &what) {
    draft.refuse(TEMPER_E_UNSUPPORTED, "%s", what.c_str());
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

  const int64_t width = spec.width;
  Weights &weights = draft.weights;
  weights.embedding = draft.take("wte.weight", {spec.vocabulary, width});
  const bool bias = draft.has("blocks.0.attn_out.bias");
  fill_gated_layers(draft, names, {.qkv = draft.has("blocks.0.q_proj.bias"), .attention_out = bias, .mlp = bias});
  weights.final_norm = draft.take("ln_f.weight", {width});
  const bool own_head = draft.has("ff_out.weight");
  const bool tied = config.flag("weight_tying", true) || !own_head;
  draft.note("output head", tied ? "the embedding table" : "ff_out.weight",
             own_head ? "config.weight_tying" : "no tensor ff_out.weight");
  if (tied)
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
  draft.set_head(HeadForm::posterior, path_kappa, true, "family default");
  read_special_tokens(draft, published_mask, "the published code's default");
}

}  // namespace temper
