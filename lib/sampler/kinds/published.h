// SPDX-License-Identifier: Apache-2.0
// What the modes that follow published programs do with a whole row: a distribution over all states of a position
// is written to memory.other[0..N), in the order of the tokens, beside the mask's own share.
#pragma once

#include "sampler/kind.h"

namespace temper {

// A state of that distribution, which needn't sum to 1; tokens that may not be emitted are left out. no_token where
// nothing is left, or something infinite.
int32_t draw_state(const HeadDescription &head, Workspace::Memory &memory, double mask, uint64_t bits) noexcept;

// How probable a token is in the row as it was shaped and filtered; the mask: 0.
double probability_of(const Place &place, Workspace::Memory &memory, int32_t token) noexcept;

}  // namespace temper
