// SPDX-License-Identifier: Apache-2.0
#include "support/plain_model.h"

#include <cmath>

namespace temper::test {
namespace {

double silu(double v) { return v / (1.0 + std::exp(-v)); }

double activated(Activation activation, double v) {
  if (activation == Activation::gelu_erf) return 0.5 * v * (1.0 + std::erf(v / std::sqrt(2.0)));
  const double pi = 3.14159265358979323846;
  return 0.5 * v * (1.0 + std::tanh(std::sqrt(2.0 / pi) * (v + 0.044715 * v * v * v)));
}

// Value `at` of chunk `index` of a modulation vector; 0 without modulation.
double chunk(const std::vector<double> &modulation, size_t index, size_t width, size_t at) {
  return modulation.empty() ? 0.0 : modulation[index * width + at];
}

}  // namespace

PlainModel::Vector PlainModel::read(const TensorView &tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.elements()));
  to_float(tensor, values.data());
  return Vector(values.begin(), values.end());
}

PlainModel::Matrix PlainModel::read(const MatrixView &view) {
  Matrix matrix;
  bool biased = false;
  for (const MatrixView::Part &part : view.parts) biased = biased || part.bias.has_value();
  for (const MatrixView::Part &part : view.parts) {
    const Vector values = read(part.weight);
    const auto rows = static_cast<size_t>(part.weight.shape[0]), columns = static_cast<size_t>(part.weight.shape[1]);
    const size_t outputs = view.input_major ? columns : rows;
    matrix.inputs = view.input_major ? rows : columns;
    for (size_t o = 0; o < outputs; ++o)
      for (size_t i = 0; i < matrix.inputs; ++i)
        matrix.weight.push_back(view.input_major ? values[i * columns + o] : values[o * columns + i]);
    if (biased) {
      const Vector bias = part.bias ? read(*part.bias) : Vector(outputs, 0.0);
      matrix.bias.insert(matrix.bias.end(), bias.begin(), bias.end());
    }
    matrix.outputs += outputs;
  }
  return matrix;
}

PlainModel::Vector PlainModel::product(const Matrix &matrix, const Vector &in) {
  Vector out(matrix.outputs);
  for (size_t o = 0; o < matrix.outputs; ++o) {
    double sum = matrix.bias.empty() ? 0.0 : matrix.bias[o];
    for (size_t i = 0; i < matrix.inputs; ++i) sum += matrix.weight[o * matrix.inputs + i] * in[i];
    out[o] = sum;
  }
  return out;
}

PlainModel::PlainModel(Spec spec, const Weights &weights) : spec_(std::move(spec)) {
  const auto optional = [](const std::optional<TensorView> &tensor) { return tensor ? read(*tensor) : Vector(); };
  const auto optional_matrix = [](const std::optional<MatrixView> &matrix) { return matrix ? read(*matrix) : Matrix(); };
  embedding_ = read(weights.embedding);
  positions_ = optional(weights.positions);
  for (const LayerWeights &from : weights.layers) {
    Layer layer;
    layer.norm1 = read(from.norm1);
    layer.norm1_bias = optional(from.norm1_bias);
    layer.norm2 = read(from.norm2);
    layer.norm2_bias = optional(from.norm2_bias);
    layer.q_norm = optional(from.q_norm);
    layer.k_norm = optional(from.k_norm);
    layer.qkv = read(from[temper::Matrix::qkv]);
    layer.out = read(from[temper::Matrix::attention_out]);
    layer.mlp_in = read(from[temper::Matrix::mlp_in]);
    layer.mlp_out = read(from[temper::Matrix::mlp_out]);
    layer.modulation = read(from[temper::Matrix::modulation]);
    layers_.push_back(std::move(layer));
  }
  final_norm_ = read(weights.final_norm);
  final_norm_bias_ = optional(weights.final_norm_bias);
  head_ = read(weights.head);
  head_modulation_ = read(weights.head_modulation);
  sigma_in_ = optional_matrix(weights.sigma_in);
  sigma_out_ = optional_matrix(weights.sigma_out);
}

