// SPDX-License-Identifier: Apache-2.0
// The ways in which packed weights are kept. A format is one file of this folder that fills one Format, and a
// line in formats.cpp: nothing else in this backend asks which format a matrix has.
//
// All formats share the frame. A matrix is cut into panels of panel_width outputs that lie one after the
// other; inside a panel a format orders its bytes as its kernel wants to read them.
#pragma once

#include "backends/cpu/kernels.h"
#include "backends/host/host.h"

namespace temper::cpu {

// Neighbouring panels of one matrix.
struct Panels {
  const std::byte *first = nullptr;
  size_t stride = 0;  // bytes from one panel to the next
  int32_t count = 0;
  int64_t inputs = 0;
  int64_t group = 0;  // inputs that share a scale; 0 in formats without

  Panels part(int32_t from, int32_t panels) const noexcept {
    return {first + static_cast<size_t>(from) * stride, stride, panels, inputs, group};
  }
};

// tile[r*tile_stride + p*panel_width + c] = the sum over inputs k of x[r*inputs + k] * panel p's column c. For
// any number of rows the sum is the same chain of multiply-adds in the order of k, on one instruction set.
using SumFn = void (*)(const Panels &panels, const float *x, int64_t rows, float *tile, int64_t tile_stride);

struct Format {
  int32_t number;    // TEMPER_FORMAT_...
  const char *name;  // for people: "float32"
  // 0, or the noted error of a description that can't be kept this way (its group).
  int32_t (*check)(const temper_linear_desc &desc);
  // Bytes of a panel, a multiple of 64.
  size_t (*panel_bytes)(int64_t inputs, int64_t group);
  // Writes one output's weights into column c of a panel that is zero there.
  void (*pack)(std::byte *panel, int64_t column, const host::OutputWeights &weights, int64_t group);
  // Writes the first of the panels as float32: input k's weights to to[k*stride], panel_width values.
  void (*unpack)(const Panels &panel, float *to, int64_t stride);
  // The kernel for this set, which the processor must have.
  SumFn (*sum)(InstructionSet set);
};

extern const Format format_f32, format_bf16;

// nullptr when there is none of this number.
const Format *find_format(int32_t number) noexcept;

}  // namespace temper::cpu
