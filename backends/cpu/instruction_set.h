// SPDX-License-Identifier: Apache-2.0
// The instruction sets that kernels are compiled for, and which of them this processor has.
#pragma once

#include <cstdint>

namespace temper::cpu {

// The best first. `baseline` is what the compiler was told that every processor has.
enum class InstructionSet : int32_t { avx512, avx2, sse4, baseline };

// The best that this processor and its operating system have.
InstructionSet best_instruction_set() noexcept;
const char *name_of(InstructionSet set) noexcept;  // static text

}  // namespace temper::cpu