PlainModel::Vector PlainModel::normalise(const Vector &in, const Vector &weight, const Vector &bias) const {
  const auto n = static_cast<double>(in.size());
  double mean = 0.0, square = 0.0;
  if (spec_.norm == Norm::layer)
    for (const double v : in) mean += v / n;
  for (const double v : in) square += (v - mean) * (v - mean) / n;
  const double scale = 1.0 / std::sqrt(square + static_cast<double>(spec_.norm_epsilon));
  Vector out(in.size());
  for (size_t i = 0; i < in.size(); ++i)
    out[i] = (in[i] - mean) * scale * weight[i] + (bias.empty() ? 0.0 : bias[i]);
  return out;
}

PlainModel::Vector PlainModel::condition_vector(double value) const {
  const size_t half = sigma_in_.inputs / 2;
  Vector features(sigma_in_.inputs);
  for (size_t k = 0; k < half; ++k) {
    const double angle = value * std::exp(-std::log(10000.0) * static_cast<double>(k) / static_cast<double>(half));
    features[k] = std::cos(angle);
    features[half + k] = std::sin(angle);
  }
  Vector vector = product(sigma_in_, features);
  for (double &v : vector) v = silu(v);
  vector = product(sigma_out_, vector);
  for (double &v : vector) v = silu(v);
  return vector;
}

PlainModel::Vector PlainModel::embed(int32_t token, int64_t position, double condition) const {
  const auto width = static_cast<size_t>(spec_.width);
  Vector x(width, 0.0);
  const double own = spec_.mixed_embedding ? std::exp(-spec_.path.mix * condition) : 1.0;
  for (size_t i = 0; i < width; ++i) {
    if (token >= 0) x[i] = own * embedding_[static_cast<size_t>(token) * width + i];
    if (spec_.mixed_embedding)
      x[i] += (1.0 - own) * embedding_[static_cast<size_t>(spec_.mask_token) * width + i];
    if (!positions_.empty()) x[i] += positions_[static_cast<size_t>(position) * width + i];
  }
  return x;
}

void PlainModel::rotate(double *head, int64_t position) const {
  const auto half = static_cast<size_t>(spec_.head_dim / 2);
  for (size_t j = 0; j < half; ++j) {
    const double exponent = -2.0 * static_cast<double>(j) / static_cast<double>(spec_.head_dim);
    const double angle = static_cast<double>(position) * std::pow(spec_.rotary_theta, exponent);
    const double a = head[j], b = head[j + half];
    head[j] = a * std::cos(angle) - b * std::sin(angle);
    head[j + half] = b * std::cos(angle) + a * std::sin(angle);
  }
}

