// SPDX-License-Identifier: Apache-2.0
// Instruction sets left out: those that add nothing to float32 kernels, and those whose vectors have
// no size at compile time.
#pragma once

#include <hwy/detect_targets.h>

#undef HWY_DISABLED_TARGETS
#if HWY_ARCH_X86
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#elif HWY_ARCH_ARM
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#endif
