// SPDX-License-Identifier: Apache-2.0
// The list of formats.
#include "backends/cpu/formats/formats.h"

namespace temper::cpu {
namespace {

constexpr const Format *formats[] = {&format_f32, &format_bf16};

}  // namespace

const Format *find_format(int32_t number) noexcept {
  for (const Format *format : formats)
    if (format->number == number) return format;
  return nullptr;
}

}  // namespace temper::cpu
