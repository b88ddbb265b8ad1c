// SPDX-License-Identifier: Apache-2.0
// What endless sequences and sliding contexts let go of.
#pragma once

#include "engine/engine.h"
#include "session/frame.h"

namespace temper {

// Tokens of an unbounded sequence: those that were read and are out of sight make room for new ones.
Status forget_tokens(const Frame &frame, Sequence &sequence);

// A sliding context lets go of slots that no row looks back to any more.
Status drop_slots(const Frame &frame, Sequence &sequence, temper_lane *lane, Engine &engine);

}  // namespace temper
