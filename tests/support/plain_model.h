// SPDX-License-Identifier: Apache-2.0
// The generic transformer once more: slow, in double, over a whole sequence at once, with an explicit
// matrix that says who sees whom. It reads a Spec and Weights as a family filled them in and shares no
// code with engine/forward.cpp or the backends.
#pragma once

#include "model/spec.h"
#include "model/weights.h"

#include <cstdint>
#include <vector>

namespace temper::test {

struct PlainInput {
  std::vector<int32_t> tokens;            // -1: a zero embedding
  std::vector<int64_t> positions;
  std::vector<double> conditions;         // sigma or t of each row
  std::vector<std::vector<bool>> sees;    // [row][row]
};

class PlainModel {
 public:
  PlainModel(Spec spec, const Weights &weights);

  // Raw logits of every row, [row][column].
  std::vector<std::vector<double>> run(const PlainInput &input) const;

 private:
  using Vector = std::vector<double>;
  struct Matrix {
    size_t outputs = 0, inputs = 0;
    Vector weight;  // [outputs][inputs]
    Vector bias;    // empty: none
  };
  struct Layer {
    Vector norm1, norm1_bias, norm2, norm2_bias, q_norm, k_norm;
    Matrix qkv, out, mlp_in, mlp_out, modulation;
  };

  static Vector read(const TensorView &tensor);
  static Matrix read(const MatrixView &matrix);
  static Vector product(const Matrix &matrix, const Vector &in);
  Vector normalise(const Vector &in, const Vector &weight, const Vector &bias) const;
  Vector condition_vector(double value) const;
  Vector embed(int32_t token, int64_t position, double condition) const;
  void rotate(double *head, int64_t position) const;
  void attention(const Layer &layer, const PlainInput &input, const std::vector<Vector> &modulations,
                 std::vector<Vector> &x) const;
  void feed_forward(const Layer &layer, const std::vector<Vector> &modulations, std::vector<Vector> &x) const;

  Spec spec_;
  Vector embedding_, positions_, final_norm_, final_norm_bias_;
  std::vector<Layer> layers_;
  Matrix head_, head_modulation_, sigma_in_, sigma_out_;
};

}  // namespace temper::test
