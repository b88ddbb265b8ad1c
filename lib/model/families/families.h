// SPDX-License-Identifier: Apache-2.0
// The checkpoint families: how each one's configuration and tensor names become a Spec and Weights.
#pragma once

#include "model/families/draft.h"
#include "noise/noise.h"

#include <limits>

namespace temper {

// What several families say in the same words.
inline constexpr double path_kappa = std::numeric_limits<double>::quiet_NaN();  // kappa_eff: the path's own kappa_t
inline constexpr const char *last_row_is_mask = "family: the last row of the vocabulary";

// How the tensors are named and laid out; several families share one.
enum class Layout { ddit, gpt2, llama, llada };

struct Family {
  const char *name;
  Layout layout;
  void (*fill)(Draft &draft);
};

// The family by tensors and fields together, or the caller's override; noted with the reason.
// Null when it can't be decided: the draft then holds the error, which names the override.
const Family *detect_family(Draft &draft);

// Within one layout, by fields and tensors. "" when the fields fit none.
std::string detect_ddit(const Draft &draft, std::string &why);
std::string detect_gpt2(const Draft &draft, std::string &why);
std::string detect_llama(const Draft &draft, std::string &why);

void fill_hdlm_epsilon(Draft &draft);
void fill_hdlm_gamma(Draft &draft);
void fill_mdlm(Draft &draft);
void fill_sedd(Draft &draft);
void fill_bd3lm(Draft &draft);
void fill_gidd(Draft &draft);
void fill_gpt2(Draft &draft);
void fill_diffugpt(Draft &draft);
void fill_llada(Draft &draft);
// Llama's layout: one body, the rules differ by the family that was decided.
void fill_llama(Draft &draft);

// Layers with RMS norms, grouped heads and a gated MLP, whose tensors go by other names in each layout.
struct GatedNames {
  const char *layers;  // "layers."
  const char *norm1, *q, *k, *v;
  const char *q_norm = nullptr, *k_norm = nullptr;  // where a layout has them
  const char *attention_out, *norm2, *gate, *up, *down;
};
struct GatedBiases {
  bool qkv, attention_out, mlp;
};
void fill_gated_layers(Draft &draft, const GatedNames &names, const GatedBiases &biases);

// The diffusion transformer's tensors, once the sizes are known.
struct DditSizes {
  int64_t layers, width, heads, vocabulary, condition_width, max_positions;
  const char *positions_field;
};
// What a family's configuration calls them. `condition` null: the network isn't told the noise.
struct DditFields {
  const char *layers, *width, *heads, *condition, *positions;
  int64_t condition_default;  // 0: the field must be there
};
DditSizes read_ddit_sizes(Fields &config, const DditFields &fields);  // all but the vocabulary
void fill_ddit_body(Draft &draft, const DditSizes &sizes, bool modulated, bool modulated_head);
// A mix of the path by this name, within what noise can be.
double read_mix(Fields &config, const char *field, const NoiseRange &range);
// The clock of families whose configuration has noise.type.
void read_clock(Draft &draft, double sigma_max, PathSpec &path);

}  // namespace temper
