// SPDX-License-Identifier: Apache-2.0
#include "session/slots.h"

#include <algorithm>

namespace temper {

Status forget_tokens(const Frame &frame, Sequence &sequence) {
  const auto room = static_cast<int64_t>(sequence.tokens.size());
  const int64_t reach = frame.plan.reach;
  if (sequence.length >= 0 || sequence.materialized + reach <= sequence.first_token + room) return Status();
  const int64_t keep = std::min({sequence.emitted, sequence.frozen, sequence.settled});
  if (sequence.materialized + reach > keep + room)
    return Status(TEMPER_E_CAPACITY, "settled tokens of an unbounded row must be read before more can be made");
  const std::ptrdiff_t gone = keep - sequence.first_token;
  const auto move_up = [gone](auto &list, const auto &empty) {
    std::fill(std::move(list.begin() + gone, list.end(), list.begin()), list.end(), empty);
  };
  move_up(sequence.tokens, -1);
  move_up(sequence.records, TokenRecord());
  move_up(sequence.memories, PositionMemory());
  sequence.first_token = keep;
  return Status();
}

Status drop_slots(const Frame &frame, Sequence &sequence, temper_lane *lane, Engine &engine) {
  const int64_t look_back = frame.options.look_back;
  if (look_back == 0) return Status();
  const int64_t window = frame.options.previews() ? 2 * frame.plan.max_active
                                                  : static_cast<int64_t>(sequence.window.active.size());
  const int64_t rows_end = sequence.settled + window + 1;
  const int64_t base = sequence.frozen + 1 - look_back;
  if (rows_end - sequence.slot_base <= frame.plan.cache.slots || base <= sequence.slot_base) return Status();
  TEMPER_TRY(engine.move_slots(lane, static_cast<int32_t>(base - sequence.slot_base), 0,
                               static_cast<int32_t>(sequence.frozen - base)));
  sequence.slot_base = base;
  return Status();
}

}  // namespace temper
