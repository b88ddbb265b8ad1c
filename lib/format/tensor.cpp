// SPDX-License-Identifier: Apache-2.0
#include "format/tensor.h"

#include "base/half.h"

#include <bit>
#include <cstring>

namespace temper {
namespace {

template <typename Stored, typename Convert>
void convert_all(const TensorView &tensor, float *out, Convert convert) noexcept {
  const std::byte *source = tensor.bytes.data();
  const auto count = static_cast<size_t>(tensor.elements());
  for (size_t i = 0; i < count; ++i) {
    Stored value;
    std::memcpy(&value, source + i * sizeof value, sizeof value);
    out[i] = convert(value);
  }
}

template <typename Stored>
void cast_all(const TensorView &tensor, float *out) noexcept {
  convert_all<Stored>(tensor, out, [](Stored value) { return static_cast<float>(value); });
}

}  // namespace

size_t dtype_size(Dtype dtype) noexcept {
  switch (dtype) {
    case Dtype::f64:
    case Dtype::i64: return 8;
    case Dtype::f32:
    case Dtype::i32: return 4;
    case Dtype::f16:
    case Dtype::bf16:
    case Dtype::i16: return 2;
    case Dtype::i8:
    case Dtype::u8:
    case Dtype::boolean: break;
  }
  return 1;
}

const char *dtype_name(Dtype dtype) noexcept {
  switch (dtype) {
    case Dtype::f32: return "F32";
    case Dtype::f16: return "F16";
    case Dtype::bf16: return "BF16";
    case Dtype::f64: return "F64";
    case Dtype::i64: return "I64";
    case Dtype::i32: return "I32";
    case Dtype::i16: return "I16";
    case Dtype::i8: return "I8";
    case Dtype::u8: return "U8";
    case Dtype::boolean: break;
  }
  return "BOOL";
}

int64_t TensorView::elements() const noexcept {
  int64_t product = 1;
  for (const int64_t size : shape) product *= size;
  return product;
}

void to_float(const TensorView &tensor, float *out) noexcept {
  static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");
  switch (tensor.dtype) {
    case Dtype::f32:
      if (!tensor.bytes.empty()) std::memcpy(out, tensor.bytes.data(), tensor.bytes.size());
      return;
    case Dtype::f16: convert_all<uint16_t>(tensor, out, half_to_float); return;
    case Dtype::bf16:
      convert_all<uint16_t>(tensor, out, [](uint16_t value) {
        return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
      });
      return;
    case Dtype::f64: cast_all<double>(tensor, out); return;
    case Dtype::i64: cast_all<int64_t>(tensor, out); return;
    case Dtype::i32: cast_all<int32_t>(tensor, out); return;
    case Dtype::i16: cast_all<int16_t>(tensor, out); return;
    case Dtype::i8: cast_all<int8_t>(tensor, out); return;
    case Dtype::u8:
    case Dtype::boolean: cast_all<uint8_t>(tensor, out); return;
  }
}

}  // namespace temper
