// SPDX-License-Identifier: Apache-2.0
// A named tensor as a checkpoint stores it: type, shape and bytes that somebody else owns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace temper {

enum class Dtype { f32, f16, bf16, f64, i64, i32, i16, i8, u8, boolean };

size_t dtype_size(Dtype dtype) noexcept;
const char *dtype_name(Dtype dtype) noexcept;  // as safetensors writes it: "F32", "BF16", ...

struct TensorView {
  Dtype dtype = Dtype::f32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;  // exactly product(shape) * dtype_size; may be unaligned

  int64_t elements() const noexcept;  // product of the shape, checked when the view was made
};

// Any floating dtype to float32; `out` has `elements()` places.
void to_float(const TensorView &tensor, float *out) noexcept;

}  // namespace temper
