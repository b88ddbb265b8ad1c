// SPDX-License-Identifier: Apache-2.0
// The forward process: noise put on given tokens (MATH 1.1, 1.2). Each position is noised by draws of its
// own, so the result doesn't depend on how many are noised at once.
#pragma once

#include "base/philox.h"
#include "noise/noise.h"

#include <cstdint>
#include <span>

namespace temper {

// What lies between an earlier and a later point of a path: the kernel (2) is the path of the difference,
// 1 - r = m and k = kappa of it. Never negative.
Clocks elapsed(Clocks earlier, Clocks later) noexcept;

// One draw of x_t ~ q(. | x_0 = token) at `clocks` (or of the kernel, at what elapsed): the mask with m,
// else with 1 - kappa a token drawn uniformly, itself included, else the token. Real tokens have ids below
// `vocabulary` without the mask. A token that isn't real (the mask, absent) stays what it is. `mask_token`
// -1 stands for masks of models without a mask token. `excluded`: ids that aren't drawn, ascending, without the
// mask. Tags 17, 18, 19.
int32_t corrupt_token(const Clocks &clocks, int32_t vocabulary, int32_t mask_token, int32_t token,
                      const Draws &draws, std::span<const int32_t> excluded = {}) noexcept;

}  // namespace temper
