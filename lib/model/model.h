// SPDX-License-Identifier: Apache-2.0
// A checkpoint packed for a device: what engine/forward.cpp executes. Immutable and shared between sessions.
#pragma once

#include "model/checkpoint.h"
#include "runtime/device.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace temper {

enum class Storage { automatic, f32, bf16 };

// A backend's number for it. What a matrix is packed for is what it is run with.
int32_t backend_activation(Activation activation) noexcept;

struct NormWeights {
  DeviceBuffer weight, bias;  // an empty bias buffer means none
};

struct LayerObjects : LayerMatrices<Linear> {
  NormWeights norm1, norm2;
  DeviceBuffer q_norm, k_norm;
};

class Model {
 public:
  static Result<std::shared_ptr<const Model>> create(std::shared_ptr<Device> device, Checkpoint checkpoint,
                                                     Storage storage);
  // The weight_bytes() that create would come to, from metadata alone.
  static Result<int64_t> estimate(const Device &device, const Checkpoint &checkpoint, Storage storage);

  const Spec &spec() const noexcept { return spec_; }
  const std::shared_ptr<Device> &device() const noexcept { return device_; }
  // Where it came from; its weights are gone, its side files are there.
  const Source &source() const noexcept { return *source_; }
  int64_t parameters() const noexcept { return parameters_; }
  // What embeddings and matrices take on the device, as it says itself.
  int64_t weight_bytes() const noexcept { return weight_bytes_; }
  // Of the matrices that every step reads: their bytes, and how many products they take for a row.
  int64_t step_bytes() const noexcept { return step_bytes_; }
  int64_t step_products() const noexcept { return step_products_; }
  Storage storage() const noexcept { return storage_; }

  // The conditioning vectors (after the sigma map) of values sigma or t, [values][condition_width].
  void condition_vectors(std::span<const double> values, float *out) const;

  // Packed parts, read by engine/forward.cpp.
  const DeviceBuffer &embedding() const noexcept { return embedding_; }
  int32_t embedding_dtype() const noexcept { return embedding_dtype_; }
  const DeviceBuffer &positions() const noexcept { return positions_; }
  const std::vector<LayerObjects> &layers() const noexcept { return layers_; }
  const NormWeights &final_norm() const noexcept { return final_norm_; }
  const Linear &head() const noexcept { return head_; }
  const Linear &head_modulation() const noexcept { return head_modulation_; }
  // Every packed matrix, for a stream to prepare itself.
  const std::vector<temper_linear *> &linears() const noexcept { return linears_; }

 private:
  Model() = default;
  Status pack(const Weights &weights);
  Status pack_matrix(const MatrixView &matrix, const MatrixRole &role, Linear *out);
  Status pack_embedding(const Weights &weights);
  Result<NormWeights> pack_norm(const TensorView &weight, const std::optional<TensorView> &bias);
  Result<DeviceBuffer> pack_floats(const TensorView &tensor);

  std::shared_ptr<Device> device_;
  Spec spec_;
  std::shared_ptr<const Source> source_;
  int64_t parameters_ = 0, weight_bytes_ = 0, step_bytes_ = 0, step_products_ = 0;
  Storage storage_ = Storage::f32;

  DeviceBuffer embedding_, positions_;
  int32_t embedding_dtype_ = 0;
  std::vector<LayerObjects> layers_;
  NormWeights final_norm_;
  Linear head_, head_modulation_;
  std::vector<temper_linear *> linears_;
  // The sigma map runs on the host, once per noise level: it is tiny.
  std::vector<float> sigma_in_, sigma_in_bias_, sigma_out_, sigma_out_bias_;
};

}  // namespace temper
