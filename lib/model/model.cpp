// SPDX-License-Identifier: Apache-2.0
#include "model/model.h"

#include <algorithm>
#include <cmath>

namespace temper {
namespace {

// Other types are widened to float32 before a device sees them.
bool is_device_type(Dtype dtype) { return dtype == Dtype::f32 || dtype == Dtype::f16 || dtype == Dtype::bf16; }

int32_t backend_dtype(Dtype dtype) {
  if (dtype == Dtype::bf16) return TEMPER_DTYPE_BF16;
  if (dtype == Dtype::f16) return TEMPER_DTYPE_F16;
  return TEMPER_DTYPE_F32;
}

// What the weights of a file are kept as when the caller doesn't say. F16 has more mantissa than BF16,
// so it is widened rather than cut.
Storage resolve(Storage storage, const Weights &weights) {
  if (storage != Storage::automatic) return storage;
  return weights.head.parts.front().weight.dtype == Dtype::bf16 ? Storage::bf16 : Storage::f32;
}

int32_t format_of(Storage storage) {
  return storage == Storage::bf16 ? TEMPER_FORMAT_BF16 : TEMPER_FORMAT_F32;
}

// The parts of a matrix as the backend wants them. Weights that it can't read in place (float64,
// unaligned) are converted into `copies` first.
struct PartList {
  std::vector<temper_linear_part> parts;
  std::vector<std::vector<float>> copies;
  int64_t inputs = 0;
  int64_t outputs = 0;
};

bool readable_in_place(const TensorView &tensor) {
  if (!is_device_type(tensor.dtype)) return false;
  return reinterpret_cast<uintptr_t>(tensor.bytes.data()) % dtype_size(tensor.dtype) == 0;
}

PartList list_parts(const MatrixView &matrix, bool with_values) {
  PartList list;
  list.copies.reserve(2 * matrix.parts.size());  // pointers into it must stay
  for (const MatrixView::Part &part : matrix.parts) {
    const TensorView &weight = part.weight;
    const int64_t outputs = matrix.input_major ? weight.shape[1] : weight.shape[0];
    list.inputs = matrix.input_major ? weight.shape[0] : weight.shape[1];
    list.outputs += outputs;
    temper_linear_part entry{.weight = weight.bytes.data(),
                             .dtype = backend_dtype(weight.dtype),
                             .outputs = outputs,
                             .bias = nullptr,
                             .scales = nullptr,
                             .group = 0};
    if (with_values && !readable_in_place(weight)) {
      to_float(weight, list.copies.emplace_back(static_cast<size_t>(weight.elements())).data());
      entry.weight = list.copies.back().data();
      entry.dtype = TEMPER_DTYPE_F32;
    }
    if (part.bias) {
      // For an estimate any non-null pointer says "there is a bias".
      static constexpr float none = 0.0F;
      entry.bias = &none;
      if (with_values) {
        to_float(*part.bias, list.copies.emplace_back(static_cast<size_t>(outputs)).data());
        entry.bias = list.copies.back().data();
      }
    }
    list.parts.push_back(entry);
  }
  return list;
}

temper_linear_desc describe(const PartList &list, bool input_major, Storage storage, int32_t activation) {
  return {.inputs = list.inputs,
          .part_count = static_cast<int32_t>(list.parts.size()),
          .parts = list.parts.data(),
          .input_major = input_major ? 1 : 0,
          .format = format_of(storage),
          .group = 0,
          .activation = activation};
}

int64_t embedding_bytes(const Weights &weights) {
  const TensorView &table = weights.embedding;
  const int64_t floats = weights.positions ? weights.positions->elements() : 0;
  const auto type = static_cast<int64_t>(is_device_type(table.dtype) ? dtype_size(table.dtype) : sizeof(float));
  return table.elements() * type + floats * static_cast<int64_t>(sizeof(float));
}

// visit(view, role, layer) for every matrix that the network has, until one fails. The layer of the head's is 0.
template <typename Visit>
Status each_matrix(const Weights &weights, Visit &&visit) {
  const auto offer = [&](const MatrixView &view, Matrix matrix, size_t layer) -> Status {
    return view.present() ? visit(view, matrix_roles[static_cast<size_t>(matrix)], layer) : Status();
  };
  for (size_t layer = 0; layer < weights.layers.size(); ++layer)
    for (size_t i = 0; i < layer_matrix_count; ++i)
      TEMPER_TRY(offer(weights.layers[layer][matrix_roles[i].matrix], matrix_roles[i].matrix, layer));
  TEMPER_TRY(offer(weights.head, Matrix::head, 0));
  return offer(weights.head_modulation, Matrix::head_modulation, 0);
}

void linear_silu(const std::vector<float> &weight, const std::vector<float> &bias, const double *in,
                 size_t inputs, double *out, size_t outputs) {
  for (size_t o = 0; o < outputs; ++o) {
    double sum = bias.empty() ? 0.0 : bias[o];
    for (size_t i = 0; i < inputs; ++i) sum += static_cast<double>(weight[o * inputs + i]) * in[i];
    out[o] = sum / (1.0 + std::exp(-sum));
  }
}

std::vector<float> floats(const TensorView &tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.elements()));
  to_float(tensor, values.data());
  return values;
}

}  // namespace

