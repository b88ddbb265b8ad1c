// SPDX-License-Identifier: Apache-2.0
// Approximate caches of models that see everything (Fast-dLLM): when all of it is computed again, and what stays.
#pragma once

#include <cstdint>

namespace temper {

struct Frame;
struct Sequence;
struct SessionOptions;
struct StepReport;

// How old an approximate cache is.
struct Staleness {
  int64_t calls = 0;          // since it was computed as a whole
  int64_t refreshed_at = -1;  // the frontier then; -1: not yet, or due again
};

bool needs_refresh(const SessionOptions &options, const Sequence &sequence) noexcept;
// Before a call: the whole of it is computed when that is due.
void begin_refresh(const SessionOptions &options, Sequence &sequence) noexcept;
// The call that is being made computes everything.
bool refreshes(const Sequence &sequence) noexcept;
// What is frozen after this call.
int64_t approximately_frozen(const Frame &frame, const Sequence &sequence) noexcept;
// After a call.
void count_staleness(Sequence &sequence) noexcept;
// What of the cache an exact call would have computed.
void report_stale(const Sequence &sequence, StepReport &report) noexcept;

}  // namespace temper