void PlainModel::attention(const Layer &layer, const PlainInput &input, const std::vector<Vector> &modulations,
                           std::vector<Vector> &x) const {
  const auto width = static_cast<size_t>(spec_.width), size = static_cast<size_t>(spec_.head_dim);
  const auto heads = static_cast<size_t>(spec_.heads), kv_heads = static_cast<size_t>(spec_.kv_heads);
  const size_t rows = x.size();
  std::vector<Vector> qkv(rows);
  for (size_t r = 0; r < rows; ++r) {
    Vector in = normalise(x[r], layer.norm1, layer.norm1_bias);
    for (size_t i = 0; i < width; ++i)
      in[i] = in[i] * (1.0 + chunk(modulations[r], 1, width, i)) + chunk(modulations[r], 0, width, i);
    qkv[r] = product(layer.qkv, in);
    for (size_t h = 0; h < heads + kv_heads; ++h) {
      const Vector &weight = h < heads ? layer.q_norm : layer.k_norm;
      double *head = qkv[r].data() + h * size;
      if (!weight.empty()) {
        double square = 0.0;
        for (size_t i = 0; i < size; ++i) square += head[i] * head[i] / static_cast<double>(size);
        for (size_t i = 0; i < size; ++i)
          head[i] *= weight[i] / std::sqrt(square + static_cast<double>(spec_.norm_epsilon));
      }
      if (spec_.rotary) rotate(head, input.positions[r]);
    }
  }
  for (size_t r = 0; r < rows; ++r) {
    Vector attended(heads * size, 0.0);
    for (size_t h = 0; h < heads; ++h) {
      const size_t shared = h / (heads / kv_heads);
      Vector score(rows, 0.0);
      double most = -INFINITY, total = 0.0;
      for (size_t c = 0; c < rows; ++c) {
        if (!input.sees[r][c]) continue;
        for (size_t i = 0; i < size; ++i)
          score[c] += qkv[r][h * size + i] * qkv[c][(heads + shared) * size + i];
        score[c] /= std::sqrt(static_cast<double>(size));
        most = std::max(most, score[c]);
      }
      for (size_t c = 0; c < rows; ++c)
        if (input.sees[r][c]) total += std::exp(score[c] - most);
      for (size_t c = 0; c < rows; ++c)
        if (input.sees[r][c])
          for (size_t i = 0; i < size; ++i)
            attended[h * size + i] +=
                std::exp(score[c] - most) / total * qkv[c][(heads + kv_heads + shared) * size + i];
    }
    const Vector out = product(layer.out, attended);
    for (size_t i = 0; i < width; ++i)
      x[r][i] += out[i] * (modulations[r].empty() ? 1.0 : chunk(modulations[r], 2, width, i));
  }
}

void PlainModel::feed_forward(const Layer &layer, const std::vector<Vector> &modulations,
                              std::vector<Vector> &x) const {
  const auto width = static_cast<size_t>(spec_.width);
  for (size_t r = 0; r < x.size(); ++r) {
    Vector in = normalise(x[r], layer.norm2, layer.norm2_bias);
    for (size_t i = 0; i < width; ++i)
      in[i] = in[i] * (1.0 + chunk(modulations[r], 4, width, i)) + chunk(modulations[r], 3, width, i);
    const Vector hidden = product(layer.mlp_in, in);
    Vector middle(static_cast<size_t>(spec_.mlp_width));
    for (size_t i = 0; i < middle.size(); ++i)
      middle[i] = spec_.activation == Activation::swiglu ? silu(hidden[i]) * hidden[middle.size() + i]
                                                         : activated(spec_.activation, hidden[i]);
    const Vector out = product(layer.mlp_out, middle);
    for (size_t i = 0; i < width; ++i)
      x[r][i] += out[i] * (modulations[r].empty() ? 1.0 : chunk(modulations[r], 5, width, i));
  }
}

std::vector<std::vector<double>> PlainModel::run(const PlainInput &input) const {
  const size_t rows = input.tokens.size();
  const auto width = static_cast<size_t>(spec_.width);
  std::vector<Vector> x(rows), conditions(rows), logits(rows);
  for (size_t r = 0; r < rows; ++r) {
    x[r] = embed(input.tokens[r], input.positions[r], input.conditions[r]);
    if (sigma_in_.outputs > 0) conditions[r] = condition_vector(input.conditions[r]);
  }
  for (const Layer &layer : layers_) {
    std::vector<Vector> modulations(rows);
    if (layer.modulation.outputs > 0)
      for (size_t r = 0; r < rows; ++r) modulations[r] = product(layer.modulation, conditions[r]);
    attention(layer, input, modulations, x);
    feed_forward(layer, modulations, x);
  }
  for (size_t r = 0; r < rows; ++r) {
    Vector last = normalise(x[r], final_norm_, final_norm_bias_);
    if (head_modulation_.outputs > 0) {
      const Vector modulation = product(head_modulation_, conditions[r]);
      for (size_t i = 0; i < width; ++i) last[i] = last[i] * (1.0 + modulation[width + i]) + modulation[i];
    }
    logits[r] = product(head_, last);
    if (spec_.scale_by_sigma)
      for (double &v : logits[r])
        v -= std::log(std::expm1(input.conditions[r])) + std::log(static_cast<double>(logits[r].size()) - 1.0);
  }
  return logits;
}

}  // namespace temper::test
