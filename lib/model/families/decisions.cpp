// SPDX-License-Identifier: Apache-2.0
// The setters that decide and write down why, and the caller's overrides, which come last.
#include "model/families/draft.h"

#include "base/text.h"
#include "model/path.h"

#include <cmath>

namespace temper {
namespace {

const char *name_of(Context context) {
  switch (context) {
    case Context::causal: return "causal";
    case Context::block_causal: return "block_causal";
    case Context::full: break;
  }
  return "full";
}

const char *name_of(Window window) {
  switch (window) {
    case Window::causal: return "causal";
    case Window::block: return "block";
    case Window::full: break;
  }
  return "full";
}

const char *name_of(HeadForm head) {
  switch (head) {
    case HeadForm::posterior: return "posterior";
    case HeadForm::leave_one_out: return "leave_one_out";
    case HeadForm::score_exact: return "score_exact";
    case HeadForm::score_official_gamma: break;
  }
  return "score_official_gamma";
}

const char *name_of(Conditioning conditioning) {
  switch (conditioning) {
    case Conditioning::none: return "none";
    case Conditioning::zero: return "sigma, always 0";
    case Conditioning::sigma: return "sigma";
    case Conditioning::time: break;
  }
  return "time";
}

constexpr const char *caller = "override by the caller";

}  // namespace

void Draft::note(const std::string &what, std::string value, const std::string &why) {
  for (Assumption &known : spec.assumptions) {
    if (known.what != what) continue;
    known = {what, std::move(value), why};
    return;
  }
  spec.assumptions.push_back({what, std::move(value), why});
}

void Draft::set_context(Context context, const std::string &why) {
  spec.context = context;
  note("context rule", name_of(context), why);
}

void Draft::set_window(Window window, const std::string &why) {
  spec.window = window;
  note("window rule", name_of(window), why);
}

void Draft::set_block(int64_t block, const std::string &why) {
  spec.block = block;
  note("block size", block == 0 ? "none" : std::to_string(block), why);
}

void Draft::set_shifted(bool shifted, const std::string &why) {
  spec.shifted = shifted;
  note("prediction offset", shifted ? "1 (shifted)" : "0 (aligned)", why);
}

void Draft::set_noise_keys(bool keys, const std::string &why) {
  spec.noise_keys = keys;
  note("noise keys", keys ? "attended to" : "dropped", why);
}

void Draft::set_head(HeadForm head, double kappa_eff, bool carry_over, const std::string &why) {
  spec.head = head;
  spec.kappa_eff = kappa_eff;
  spec.carry_over = carry_over;
  std::string text = name_of(head);
  if (!std::isnan(kappa_eff)) text += format_text(", kappa_eff %g", kappa_eff);
  note("head kind", text + (carry_over ? ", visible tokens carry over" : ""), why);
}

void Draft::set_path(const PathSpec &path, const std::string &why) {
  spec.path = path;
  note("noise path", describe_path(noise_of(path)), why);
}

void Draft::set_conditioning(Conditioning conditioning, const std::string &why) {
  spec.conditioning = conditioning;
  note("conditioning", name_of(conditioning), why);
}

void Draft::set_max_positions(int64_t positions, const std::string &why) {
  spec.max_positions = positions;
  note("trained length", positions == 0 ? "unknown" : std::to_string(positions), why);
}

void Draft::set_mask(int64_t token, const std::string &why) {
  spec.mask_token = token;
  note("mask token", token < 0 ? "none" : std::to_string(token), why);
}

void apply_overrides(Draft &draft) {
  const SpecOverrides &o = draft.overrides;
  const auto refuse = [&draft](const char *what) {
    draft.fail_with(fail(TEMPER_E_ARGUMENT, "override %s", what));
  };
  Spec &spec = draft.spec;
  if (o.context) draft.set_context(*o.context, caller);
  if (o.window) draft.set_window(*o.window, caller);
  if (o.shifted) draft.set_shifted(*o.shifted, caller);
  if (o.noise_keys) draft.set_noise_keys(*o.noise_keys, caller);
  if (o.mask_token) {
    if (*o.mask_token < -1 || *o.mask_token >= spec.vocabulary)
      refuse("mask_token: not a token of the vocabulary");
    draft.set_mask(*o.mask_token, caller);
  }
  if (o.block) {
    if (*o.block < 0 || *o.block > width_limit) refuse("block: not from 0 to 1048576");
    draft.set_block(*o.block, caller);
  }
  if (o.max_positions) {
    if (*o.max_positions < 1 || *o.max_positions > id_limit) refuse("max_positions: not positive");
    if (!spec.rotary && *o.max_positions > spec.max_positions)
      refuse("max_positions: beyond the table of learned positions");
    draft.set_max_positions(*o.max_positions, caller);
  }
  if (o.kappa_eff) {
    if (*o.kappa_eff < 0.0 || *o.kappa_eff > 1.0) refuse("kappa_eff: not from 0 to 1");
    draft.set_head(spec.head, *o.kappa_eff, spec.carry_over, caller);
  }
  if (spec.autoregressive &&
      (spec.context != Context::causal || spec.window != Window::causal)) {
    spec.autoregressive = false;
    draft.note("autoregressive", "no", "override of the attention rules");
  }
  if (spec.mixed_embedding && spec.mask_token < 0)
    draft.fail_with(fail(TEMPER_E_ARGUMENT,
                         "the network mixes the mask's embedding into every token's, so it needs a mask token; give "
                         "the override mask_token"));
  const bool blocks = spec.context == Context::block_causal || spec.window == Window::block;
  if (blocks && spec.block == 0)
    draft.fail_with(fail(TEMPER_E_ARGUMENT,
                         "the attention rule goes by blocks and no block size is known; give the "
                         "override block"));
}

}  // namespace temper
