// SPDX-License-Identifier: Apache-2.0
// The list of a network's matrices. It stands here alone: families fill it in by name, and packing, estimates
// and streams walk along it. A new matrix is a new name and row here, and a product in the forward pass.
#pragma once

#include <array>
#include <cstddef>

namespace temper {

// The first five are in every layer; `modulation` and `head_modulation` only in models with adaLN.
enum class Matrix {
  qkv,              // q heads, k heads, v heads
  attention_out,
  mlp_in,           // SwiGLU: gate, up
  mlp_out,
  modulation,       // condition -> chunks, see Chunk
  head,             // one for the network: [columns][width]
  head_modulation,  // condition -> shift scale
};

// What a modulation makes of a condition: so many vectors of the network's width, in this order. Of a layer the first
// three belong to attention, the others to the MLP.
enum Chunk { shift1, scale1, gate1, shift2, scale2, gate2, chunk_count };
enum HeadChunk { head_shift, head_scale, head_chunk_count };

inline constexpr size_t layer_matrix_count = 5;

struct MatrixRole {
  Matrix matrix;
  bool activated;   // the network's activation follows it, and may decide how it is packed
  bool every_step;  // read by every step; the others once for each noise level
};

// In the order of Matrix.
inline constexpr std::array<MatrixRole, 7> matrix_roles = {{
    {.matrix = Matrix::qkv, .activated = false, .every_step = true},
    {.matrix = Matrix::attention_out, .activated = false, .every_step = true},
    {.matrix = Matrix::mlp_in, .activated = true, .every_step = true},
    {.matrix = Matrix::mlp_out, .activated = false, .every_step = true},
    {.matrix = Matrix::modulation, .activated = false, .every_step = false},
    {.matrix = Matrix::head, .activated = false, .every_step = true},
    {.matrix = Matrix::head_modulation, .activated = false, .every_step = false},
}};

// One T for each matrix of a layer.
template <typename T>
class LayerMatrices {
 public:
  T &operator[](Matrix matrix) noexcept { return all_[static_cast<size_t>(matrix)]; }
  const T &operator[](Matrix matrix) const noexcept { return all_[static_cast<size_t>(matrix)]; }

 private:
  std::array<T, layer_matrix_count> all_;
};

}  // namespace temper
