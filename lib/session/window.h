// SPDX-License-Identifier: Apache-2.0
// Before a call: which positions are in the window, at which levels, with which tokens, and what the sampler decides
// about them without having seen logits. Functions of a frame and a sequence; no model takes part.
#pragma once

#include "session/frame.h"

#include <span>

namespace temper {

// Before the first step: the prompts are known, so the lengths are. Refuses before it begins anything.
Status begin_sequences(const Frame &frame, std::span<Sequence> sequences);

// Lays out the window of the sequence's next call, and lets the sampler decide.
void prepare(const Frame &frame, Sequence &sequence);

// Its window as the sampler sees it, for one of the candidates.
SamplerWindow sampler_window(const Frame &frame, Sequence &sequence, int32_t candidate) noexcept;

// The call at which a level drops next: others would be useless.
int64_t next_drop(const RowLevels &levels, int64_t call) noexcept;
// Where the positions of a call's window end.
int64_t window_stop(const Frame &frame, const Sequence &sequence, int64_t call) noexcept;
// Positions of [begin, stop) that are there for the first time start as noise, drawn for call number `number`; those
// of a draft have their token.
void fill_window(const Frame &frame, Sequence &sequence, int64_t begin, int64_t stop, int64_t number) noexcept;
// Visible tokens by id, for penalties: those of the last settled positions that shaping looks back over, and of all
// behind them up to `end`.
void collect_history(const Frame &frame, Sequence &sequence, int64_t settled, int64_t end,
                     std::vector<TokenCount> &history);
// The window's active positions and what shapes their logits, at a call, up to `stop`. `keeps_waiting`: keys of
// positions that take no part yet are taken from the cache.
void list_window(const Frame &frame, const Sequence &sequence, int64_t call, int64_t stop, bool keeps_waiting,
                 CallWindow &window);

}  // namespace temper
