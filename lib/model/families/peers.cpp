// SPDX-License-Identifier: Apache-2.0
// The diffusion transformer's other families: MDLM, BD3-LM, SEDD and GIDD.
#include "model/families/families.h"

namespace temper {
namespace {

DditSizes mdlm_sizes(Fields &config) {
  DditSizes sizes = read_ddit_sizes(config, {.layers = "n_blocks", .width = "hidden_dim", .heads = "n_heads",
                                             .condition = "cond_dim", .positions = "model_length",
                                             .condition_default = 128});
  sizes.vocabulary = config.require("vocab_size", 2, id_limit);
  return sizes;
}

void set_bidirectional(Draft &draft) {
  draft.set_context(Context::full, "family default");
  draft.set_window(Window::full, "family default");
  draft.set_block(0, "no rule goes by blocks");
  draft.set_shifted(false, "family default");
  draft.set_noise_keys(true, "family default");
}

// One noise level per sequence was seen in training: all rows are told the window's.
void share_conditioning(Draft &draft) {
  draft.spec.shared_conditioning = true;
  draft.note("conditioning is shared", "by all rows of a sequence", "family default");
}

}  // namespace

void fill_mdlm(Draft &draft) {
  Fields &config = draft.config;
  fill_ddit_body(draft, mdlm_sizes(config), true, true);
  set_bidirectional(draft);
  const bool timed = config.flag("time_conditioning", false);
  draft.set_conditioning(timed ? Conditioning::sigma : Conditioning::zero,
                         config.has("time_conditioning") ? "config.time_conditioning"
                                                         : "family default");
  if (timed) share_conditioning(draft);
  PathSpec path;
  path.clock = ClockKind::log_linear;
  path.e0 = 1e-3;
  draft.set_path(path, "family default");
  draft.set_head(HeadForm::posterior, path_kappa, true, "family default");
  read_special_tokens(draft, draft.spec.vocabulary - 1, last_row_is_mask);
}

void fill_bd3lm(Draft &draft) {
  Fields &config = draft.config;
  if (config.flag("causal", false))
    draft.refuse(TEMPER_E_UNSUPPORTED, "causal is true (the autoregressive variant of BD3-LM)");
  const bool modulated = config.flag("adaln", draft.has("sigma_map.mlp.0.weight"));
  fill_ddit_body(draft, mdlm_sizes(config), modulated, modulated);
  set_bidirectional(draft);
  const int64_t block = config.integer("block_size", 0, 1, width_limit);
  if (config.flag("cross_attn", true)) {
    draft.set_context(Context::block_causal, "config.cross_attn");
    draft.set_window(Window::block, "config.cross_attn");
    draft.set_block(block, block > 0 ? "config.block_size" : "config.block_size is absent");
    draft.spec.default_width = block;
  } else {
    draft.set_context(Context::full, "config.cross_attn is false");
    draft.set_window(Window::full, "config.cross_attn is false");
  }
  const bool timed = modulated && config.flag("time_conditioning", false);
  draft.set_conditioning(timed       ? Conditioning::sigma
                         : modulated ? Conditioning::zero
                                     : Conditioning::none,
                         "config.adaln and config.time_conditioning");
  PathSpec path;
  // Its samplers take the masked fraction to be t itself, unless the network is told sigma.
  path.clock = timed ? ClockKind::log_linear : ClockKind::linear;
  path.e0 = timed ? 1e-3 : 0.0;
  draft.set_path(path, "family default");
  draft.set_head(HeadForm::posterior, path_kappa, true, "family default");
  read_special_tokens(draft, draft.spec.vocabulary - 1, last_row_is_mask);
}

void fill_sedd(Draft &draft) {
  Fields &config = draft.config;
  const std::string graph = config.text("graph.type");
  const bool uniform = graph == "uniform";
  if (!uniform && graph != "absorb")
    draft.refuse(TEMPER_E_UNSUPPORTED, "graph.type \"%.40s\" is neither absorb nor uniform", graph.c_str());
  DditSizes sizes = read_ddit_sizes(config, {.layers = "model.n_blocks", .width = "model.hidden_size",
                                             .heads = "model.n_heads", .condition = "model.cond_dim",
                                             .positions = "model.length", .condition_default = 0});
  sizes.vocabulary = config.require("tokens", 2, id_limit - 1) + (uniform ? 0 : 1);
  fill_ddit_body(draft, sizes, true, true);
  set_bidirectional(draft);
  draft.set_conditioning(Conditioning::sigma, "tensors sigma_map.* are there");
  share_conditioning(draft);
  draft.spec.scale_by_sigma = config.flag("model.scale_by_sigma", !uniform);
  if (uniform && draft.spec.scale_by_sigma)
    draft.refuse(TEMPER_E_UNSUPPORTED, "model.scale_by_sigma with the uniform graph");
  draft.note("logits scaled by sigma", draft.spec.scale_by_sigma ? "yes" : "no",
             "config.model.scale_by_sigma");

  PathSpec path;
  path.kind = uniform ? PathKind::uniform : PathKind::absorbing;
  read_clock(draft, 20.0, path);
  path.e0 = 1e-3;
  draft.set_path(path, "config.graph.type and config.noise.type");
  draft.set_head(HeadForm::score_exact, path_kappa, !uniform, "family default");
  read_special_tokens(draft, draft.spec.vocabulary - 1, uniform ? nullptr : last_row_is_mask);
}

void fill_gidd(Draft &draft) {
  Fields &config = draft.config;
  DditSizes sizes = read_ddit_sizes(config, {.layers = "num_hidden_layers", .width = "hidden_size",
                                             .heads = "num_attention_heads", .condition = "timestep_cond_dim",
                                             .positions = "max_seq_len", .condition_default = 128});
  sizes.vocabulary = config.require("vocab_size", 2, id_limit);
  fill_ddit_body(draft, sizes, true, true);
  set_bidirectional(draft);
  draft.set_conditioning(Conditioning::time, "family default");
  share_conditioning(draft);
  PathSpec path;
  path.kind = PathKind::gidd;
  path.mix = read_mix(config, "p_uniform", mix_range);
  draft.set_path(path, config.has("p_uniform") ? "config.p_uniform" : "family default");
  draft.set_head(HeadForm::leave_one_out, path_kappa, false, "family default");
  read_special_tokens(draft, draft.spec.vocabulary - 1, last_row_is_mask);
}

}  // namespace temper
