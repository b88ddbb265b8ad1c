// SPDX-License-Identifier: Apache-2.0
// The layers that Llama's and LLaDA's layouts share.
#include "model/families/families.h"

namespace temper {

void fill_gated_layers(Draft &draft, const GatedNames &names, const GatedBiases &biases) {
  const Spec &spec = draft.spec;
  const int64_t width = spec.width, queries = spec.heads * spec.head_dim, keys = spec.kv_heads * spec.head_dim;
  for (int64_t i = 0; i < spec.layers && draft.ok(); ++i) {
    const std::string block = names.layers + std::to_string(i) + ".";
    LayerWeights layer;
    layer.norm1 = draft.take(block + names.norm1 + ".weight", {width});
    layer[Matrix::qkv].parts = {draft.linear(block + names.q, queries, width, biases.qkv),
                                 draft.linear(block + names.k, keys, width, biases.qkv),
                                 draft.linear(block + names.v, keys, width, biases.qkv)};
    if (spec.qk_norm) {
      layer.q_norm = draft.take(block + names.q_norm + ".weight", {spec.head_dim});
      layer.k_norm = draft.take(block + names.k_norm + ".weight", {spec.head_dim});
    }
    layer[Matrix::attention_out] = draft.matrix(block + names.attention_out, width, queries, biases.attention_out);
    layer.norm2 = draft.take(block + names.norm2 + ".weight", {width});
    layer[Matrix::mlp_in].parts = {draft.linear(block + names.gate, spec.mlp_width, width, biases.mlp),
                                    draft.linear(block + names.up, spec.mlp_width, width, biases.mlp)};
    layer[Matrix::mlp_out] = draft.matrix(block + names.down, width, spec.mlp_width, biases.mlp);
    draft.weights.layers.push_back(std::move(layer));
  }
  draft.refuse_more_layers(names.layers);
}

}  // namespace temper
