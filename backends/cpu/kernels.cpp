// SPDX-License-Identifier: Apache-2.0
// All kernels of one instruction set.
#include "backends/cpu/kernels.h"

#include "backends/cpu/kernels_parts.h"

namespace temper::cpu {

Kernels kernels_of(InstructionSet set) noexcept {
  Kernels kernels{.set = set};
  choose_rows(&kernels);
  choose_attention(&kernels);
  return kernels;
}

}  // namespace temper::cpu
