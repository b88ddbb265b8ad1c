// SPDX-License-Identifier: Apache-2.0
// out = residual + gate * activation(W in + bias), sums over the inputs in their order.
#include "backends/reference/ops.h"

#include <algorithm>
#include <cmath>
#include <new>

namespace temper::reference {
namespace {

constexpr int64_t block = 256;  // outputs summed at a time, so that no scratch is needed

float gelu_tanh(float x) {
  return 0.5F * x * (1.0F + std::tanh(0.7978845608028654F * (x + 0.044715F * x * x * x)));
}
float gelu_erf(float x) { return 0.5F * x * (1.0F + std::erf(x * 0.7071067811865476F)); }
float silu(float x) { return x / (1.0F + std::exp(-x)); }

// sums[n] = bias[first+n] + sum_k in[k] * W[k][first+n]
void products(const Linear &linear, const float *in, int64_t first, int64_t count, float *sums) {
  std::fill(sums, sums + count, 0.0F);
  const int64_t outputs = linear.outputs;
  for (int64_t k = 0; k < linear.inputs; ++k) {
    const float x = in[k];
    if (linear.format == TEMPER_FORMAT_F32) {
      const float *weights = linear.weights.as<const float>() + k * outputs + first;
      for (int64_t n = 0; n < count; ++n) sums[n] += x * weights[n];
    } else {
      const uint16_t *weights = linear.weights.as<const uint16_t>() + k * outputs + first;
      for (int64_t n = 0; n < count; ++n) sums[n] += x * host::bfloat_to_float(weights[n]);
    }
  }
  if (const float *bias = linear.bias.as<const float>())
    for (int64_t n = 0; n < count; ++n) sums[n] += bias[first + n];
}

}  // namespace

size_t linear_bytes(temper_device *, const temper_linear_desc *desc) {
  int64_t outputs = 0;
  if (host::check_linear(desc, &outputs) != TEMPER_OK) return host::too_large;
  const size_t element = desc->format == TEMPER_FORMAT_F32 ? sizeof(float) : sizeof(uint16_t);
  const size_t weights =
      host::product(host::product(static_cast<size_t>(desc->inputs), static_cast<size_t>(outputs)), element);
  return host::sum(weights, host::has_bias(*desc) ? static_cast<size_t>(outputs) * sizeof(float) : 0);
}

int32_t linear_create(temper_device *device, const temper_linear_desc *desc, temper_linear **out) {
  *out = nullptr;
  int64_t outputs = 0;
  if (const int32_t code = host::check_linear(desc, &outputs); code != TEMPER_OK) return code;
  const size_t bytes = linear_bytes(device, desc);
  Linear *made = new (std::nothrow) Linear();
  if (made == nullptr) return host::out_of_memory(sizeof(Linear));
  made->inputs = desc->inputs;
  made->outputs = outputs;
  made->format = desc->format;
  made->activation = desc->activation;
  const bool biased = host::has_bias(*desc);
  const size_t bias_bytes = biased ? static_cast<size_t>(outputs) * sizeof(float) : 0;
  host::Block row;
  if (bytes == host::too_large || !made->weights.allocate(*device, bytes - bias_bytes) ||
      (biased && !made->bias.allocate(*device, bias_bytes)) ||
      !row.allocate(*device, static_cast<size_t>(desc->inputs) * sizeof(float))) {
    delete made;
    return host::out_of_memory(bytes);
  }
  const host::PartReader reader{desc};
  float *values = row.as<float>();
  for (int64_t n = 0; n < outputs; ++n) {
    reader.row(n, values);
    for (int64_t k = 0; k < desc->inputs; ++k) {
      if (desc->format == TEMPER_FORMAT_F32)
        made->weights.as<float>()[k * outputs + n] = values[k];
      else
        made->weights.as<uint16_t>()[k * outputs + n] = host::float_to_bfloat(values[k]);
    }
    if (biased) made->bias.as<float>()[n] = reader.bias(n);
  }
  *out = made;
  return TEMPER_OK;
}

void linear_destroy(temper_device *, temper_linear *linear) { delete static_cast<Linear *>(linear); }

int32_t linear(temper_stream *stream, float *out, const float *in, int32_t rows, const temper_linear *weights,
               int32_t activation, const float *residual, const temper_modulation *modulation) {
  if (const int32_t code = host::check_linear_call(stream, out, in, rows, weights, activation, modulation);
      code != TEMPER_OK)
    return code;
  const Linear &matrix = *static_cast<const Linear *>(weights);
  const bool paired = activation == TEMPER_ACTIVATION_SWIGLU;
  const int64_t width = paired ? matrix.outputs / 2 : matrix.outputs;
  for (int64_t r = 0; r < rows; ++r) {
    const float *gate = nullptr;
    if (modulation != nullptr && modulation->base != nullptr)
      gate = modulation->base + stream->rows.condition[r] * modulation->stride + modulation->gate_at;
    for (int64_t first = 0; first < width; first += block) {
      const int64_t count = std::min(block, width - first);
      float sums[block], ups[block];
      products(matrix, in + r * matrix.inputs, first, count, sums);
      if (paired) products(matrix, in + r * matrix.inputs, width + first, count, ups);
      for (int64_t n = 0; n < count; ++n) {
        float y = sums[n];
        if (activation == TEMPER_ACTIVATION_GELU_TANH) y = gelu_tanh(y);
        if (activation == TEMPER_ACTIVATION_GELU_ERF) y = gelu_erf(y);
        if (paired) y = silu(y) * ups[n];
        if (gate != nullptr) y *= gate[first + n];
        const int64_t at = r * width + first + n;
        out[at] = residual != nullptr ? residual[at] + y : y;
      }
    }
  }
  return TEMPER_OK;
}

}  // namespace temper::reference
