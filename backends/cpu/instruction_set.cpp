// SPDX-License-Identifier: Apache-2.0
// Asked of the compiler's own support library. Highway can tell, too, but only through a shared library of its own,
// which every program with Temper in it would then have to bring.
#include "backends/cpu/instruction_set.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

namespace temper::cpu {

#if defined(__x86_64__) || defined(__i386__)
namespace {

// What Highway lets the compiler use for its targets, so that nothing compiled for one is missing where it runs.
bool has_sse4() noexcept {
  return __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("sse4.2") &&
         __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("aes");
}

// Two bits that not every compiler's __builtin_cpu_supports knows.
bool has_f16c_and_lzcnt() noexcept {
  unsigned a = 0, b = 0, basic = 0, extended = 0, d = 0;
  return __get_cpuid(1, &a, &b, &basic, &d) != 0 && (basic & bit_F16C) != 0 &&
         __get_cpuid(0x80000001U, &a, &b, &extended, &d) != 0 && (extended & bit_LZCNT) != 0;
}

bool has_avx2() noexcept {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2") && has_f16c_and_lzcnt();
}

bool has_avx512() noexcept {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd");
}

}  // namespace

InstructionSet best_instruction_set() noexcept {
  if (!has_sse4()) return InstructionSet::baseline;
  if (!has_avx2()) return InstructionSet::sse4;
  return has_avx512() ? InstructionSet::avx512 : InstructionSet::avx2;
}
#else
InstructionSet best_instruction_set() noexcept { return InstructionSet::baseline; }
#endif

const char *name_of(InstructionSet set) noexcept {
  switch (set) {
    case InstructionSet::avx512: return "AVX-512";
    case InstructionSet::avx2: return "AVX2";
    case InstructionSet::sse4: return "SSE4";
    case InstructionSet::baseline: break;
  }
#if defined(__aarch64__)
  return "NEON";
#else
  return "baseline";
#endif
}

}  // namespace temper::cpu
