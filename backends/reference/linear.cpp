// SPDX-License-Identifier: Apache-2.0
// out = residual + gate * activation(W in + bias), sums over the inputs in their order.
#include "backends/reference/ops.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <new>

namespace temper::reference {
namespace {

constexpr int64_t block = 256;  // outputs summed at a time, so that no scratch is needed

float gelu_tanh(float x) {
  return 0.5F * x * (1.0F + std::tanh(0.7978845608028654F * (x + 0.044715F * x * x * x)));
}
float gelu_erf(float x) { return 0.5F * x * (1.0F + std::erf(x * 0.7071067811865476F)); }
float silu(float x) { return x / (1.0F + std::exp(-x)); }

struct F32 {
  using Element = float;
  static float narrow(float value) { return value; }
  static float widen(float kept) { return kept; }
};

struct Bf16 {
  using Element = uint16_t;
  static uint16_t narrow(float value) { return host::float_to_bfloat(value); }
  static float widen(uint16_t kept) { return host::bfloat_to_float(kept); }
};

}  // namespace

// A way to keep weights. None of them has scales.
struct Format {
  int32_t number;  // TEMPER_FORMAT_...
  const char *name;
  size_t element;  // bytes
  void (*put)(void *weights, size_t at, float value);
  // sums[n] += x * weights[at + n] for n < count
  void (*add)(const void *weights, size_t at, int64_t count, float x, float *sums);
};

namespace {

template <typename Kind>
constexpr Format format_of(int32_t number, const char *name) {
  using Element = typename Kind::Element;
  return {.number = number,
          .name = name,
          .element = sizeof(Element),
          .put =
              [](void *weights, size_t at, float value) {
                static_cast<Element *>(weights)[at] = Kind::narrow(value);
              },
          .add =
              [](const void *weights, size_t at, int64_t count, float x, float *sums) {
                const Element *from = static_cast<const Element *>(weights) + at;
                for (int64_t n = 0; n < count; ++n) sums[n] += x * Kind::widen(from[n]);
              }};
}

constexpr Format formats[] = {format_of<F32>(TEMPER_FORMAT_F32, "float32"),
                              format_of<Bf16>(TEMPER_FORMAT_BF16, "bfloat16")};

// What a matrix will be, all but its memory. 0, or the noted error of a description that can't be kept.
int32_t describe(const temper_linear_desc &desc, Linear *linear) {
  int64_t outputs = 0;
  if (const int32_t code = host::check_linear(&desc, &outputs); code != TEMPER_OK) return code;
  const auto *format =
      std::find_if(std::begin(formats), std::end(formats), [&](const Format &f) { return f.number == desc.format; });
  if (format == std::end(formats)) return host::unknown_format(desc);
  if (const int32_t code = host::refuse_group(desc, format->name); code != TEMPER_OK) return code;
  linear->inputs = desc.inputs;
  linear->outputs = outputs;
  linear->activation = desc.activation;
  linear->format = format;
  return TEMPER_OK;
}

size_t weight_bytes(const Linear &linear) {
  return host::product(host::product(static_cast<size_t>(linear.inputs), static_cast<size_t>(linear.outputs)),
                       linear.format->element);
}

size_t bias_bytes(const temper_linear_desc &desc, const Linear &linear) {
  return host::has_bias(desc) ? static_cast<size_t>(linear.outputs) * sizeof(float) : 0;
}

// sums[n] = bias[first+n] + sum_k in[k] * W[k][first+n]
void products(const Linear &linear, const float *in, int64_t first, int64_t count, float *sums) {
  std::fill(sums, sums + count, 0.0F);
  for (int64_t k = 0; k < linear.inputs; ++k)
    linear.format->add(linear.weights.as<const void>(), static_cast<size_t>(k * linear.outputs + first), count, in[k],
                       sums);
  if (const float *bias = linear.bias.as<const float>())
    for (int64_t n = 0; n < count; ++n) sums[n] += bias[first + n];
}

}  // namespace

size_t linear_bytes(temper_device *, const temper_linear_desc *desc) {
  Linear shape;
  if (describe(*desc, &shape) != TEMPER_OK) return host::too_large;
  return host::sum(weight_bytes(shape), bias_bytes(*desc, shape));
}

int32_t linear_create(temper_device *device, const temper_linear_desc *desc, temper_linear **out) {
  *out = nullptr;
  std::unique_ptr<Linear> made(new (std::nothrow) Linear());
  if (made == nullptr) return host::out_of_memory(sizeof(Linear));
  if (const int32_t code = describe(*desc, made.get()); code != TEMPER_OK) return code;
  const bool biased = host::has_bias(*desc);
  if (!made->weights.allocate(*device, weight_bytes(*made)) ||
      (biased && !made->bias.allocate(*device, bias_bytes(*desc, *made))))
    return host::out_of_memory(linear_bytes(device, desc));
  const host::PartReader reader{desc};
  for (int64_t n = 0; n < made->outputs; ++n) {
    const host::OutputWeights weights = reader.weights(n);
    for (int64_t k = 0; k < desc->inputs; ++k)
      made->format->put(made->weights.as<void>(), static_cast<size_t>(k * made->outputs + n), weights[k]);
    if (biased) made->bias.as<float>()[n] = reader.bias(n);
  }
  *out = made.release();
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
