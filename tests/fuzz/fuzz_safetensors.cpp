// SPDX-License-Identifier: Apache-2.0
// Any bytes as a safetensors file: an error or views that lie within the bytes.
#include "format/safetensors.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  const auto set = temper::parse_safetensors(bytes, "fuzzed");
  if (!set.ok()) return 0;
  for (const auto &[name, tensor] : set.value().tensors) {
    const size_t length = tensor.bytes.size();
    if (static_cast<size_t>(tensor.elements()) * temper::dtype_size(tensor.dtype) != length)
      std::abort();
    if (length == 0) continue;
    const std::byte *begin = tensor.bytes.data();
    if (begin < bytes.data() || begin + length > bytes.data() + bytes.size()) std::abort();
    std::vector<float> values(static_cast<size_t>(tensor.elements()));
    temper::to_float(tensor, values.data());
  }
  return 0;
}
