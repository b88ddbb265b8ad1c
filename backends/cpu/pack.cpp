// SPDX-License-Identifier: Apache-2.0
// Weights from the layouts of files to panels.
#include "backends/cpu/device.h"

#include <algorithm>
#include <new>

namespace temper::cpu {
namespace {

constexpr int64_t not_there = -1;

int64_t panels_of(int64_t outputs) { return (outputs + panel_width - 1) / panel_width; }

// The output that lies in column c of panel p, or not_there in the padding. SWIGLU alternates panels
// of gates with panels of the values they multiply.
int64_t output_at(const temper_linear &linear, int64_t panel, int64_t column) {
  if (linear.activation != TEMPER_ACTIVATION_SWIGLU) {
    const int64_t output = panel * panel_width + column;
    return output < linear.outputs ? output : not_there;
  }
  const int64_t half = linear.outputs / 2;
  const int64_t output = panel / 2 * panel_width + column;
  if (output >= half) return not_there;
  return panel % 2 == 0 ? output : half + output;
}

void describe(const temper_linear_desc &desc, int64_t outputs, Linear *linear) {
  linear->inputs = desc.inputs;
  linear->outputs = outputs;
  linear->format = desc.format;
  linear->activation = desc.activation;
  const int64_t panels =
      desc.activation == TEMPER_ACTIVATION_SWIGLU ? 2 * panels_of(outputs / 2) : panels_of(outputs);
  linear->panels = static_cast<int32_t>(panels);
  const int64_t words = desc.format == TEMPER_FORMAT_F32 ? desc.inputs : (desc.inputs + 1) / 2;
  linear->panel_stride = static_cast<size_t>(words * panel_width);
}

size_t weight_bytes(const Linear &linear) {
  return host::product(host::product(static_cast<size_t>(linear.panels), linear.panel_stride), sizeof(uint32_t));
}

size_t bias_bytes(const Linear &linear) {
  return static_cast<size_t>(linear.panels) * static_cast<size_t>(panel_width) * sizeof(float);
}

void pack_panel(const temper_linear_desc &desc, const Linear &linear, int64_t panel) {
  const host::PartReader reader{&desc};
  uint32_t *words = linear.weights.as<uint32_t>() + static_cast<size_t>(panel) * linear.panel_stride;
  for (int64_t c = 0; c < panel_width; ++c) {
    const int64_t output = output_at(linear, panel, c);
    if (output == not_there) continue;
    int64_t row = 0;
    const temper_linear_part &part = reader.part(output, &row);
    const int64_t first = desc.input_major != 0 ? row : row * desc.inputs;
    const int64_t step = desc.input_major != 0 ? part.outputs : 1;
    for (int64_t k = 0; k < desc.inputs; ++k) {
      const float value = host::element(part.weight, part.dtype, static_cast<size_t>(first + k * step));
      if (desc.format == TEMPER_FORMAT_F32) {
        words[k * panel_width + c] = __builtin_bit_cast(uint32_t, value);
      } else {
        const auto bits = static_cast<uint32_t>(host::float_to_bfloat(value));
        words[k / 2 * panel_width + c] |= k % 2 == 0 ? bits : bits << 16;
      }
    }
    if (float *bias = linear.bias.as<float>()) bias[panel * panel_width + c] = reader.bias(output);
  }
}

}  // namespace

size_t linear_bytes(temper_device *, const temper_linear_desc *desc) {
  int64_t outputs = 0;
  if (host::check_linear(desc, &outputs) != TEMPER_OK) return host::too_large;
  Linear shape;
  describe(*desc, outputs, &shape);
  return host::sum(weight_bytes(shape), host::has_bias(*desc) ? bias_bytes(shape) : 0);
}

int32_t linear_create(temper_device *device, const temper_linear_desc *desc, temper_linear **out) {
  *out = nullptr;
  int64_t outputs = 0;
  if (const int32_t code = host::check_linear(desc, &outputs); code != TEMPER_OK) return code;
  std::unique_ptr<Linear> linear(new (std::nothrow) Linear());
  if (linear == nullptr) return host::out_of_memory(sizeof(Linear));
  describe(*desc, outputs, linear.get());
  if (!linear->weights.allocate(*device, weight_bytes(*linear)) ||
      (host::has_bias(*desc) && !linear->bias.allocate(*device, bias_bytes(*linear))))
    return host::out_of_memory(linear_bytes(device, desc));
  host::each(*device, linear->panels, [&](int32_t panel, int32_t) { pack_panel(*desc, *linear, panel); });
  *out = linear.release();
  return TEMPER_OK;
}

void linear_destroy(temper_device *, temper_linear *linear) { delete static_cast<Linear *>(linear); }

}  // namespace temper::cpu
