// SPDX-License-Identifier: Apache-2.0
// HDLM (arXiv:2504.06416). Its config.json is the whole training configuration, nested.
#include "model/families/families.h"

#include "base/text.h"

namespace temper {
namespace {

void fill_sizes(Draft &draft, bool gamma) {
  Fields &config = draft.config;
  const int64_t rows = draft.size_of("vocab_embed.embedding", 0);
  const char *tokens_field = config.has("tokenizer.tokens") ? "tokenizer.tokens" : "tokens";
  // The table has one row more than there are real tokens: the mask.
  if (config.has(tokens_field)) {
    const int64_t tokens = config.require(tokens_field, 1, id_limit - 1);
    if (draft.ok() && tokens + 1 != rows)
      draft.refuse(TEMPER_E_FORMAT,
                   "%s is %lld, but vocab_embed.embedding has %lld rows (expected one more than tokens)",
                   tokens_field, static_cast<long long>(tokens), static_cast<long long>(rows));
  }
  DditSizes sizes = read_ddit_sizes(config, {.layers = "model.n_blocks", .width = "model.hidden_size",
                                             .heads = "model.n_heads", .condition = gamma ? "model.cond_dim" : nullptr,
                                             .positions = "model.length", .condition_default = 0});
  sizes.vocabulary = rows;
  fill_ddit_body(draft, sizes, gamma, false);
}

// Which rows see which, and where a row's prediction belongs.
void fill_rules(Draft &draft) {
  Fields &config = draft.config;
  const std::string type = config.text("type", "aligned");
  if (type != "aligned" && type != "shifted")
    draft.refuse(TEMPER_E_FORMAT, "type \"%.40s\" is neither aligned nor shifted", type.c_str());
  draft.set_shifted(type == "shifted", config.has("type") ? "config.type" : "family default");

  const char *field = "annealing.attention.context_type";
  const std::string context = config.text(field, "block_causal");
  const std::string why = config.has(field) ? std::string("config.") + field : "family default";
  if (context == "causal")
    draft.set_context(Context::causal, why);
  else if (context == "block_causal")
    draft.set_context(Context::block_causal, why);
  else if (context == "full")
    draft.set_context(Context::full, why);
  else
    draft.refuse(TEMPER_E_UNSUPPORTED, "%s \"%.40s\" is not known", field, context.c_str());

  field = "annealing.attention.block_type";
  const std::string window = config.text(field, "full");
  const std::string window_why =
      config.has(field) ? std::string("config.") + field : "family default";
  if (window == "full")
    draft.set_window(Window::full, window_why);
  else if (window == "causal")
    draft.set_window(Window::causal, window_why);
  else
    draft.refuse(TEMPER_E_UNSUPPORTED, "%s \"%.40s\" is not known", field, window.c_str());
  draft.set_noise_keys(true, "family default");

  Spec &spec = draft.spec;
  spec.default_width = config.integer("annealing.width", 0, 1, width_limit);
  spec.default_levels = config.integer("annealing.eval_tau", 0, 1, width_limit);
  const int64_t tau = config.integer("annealing.tau", 0, 1, width_limit);
  if (spec.default_levels == 0) spec.default_levels = tau;
  if (spec.context != Context::block_causal || spec.default_width == 0)
    draft.set_block(0, spec.context == Context::block_causal ? "config.annealing.width is absent"
                                                             : "no rule goes by blocks");
  else if (spec.shifted)
    // The shifted code cuts the context one longer than the window (the begin token is in front).
    draft.set_block(spec.default_width + 1, "config.annealing.width, plus one when shifted");
  else
    draft.set_block(spec.default_width, "config.annealing.width");
}

}  // namespace

void fill_hdlm_epsilon(Draft &draft) {
  fill_sizes(draft, false);
  fill_rules(draft);
  Fields &config = draft.config;
  draft.set_conditioning(Conditioning::none, "no sigma_map tensors");
  PathSpec path;
  path.kind = PathKind::epsilon_hybrid;
  path.mix = read_mix(config, "training.epsilon", mix_range);
  draft.set_path(path, config.has("training.epsilon") ? "config.training.epsilon"
                                                      : "config.training.epsilon is absent");
  const std::string weighting = config.text("training.visible_weighting");
  if (path.mix == 0.0)
    draft.set_head(HeadForm::posterior, path_kappa, true,
                   "epsilon 0: visible tokens were never corrupted in training");
  else if (weighting == "plain")
    draft.set_head(HeadForm::posterior, path_kappa, false, "config.training.visible_weighting");
  else if (weighting.empty() || weighting == "official")
    draft.set_head(HeadForm::posterior, 0.5, false,
                   "family default: the published loss weights visible tokens so");
  else
    draft.refuse(TEMPER_E_UNSUPPORTED, "training.visible_weighting \"%.40s\" is not known", weighting.c_str());
  read_special_tokens(draft, draft.spec.vocabulary - 1, last_row_is_mask);
}

void fill_hdlm_gamma(Draft &draft) {
  fill_sizes(draft, true);
  fill_rules(draft);
  Fields &config = draft.config;
  Spec &spec = draft.spec;
  if (const std::string graph = config.text("graph.type", "QGamma"); graph != "QGamma")
    draft.refuse(TEMPER_E_UNSUPPORTED, "graph.type \"%.40s\" is not QGamma", graph.c_str());
  if (!config.has("graph.gamma"))
    draft.refuse(TEMPER_E_FORMAT, "graph.gamma is missing");
  PathSpec path;
  path.kind = PathKind::gamma_hybrid;
  path.mix = read_mix(config, "graph.gamma", gamma_range);
  read_clock(draft, 10.0, path);
  path.e0 = 5e-3;  // fixed in the published code
  draft.set_path(path, "config.graph.gamma and config.noise.type");
  draft.set_conditioning(Conditioning::sigma, "tensors sigma_map.* are there");
  draft.set_head(HeadForm::score_official_gamma, path_kappa, false,
                 "family default: the published loss's optimum");
  spec.mixed_embedding = config.flag("model.hybrid_sigma_embedding", true);
  draft.note("mixed embedding", spec.mixed_embedding ? "yes" : "no",
             "config.model.hybrid_sigma_embedding");
  spec.scale_by_sigma = config.flag("model.scale_by_sigma", true);
  draft.note("logits scaled by sigma", spec.scale_by_sigma ? "yes" : "no",
             "config.model.scale_by_sigma");
  // Settled rows are told the smallest noise that the published schedules use.
  spec.settled_time = config.number("annealing.sampling_eps", 1e-4, 0.0, 0.5);
  draft.note("time of settled rows", number_text(spec.settled_time).text,
             config.has("annealing.sampling_eps") ? "config.annealing.sampling_eps"
                                                  : "family default");
  read_special_tokens(draft, spec.vocabulary - 1, last_row_is_mask);
}

}  // namespace temper
