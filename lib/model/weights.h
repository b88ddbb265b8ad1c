// SPDX-License-Identifier: Apache-2.0
// Where each tensor of the generic transformer is found: views into the checkpoint's mapped files.
#pragma once

#include "format/tensor.h"

#include <array>
#include <memory>
#include <vector>

namespace temper {

// A matrix that may be stacked from up to three stored ones (q, k, v or gate, up), in order.
struct MatrixView {
  struct Part {
    TensorView weight;               // [outputs][inputs], or [inputs][outputs] when input_major
    std::optional<TensorView> bias;  // [outputs]
  };
  std::vector<Part> parts;
  bool input_major = false;
};

struct LayerWeights {
  TensorView norm1;
  std::optional<TensorView> norm1_bias;
  MatrixView qkv;  // rows: q heads, k heads, v heads
  std::optional<TensorView> q_norm, k_norm;
  MatrixView attention_out;
  TensorView norm2;
  std::optional<TensorView> norm2_bias;
  MatrixView mlp_in;   // SwiGLU: [gate | up]
  MatrixView mlp_out;
  std::optional<MatrixView> modulation;  // condition -> shift1 scale1 gate1 shift2 scale2 gate2
};

struct Weights {
  TensorView embedding;                  // [vocabulary][width]
  std::optional<TensorView> positions;   // [max_positions][width]
  std::vector<LayerWeights> layers;
  TensorView final_norm;
  std::optional<TensorView> final_norm_bias;
  MatrixView head;                          // [columns][width]; the embedding when tied
  std::optional<MatrixView> head_modulation;  // condition -> shift scale
  std::optional<MatrixView> sigma_in, sigma_out;  // the sigma map's two linears, SiLU between them
  std::shared_ptr<const void> storage;      // keeps the mapped files alive
};

}  // namespace temper
