// SPDX-License-Identifier: Apache-2.0
// Where each tensor of the generic transformer is found: views into the checkpoint's mapped files.
#pragma once

#include "format/tensor.h"
#include "model/matrices.h"

#include <memory>
#include <vector>

namespace temper {

// A matrix that may be stacked from up to three stored ones (q, k, v or gate, up), in order. The network has
// none when there are no parts.
struct MatrixView {
  struct Part {
    TensorView weight;               // [outputs][inputs], or [inputs][outputs] when input_major
    std::optional<TensorView> bias;  // [outputs]
  };
  std::vector<Part> parts;
  bool input_major = false;

  bool present() const noexcept { return !parts.empty(); }
};

struct LayerWeights : LayerMatrices<MatrixView> {
  TensorView norm1;
  std::optional<TensorView> norm1_bias;
  std::optional<TensorView> q_norm, k_norm;
  TensorView norm2;
  std::optional<TensorView> norm2_bias;
};

struct Weights {
  TensorView embedding;                  // [vocabulary][width]
  std::optional<TensorView> positions;   // [max_positions][width]
  std::vector<LayerWeights> layers;
  TensorView final_norm;
  std::optional<TensorView> final_norm_bias;
  MatrixView head;                       // the embedding when tied
  MatrixView head_modulation;
  std::optional<MatrixView> sigma_in, sigma_out;  // the sigma map's two linears, SiLU between them
  std::shared_ptr<const void> storage;   // keeps the mapped files alive
};

}  // namespace temper
