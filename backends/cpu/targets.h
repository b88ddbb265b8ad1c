// SPDX-License-Identifier: Apache-2.0
// What a source of vector code is compiled for. On x86 once for each InstructionSet; better ones of Highway's add
// nothing to kernels of float32, SSSE3 little. Elsewhere once, for what every processor of the kind has.
#pragma once

#include "backends/cpu/instruction_set.h"

#include <type_traits>

#if defined(__x86_64__) || defined(__i386__)
#define HWY_DISABLED_TARGETS ((HWY_AVX3 - 1) | HWY_SSSE3)  // lower bits are better targets
#else
#define HWY_COMPILE_ONLY_STATIC
#endif
#include <hwy/detect_targets.h>

// TEMPER_CHOOSE(name, set): the function of that name compiled for this set, or for the next lower one that there is
// (a compiler that may use AVX2 everywhere makes nothing lower).
#if HWY_ARCH_X86
#define TEMPER_CHOOSE(name, set)                                                                         \
  ::temper::cpu::compiled_for(set, HWY_CHOOSE_AVX3(name), HWY_CHOOSE_AVX2(name), HWY_CHOOSE_SSE4(name), \
                              HWY_CHOOSE_FALLBACK(name))
#else
#define TEMPER_CHOOSE(name, set) ((void)(set), &HWY_STATIC_DISPATCH(name))
#endif

namespace temper::cpu {

template <typename Function>
Function *compiled_for(InstructionSet set, std::type_identity_t<Function> *avx512,
                       std::type_identity_t<Function> *avx2, std::type_identity_t<Function> *sse4,
                       Function *baseline) {
  if (set <= InstructionSet::avx512 && avx512 != nullptr) return avx512;
  if (set <= InstructionSet::avx2 && avx2 != nullptr) return avx2;
  if (set <= InstructionSet::sse4 && sse4 != nullptr) return sse4;
  return baseline;
}

}  // namespace temper::cpu
