// SPDX-License-Identifier: Apache-2.0
#include "engine/track.h"

#include <algorithm>

namespace temper {

Result<LevelConditions> LevelConditions::hold(std::shared_ptr<Engine> engine, std::span<const double> values) {
  LevelConditions conditions;
  TEMPER_ASSIGN(conditions.indices_, engine->hold_conditions(values));
  conditions.engine_ = std::move(engine);
  return conditions;
}

void LevelConditions::reset() noexcept {
  if (engine_ != nullptr) engine_->release_conditions(indices_);
  engine_.reset();
}

bool shares_level(const Spec &spec) noexcept { return spec.shared_conditioning && spec.context == Context::full; }

Result<int32_t> add_rows(Call &call, const Track &track, std::span<const PlannedRow> rows,
                         std::span<const ActivePosition> active) {
  int32_t settled_level = 0;
  if (track.shared_level)
    for (const ActivePosition &position : active) settled_level = std::max(settled_level, position.level);
  const int32_t first = call.count();
  for (const PlannedRow &row : rows) {
    const int32_t level = row.level == 0 ? settled_level : row.level;
    if (call.add({.token = row.token,
                  .position = row.position,
                  .condition = track.conditions->of(level),
                  .lane = track.lane,
                  .slot = row.slot,
                  .visible_begin = row.visible_begin,
                  .visible_end = row.visible_end}) < 0)
      return Status(TEMPER_E_INTERNAL, "the rows of a call exceed their plan");
  }
  return first;
}

int64_t read_ahead_end(const Rules &rules, const Frontier &frontier, int64_t rows, int64_t slots) noexcept {
  const int64_t chunk = std::max(rows, rules.block);
  int64_t end = std::min({prefill_end(rules, frontier), frontier.frozen + chunk, frontier.slot_base + slots});
  // A chunk that ended within a block would see slots that aren't written yet.
  if (sees_blocks(rules)) end = end / rules.block * rules.block;
  return std::max(end, frontier.frozen);
}

Status add_read_ahead(Call &call, const Track &track, const Rules &rules, const Frontier &frontier, int64_t end,
                      std::span<const int32_t> tokens, int64_t first_token) {
  for (int64_t p = frontier.frozen; p < end; ++p) {
    const PlannedRow row = prefill_row(rules, frontier, p, tokens[static_cast<size_t>(p - first_token)]);
    TEMPER_TRY(add_rows(call, track, std::span(&row, 1), {}).status());
  }
  return Status();
}

}  // namespace temper
