// SPDX-License-Identifier: Apache-2.0
// Arithmetic as the language has it from the start: to nearest, no traps, subnormal numbers kept. A program may have
// its threads otherwise (traps to find its own errors, other rounding for intervals, flush-to-zero for sound), and
// finds them as they were, flags too.
#pragma once

#include <cfenv>
#include <cstdint>

namespace temper {

#if defined(__x86_64__) && defined(__GNUC__)

// The general way takes a third of a microsecond here, for the sake of the old x87 registers, which nothing of ours
// computes in: their flags stay, and their settings seldom need a change.
class FloatEnvironment {
 public:
  FloatEnvironment() noexcept : vectors_(__builtin_ia32_stmxcsr()) {
    asm volatile("fnstcw %0" : "=m"(old_));
    __builtin_ia32_ldmxcsr(default_vectors);
    if (old_ != default_old) asm volatile("fldcw %0" : : "m"(default_old));
  }
  ~FloatEnvironment() {
    __builtin_ia32_ldmxcsr(vectors_);
    if (old_ != default_old) asm volatile("fldcw %0" : : "m"(old_));
  }
  FloatEnvironment(const FloatEnvironment &) = delete;
  FloatEnvironment &operator=(const FloatEnvironment &) = delete;

 private:
  static constexpr uint32_t default_vectors = 0x1F80;
  static constexpr uint16_t default_old = 0x037F;
  uint32_t vectors_;
  uint16_t old_;
};

#else

class FloatEnvironment {
 public:
  FloatEnvironment() noexcept {
    (void)std::fegetenv(&before_);
    (void)std::fesetenv(FE_DFL_ENV);
  }
  ~FloatEnvironment() { (void)std::fesetenv(&before_); }
  FloatEnvironment(const FloatEnvironment &) = delete;
  FloatEnvironment &operator=(const FloatEnvironment &) = delete;

 private:
  std::fenv_t before_;
};

#endif

}  // namespace temper