int32_t backend_activation(Activation activation) noexcept {
  switch (activation) {
    case Activation::gelu_erf: return TEMPER_ACTIVATION_GELU_ERF;
    case Activation::swiglu: return TEMPER_ACTIVATION_SWIGLU;
    case Activation::gelu_tanh: break;
  }
  return TEMPER_ACTIVATION_GELU_TANH;
}

Result<DeviceBuffer> Model::pack_floats(const TensorView &tensor) {
  const std::vector<float> values = floats(tensor);
  TEMPER_ASSIGN(DeviceBuffer buffer, DeviceBuffer::create(device_, values.size() * sizeof(float)));
  TEMPER_TRY(buffer.upload(values.data(), values.size() * sizeof(float)));
  return buffer;
}

Result<NormWeights> Model::pack_norm(const TensorView &weight, const std::optional<TensorView> &bias) {
  NormWeights norm;
  TEMPER_ASSIGN(norm.weight, pack_floats(weight));
  if (bias) {
    TEMPER_ASSIGN(norm.bias, pack_floats(*bias));
  }
  return norm;
}

Status Model::pack_matrix(const MatrixView &matrix, const MatrixRole &role, Linear *out) {
  const PartList list = list_parts(matrix, true);
  const int32_t activation = role.activated ? backend_activation(spec_.activation) : TEMPER_ACTIVATION_NONE;
  const temper_linear_desc desc = describe(list, matrix.input_major, storage_, activation);
  temper_linear *linear = nullptr;
  TEMPER_TRY(device_->check(device_->ops().linear_create(device_->handle(), &desc, &linear)));
  *out = Linear(device_, linear);
  linears_.push_back(linear);
  const auto bytes = static_cast<int64_t>(device_->ops().linear_bytes(device_->handle(), &desc));
  weight_bytes_ += bytes;
  if (role.every_step) {
    step_bytes_ += bytes;
    step_products_ += list.inputs * list.outputs;
  }
  return Status();
}

Status Model::pack_embedding(const Weights &weights) {
  const TensorView &table = weights.embedding;
  if (is_device_type(table.dtype)) {
    TEMPER_ASSIGN(embedding_, DeviceBuffer::create(device_, table.bytes.size()));
    TEMPER_TRY(embedding_.upload(table.bytes.data(), table.bytes.size()));
    embedding_dtype_ = backend_dtype(table.dtype);
  } else {
    TEMPER_ASSIGN(embedding_, pack_floats(table));
    embedding_dtype_ = TEMPER_DTYPE_F32;
  }
  if (weights.positions) {
    TEMPER_ASSIGN(positions_, pack_floats(*weights.positions));
  }
  weight_bytes_ += embedding_bytes(weights);
  return Status();
}

