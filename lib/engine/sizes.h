// SPDX-License-Identifier: Apache-2.0
// Widths of a network's activations, and how many rows of logits are made at a time.
#pragma once

#include "model/spec.h"

namespace temper {

inline int64_t qkv_width(const Spec &spec) { return (spec.heads + 2 * spec.kv_heads) * spec.head_dim; }

inline int64_t mlp_in_width(const Spec &spec) {
  return spec.activation == Activation::swiglu ? 2 * spec.mlp_width : spec.mlp_width;
}

// 64 rows of a 50k vocabulary are 13 MB. Even, so that rows that were asked for in pairs stay together.
inline int32_t logit_chunk(int32_t wanted) { return wanted >= 64 ? 64 : wanted + wanted % 2; }

}  // namespace temper
