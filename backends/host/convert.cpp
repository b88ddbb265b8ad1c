// SPDX-License-Identifier: Apache-2.0
// Element types and the stacked parts of a weight matrix.
#include "backends/host/host.h"

#include <bit>

namespace temper::host {

uint16_t float_to_bfloat(float value) noexcept {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<uint16_t>((bits >> 16) | 0x40U);
  return static_cast<uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

const temper_linear_part &PartReader::part(int64_t output, int64_t *row) const noexcept {
  int32_t i = 0;
  while (i + 1 < desc->part_count && output >= desc->parts[i].outputs) output -= desc->parts[i++].outputs;
  *row = output;
  return desc->parts[i];
}

float PartReader::bias(int64_t output) const noexcept {
  int64_t row = 0;
  const temper_linear_part &from = part(output, &row);
  return from.bias == nullptr ? 0.0F : from.bias[row];
}

OutputWeights PartReader::weights(int64_t output) const noexcept {
  int64_t row = 0;
  const temper_linear_part &from = part(output, &row);
  const bool input_major = desc->input_major != 0;
  return {from.weight, from.dtype, static_cast<size_t>(input_major ? row : row * desc->inputs),
          static_cast<size_t>(input_major ? from.outputs : 1), desc->inputs};
}

bool has_bias(const temper_linear_desc &desc) noexcept {
  for (int32_t i = 0; i < desc.part_count; ++i)
    if (desc.parts[i].bias != nullptr) return true;
  return false;
}

}  // namespace temper::host