Status Model::pack(const Weights &weights) {
  TEMPER_TRY(pack_embedding(weights));
  layers_.reserve(weights.layers.size());
  for (const LayerWeights &from : weights.layers) {
    LayerObjects &to = layers_.emplace_back();
    TEMPER_ASSIGN(to.norm1, pack_norm(from.norm1, from.norm1_bias));
    TEMPER_ASSIGN(to.norm2, pack_norm(from.norm2, from.norm2_bias));
    if (from.q_norm) {
      TEMPER_ASSIGN(to.q_norm, pack_floats(*from.q_norm));
    }
    if (from.k_norm) {
      TEMPER_ASSIGN(to.k_norm, pack_floats(*from.k_norm));
    }
  }
  TEMPER_ASSIGN(final_norm_, pack_norm(weights.final_norm, weights.final_norm_bias));
  TEMPER_TRY(each_matrix(weights, [&](const MatrixView &view, const MatrixRole &role, size_t layer) {
    Linear &place = role.matrix == Matrix::head              ? head_
                    : role.matrix == Matrix::head_modulation ? head_modulation_
                                                             : layers_[layer][role.matrix];
    return pack_matrix(view, role, &place);
  }));
  if (weights.sigma_in && weights.sigma_out) {
    const MatrixView::Part &in = weights.sigma_in->parts.front();
    const MatrixView::Part &out = weights.sigma_out->parts.front();
    sigma_in_ = floats(in.weight);
    sigma_out_ = floats(out.weight);
    if (in.bias) sigma_in_bias_ = floats(*in.bias);
    if (out.bias) sigma_out_bias_ = floats(*out.bias);
  }
  return Status();
}

Result<std::shared_ptr<const Model>> Model::create(std::shared_ptr<Device> device, Checkpoint checkpoint,
                                                   Storage storage) {
  std::shared_ptr<Model> model(new Model());
  model->device_ = std::move(device);
  model->spec_ = std::move(checkpoint.spec);
  model->source_ = std::move(checkpoint.source);
  model->parameters_ = checkpoint.parameters;
  model->storage_ = resolve(storage, checkpoint.weights);
  TEMPER_TRY(model->pack(checkpoint.weights));
  checkpoint.weights = Weights();  // the mapped files can go
  return std::shared_ptr<const Model>(std::move(model));
}

Result<int64_t> Model::estimate(const Device &device, const Checkpoint &checkpoint, Storage storage) {
  const Weights &weights = checkpoint.weights;
  const Storage kept = resolve(storage, weights);
  int64_t bytes = embedding_bytes(weights);
  TEMPER_TRY(each_matrix(weights, [&](const MatrixView &matrix, const MatrixRole &role, size_t) {
    const PartList list = list_parts(matrix, false);
    const int32_t activation = role.activated ? backend_activation(checkpoint.spec.activation) : TEMPER_ACTIVATION_NONE;
    const temper_linear_desc desc = describe(list, matrix.input_major, kept, activation);
    return add_bytes(&bytes, device.ops().linear_bytes(device.handle(), &desc));
  }));
  return bytes;
}

// c(value) = SiLU(W2 SiLU(W1 features(value) + b1) + b2), features = [cos(value f_k) | sin(value f_k)],
// f_k = 10000^(-k/half) (the sinusoid embedding of DiT, as all published models of these families do).
void Model::condition_vectors(std::span<const double> values, float *out) const {
  const auto features = static_cast<size_t>(spec_.frequency_width);
  const size_t half = features / 2;
  const auto width = static_cast<size_t>(spec_.condition_width);
  const size_t hidden = sigma_in_.size() / features;
  std::vector<double> in(features), middle(hidden), last(width);
  for (const double value : values) {
    for (size_t k = 0; k < half; ++k) {
      const double frequency = std::exp(-std::log(10000.0) * static_cast<double>(k) / static_cast<double>(half));
      in[k] = std::cos(value * frequency);
      in[half + k] = std::sin(value * frequency);
    }
    linear_silu(sigma_in_, sigma_in_bias_, in.data(), features, middle.data(), hidden);
    linear_silu(sigma_out_, sigma_out_bias_, middle.data(), hidden, last.data(), width);
    out = std::transform(last.begin(), last.end(), out, [](double v) { return static_cast<float>(v); });
  }
}

}  // namespace temper
