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

// What a matrix will be, all but its memory. 0, or the noted error of a description that can't be kept.
int32_t describe(const temper_linear_desc &desc, Linear *linear) {
  int64_t outputs = 0;
  if (const int32_t code = host::check_linear(&desc, &outputs); code != TEMPER_OK) return code;
  const Format *format = find_format(desc.format);
  if (format == nullptr) return host::unknown_format(desc);
  if (const int32_t code = format->check(desc); code != TEMPER_OK) return code;
  linear->inputs = desc.inputs;
  linear->outputs = outputs;
  linear->activation = desc.activation;
  linear->format = format;
  const int64_t panels =
      desc.activation == TEMPER_ACTIVATION_SWIGLU ? 2 * panels_of(outputs / 2) : panels_of(outputs);
  linear->panels = {.first = nullptr,
                    .stride = format->panel_bytes(desc.inputs, desc.group),
                    .count = static_cast<int32_t>(panels),
                    .inputs = desc.inputs,
                    .group = desc.group};
  return TEMPER_OK;
}

size_t weight_bytes(const Linear &linear) {
  return host::product(static_cast<size_t>(linear.panels.count), linear.panels.stride);
}

size_t bias_bytes(const Linear &linear) {
  return static_cast<size_t>(linear.panels.count) * static_cast<size_t>(panel_width) * sizeof(float);
}

void pack_panel(const temper_linear_desc &desc, const Linear &linear, int64_t panel) {
  const host::PartReader reader{&desc};
  std::byte *to = linear.weights.as<std::byte>() + static_cast<size_t>(panel) * linear.panels.stride;
  for (int64_t c = 0; c < panel_width; ++c) {
    const int64_t output = output_at(linear, panel, c);
    if (output == not_there) continue;
    linear.format->pack(to, c, reader.weights(output), desc.group);
    if (float *bias = linear.bias.as<float>()) bias[panel * panel_width + c] = reader.bias(output);
  }
}

}  // namespace

size_t linear_bytes(temper_device *, const temper_linear_desc *desc) {
  Linear shape;
  if (describe(*desc, &shape) != TEMPER_OK) return host::too_large;
  return host::sum(weight_bytes(shape), host::has_bias(*desc) ? bias_bytes(shape) : 0);
}

int32_t linear_create(temper_device *device, const temper_linear_desc *desc, temper_linear **out) {
  *out = nullptr;
  std::unique_ptr<Linear> linear(new (std::nothrow) Linear());
  if (linear == nullptr) return host::out_of_memory(sizeof(Linear));
  if (const int32_t code = describe(*desc, linear.get()); code != TEMPER_OK) return code;
  if (!linear->weights.allocate(*device, weight_bytes(*linear)) ||
      (host::has_bias(*desc) && !linear->bias.allocate(*device, bias_bytes(*linear))))
    return host::out_of_memory(linear_bytes(device, desc));
  linear->sum = linear->format->sum(static_cast<Device *>(device)->kernels.set);
  linear->panels.first = linear->weights.as<const std::byte>();
  host::each(*device, linear->panels.count, [&](int32_t panel, int32_t) { pack_panel(*desc, *linear, panel); });
  *out = linear.release();
  return TEMPER_OK;
}

void linear_destroy(temper_device *, temper_linear *linear) { delete static_cast<Linear *>(linear); }

}  // namespace temper::cpu
