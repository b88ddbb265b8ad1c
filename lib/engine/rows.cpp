// SPDX-License-Identifier: Apache-2.0
#include "engine/rows.h"

#include <algorithm>

namespace temper {
namespace {

int64_t block_end(const Rules &rules, int64_t position) { return (position / rules.block + 1) * rules.block; }

int32_t first_visible(const Rules &rules, const Frontier &frontier, int64_t position) {
  if (rules.look_back == 0) return 0;
  return static_cast<int32_t>(std::max<int64_t>(0, position + 1 - rules.look_back - frontier.slot_base));
}

// Settled row that sees settled ones only: how far.
int64_t settled_visible_end(const Rules &rules, const Frontier &frontier, int64_t position) {
  if (sees_blocks(rules)) return std::min(block_end(rules, position), frontier.settled);
  return rules.context == Context::causal ? position + 1 : frontier.settled;
}

}  // namespace

bool sees_blocks(const Rules &rules) noexcept {
  return rules.context == Context::block_causal || rules.window == Window::block;
}

void RowPlan::reserve(int64_t rows) {
  rows_.reserve(static_cast<size_t>(rows));
  logit_row_.reserve(static_cast<size_t>(rows));
  row_of_.reserve(static_cast<size_t>(rows));
  keys_.reserve(static_cast<size_t>(rows));
}

void RowPlan::build(const Rules &rules, const Frontier &frontier, std::span<const int32_t> tokens,
                    int64_t first_token, std::span<const ActivePosition> active) {
  rows_.clear();
  keys_.clear();
  logit_row_.assign(active.size(), -1);
  row_of_.assign(active.size(), -1);
  const int64_t base = frontier.slot_base;

  // Which active positions are keys; the others get a row only when somebody reads its logits.
  auto is_key = [&](const ActivePosition &a) { return rules.noise_keys || !a.pure_noise; };
  // Position 0 of a shifted model has no row before it and is read from its own.
  auto own_row = [&](const ActivePosition &a) { return !rules.shifted || a.position == 0; };
  auto next_to = [&](size_t i) { return i > 0 && active[i - 1].position + 1 == active[i].position; };
  auto is_read = [&](size_t i) {
    if (own_row(active[i]) && active[i].wants_logits) return true;
    return rules.shifted && i + 1 < active.size() && next_to(i + 1) && active[i + 1].wants_logits;
  };

  for (int64_t p = frontier.frozen; p < frontier.settled; ++p)
    rows_.push_back({p, tokens[static_cast<size_t>(p - first_token)], 0, static_cast<int32_t>(p - base), 0, 0});
  settled_rows_ = static_cast<int64_t>(rows_.size());

  auto slot = static_cast<int32_t>(frontier.settled - base);
  auto push_active = [&](size_t i) {
    const ActivePosition &a = active[i];
    if (a.cached) {
      ++slot;
      return;
    }
    row_of_[i] = static_cast<int32_t>(rows_.size());
    rows_.push_back({a.position, a.token, a.level, slot++, 0, 0});
  };
  for (size_t i = 0; i < active.size(); ++i) {
    if (!is_key(active[i])) continue;
    keys_.push_back(active[i].position);
    push_active(i);
  }
  const int32_t key_end = slot;  // rows in later slots are seen by nobody
  for (size_t i = 0; i < active.size(); ++i)
    if (!is_key(active[i]) && is_read(i)) push_active(i);

  // Slots of keys before a position: keys stand in order of position, computed in this call or an earlier one.
  auto keys_before = [&](int64_t position) {
    if (position <= frontier.settled) return static_cast<int32_t>(position - base);
    const auto at = std::lower_bound(keys_.begin(), keys_.end(), position);
    return static_cast<int32_t>(frontier.settled - base + (at - keys_.begin()));
  };

  last_sees_window_ = false;
  for (size_t r = 0; r < rows_.size(); ++r) {
    PlannedRow &row = rows_[r];
    // The positions of a window may have gaps, its slots have none.
    if (rules.look_back > 0) row.visible_begin = std::max(0, keys_before(row.position + 1 - rules.look_back));
    if (rules.window == Window::block) {
      row.visible_end = std::min(key_end, keys_before(block_end(rules, row.position)));
      continue;
    }
    const bool settled = static_cast<int64_t>(r) < settled_rows_;
    if (!settled) {
      // A fully noisy row that isn't a key doesn't see itself either.
      row.visible_end = rules.window == Window::full ? key_end
                        : row.slot < key_end         ? row.slot + 1
                                                     : keys_before(row.position);
      continue;
    }
    // Shifted models query the window from the last settled row.
    const bool queries_window =
        rules.shifted && rules.window == Window::full && row.position == frontier.settled - 1;
    row.visible_end = rules.context == Context::full || queries_window
                          ? key_end
                          : static_cast<int32_t>(settled_visible_end(rules, frontier, row.position) - base);
  }
  if (settled_rows_ > 0)
    last_sees_window_ =
        rows_[static_cast<size_t>(settled_rows_ - 1)].visible_end > frontier.settled - base;

  for (size_t i = 0; i < active.size(); ++i) {
    if (!active[i].wants_logits) continue;
    const int64_t before = active[i].position - 1;
    if (own_row(active[i])) logit_row_[i] = row_of_[i];
    else if (before < frontier.settled) logit_row_[i] = static_cast<int32_t>(before - frontier.frozen);
    else if (next_to(i)) logit_row_[i] = row_of_[i - 1];
  }
}

int64_t prefill_end(const Rules &rules, const Frontier &frontier) {
  if (!rules.cache || rules.context == Context::full) return frontier.frozen;
  int64_t end = frontier.settled;
  // The last row's logits, and for some models its view of the window, belong to the call itself.
  if (rules.shifted) end = std::min(end, frontier.settled - 1);
  // Rows of a block see all of it, so it is computed whole.
  if (sees_blocks(rules)) end = end / rules.block * rules.block;
  return std::max(end, frontier.frozen);
}

int64_t frozen_after(const Rules &rules, const Frontier &frontier, bool last_saw_window, int64_t settled_next) {
  if (!rules.cache || rules.context == Context::full) return frontier.frozen;
  int64_t end = frontier.settled;
  if (sees_blocks(rules)) end = end / rules.block * rules.block;
  if (last_saw_window && rules.window == Window::full) {
    end = std::min(end, frontier.settled - 1);
    // The rest of its block saw the window through that row.
    if (sees_blocks(rules)) end = end / rules.block * rules.block;
  }
  // The row before the first unsettled position will be asked for its logits.
  if (rules.shifted) end = std::min(end, settled_next - 1);
  return std::max(end, frontier.frozen);
}

PlannedRow prefill_row(const Rules &rules, const Frontier &frontier, int64_t position, int32_t token) {
  const auto slot = static_cast<int32_t>(position - frontier.slot_base);
  return {position, token, 0, slot, first_visible(rules, frontier, position),
          static_cast<int32_t>(settled_visible_end(rules, frontier, position) - frontier.slot_base)};
}

}  // namespace temper
