// SPDX-License-Identifier: Apache-2.0
#include "replay.h"

#include <algorithm>

namespace program {

Replay::Replay(temper_model *model)
    : model_(model), columns_(static_cast<int>(model_number(model, TEMPER_MODEL_COLUMNS))) {}

void Replay::make_room(int sequences, int slots) {
  if (sequences == sequences_ && slots <= room_) {
    return;
  }
  temper_x_evaluator *fresh = nullptr;
  call(temper_x_evaluator_create, model_, sequences, sequences * slots, slots, &fresh);
  evaluator_.reset(fresh);
  sequences_ = sequences;
  room_ = slots;
  slots_.clear();
}

/// Slots at the front that the next call can keep: equal to what it wants there, closed, and not asked
/// for their logits.
int Replay::reusable(const Case &item, const Arrangement &call) const {
  int equal = 0;
  const int most = static_cast<int>(std::min(slots_.size(), call.order.size()));
  while (equal < most) {
    const size_t i = static_cast<size_t>(equal);
    const Slot &slot = slots_[i];
    if (call.deliver[i] || slot.begin != call.begin[i] || slot.end != call.end[i] ||
        !(slot.input == item.graph.inputs[static_cast<size_t>(call.order[i])])) {
      break;
    }
    ++equal;
  }
  for (bool closed = false; !closed;) {
    closed = true;
    for (int i = 0; i < equal; ++i) {
      if (call.end[static_cast<size_t>(i)] > equal) {
        equal = i;
        closed = false;
      }
    }
  }
  return equal;
}

void Replay::one_call(const Case &item, const Arrangement &arrangement, Logits &out) {
  const int kept = reusable(item, arrangement);
  for (int b = 0; b < sequences_; ++b) {
    call(temper_x_evaluator_keep, evaluator_.get(), b, kept);
  }
  slots_.resize(static_cast<size_t>(kept));
  std::vector<temper_x_row> rows;
  std::vector<std::pair<int, size_t>> asked;
  for (int b = 0; b < sequences_; ++b) {
    const size_t sequence = static_cast<size_t>(b);
    for (size_t i = static_cast<size_t>(kept); i < arrangement.order.size(); ++i) {
      const int node = arrangement.order[i];
      const Input &input = item.graph.inputs[static_cast<size_t>(node)];
      temper_x_row row{};
      row.token = input.tokens[sequence];
      row.position = input.position;
      row.sequence = b;
      row.visible_begin = arrangement.begin[i];
      row.visible_end = arrangement.end[i];
      row.want_logits = arrangement.deliver[i] ? 1 : 0;
      row.condition = input.conditions[sequence];
      rows.push_back(row);
      if (arrangement.deliver[i]) {
        asked.emplace_back(node, sequence);
      }
      if (b == 0) {
        slots_.push_back({input, arrangement.begin[i], arrangement.end[i]});
      }
    }
  }
  const size_t width = static_cast<size_t>(columns_);
  std::vector<float> logits(asked.size() * width);
  try {
    call(temper_x_evaluator_run, evaluator_.get(), rows.data(), rows.size(), logits.data(), logits.size());
  } catch (...) {
    slots_.clear();
    throw;
  }
  for (size_t i = 0; i < asked.size(); ++i) {
    out.rows[asked[i]].assign(logits.begin() + static_cast<std::ptrdiff_t>(i * width),
                              logits.begin() + static_cast<std::ptrdiff_t>((i + 1) * width));
  }
}

Logits Replay::run(const Case &item, const std::vector<Arrangement> &calls) {
  Logits out;
  size_t slots = 0;
  for (const Arrangement &arrangement : calls) {
    slots = std::max(slots, arrangement.order.size());
  }
  make_room(item.sequences, static_cast<int>(std::max<size_t>(slots, 64)));
  for (const Arrangement &arrangement : calls) {
    one_call(item, arrangement, out);
  }
  return out;
}

} // namespace program
