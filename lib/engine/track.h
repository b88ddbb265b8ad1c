// SPDX-License-Identifier: Apache-2.0
// What sessions and scores do alike with a sequence: its positions become rows of a call, in its lane of a cache.
#pragma once

#include "engine/engine.h"
#include "engine/rows.h"

#include <memory>
#include <span>
#include <vector>

namespace temper {

// The indices of an engine's conditions for the noise levels of a user, held as long as this lives.
class LevelConditions {
 public:
  LevelConditions() = default;
  // values[level], or one value for models that aren't told their level.
  static Result<LevelConditions> hold(std::shared_ptr<Engine> engine, std::span<const double> values);
  ~LevelConditions() { reset(); }
  LevelConditions(LevelConditions &&other) noexcept { swap(other); }
  LevelConditions &operator=(LevelConditions &&other) noexcept {
    swap(other);
    return *this;
  }

  int32_t of(int32_t level) const noexcept { return indices_.size() > 1 ? indices_[static_cast<size_t>(level)] : indices_[0]; }

 private:
  void reset() noexcept;
  void swap(LevelConditions &other) noexcept {
    std::swap(engine_, other.engine_);
    std::swap(indices_, other.indices_);
  }

  std::shared_ptr<Engine> engine_;
  std::vector<int32_t> indices_;
};

// A sequence's place among its user's others.
struct Track {
  temper_lane *lane = nullptr;
  const LevelConditions *conditions = nullptr;
  bool shared_level = false;  // settled rows are told the window's level, see shares_level()
};

// Models that were trained with one level per sequence, and whose settled rows aren't cached, are told the window's
// throughout; all others are told 0 of settled rows.
bool shares_level(const Spec &spec) noexcept;

// Adds planned rows; `active` is the window they were planned for. The first one's index, or an error when the call is
// full, which its plan excludes.
Result<int32_t> add_rows(Call &call, const Track &track, std::span<const PlannedRow> rows,
                         std::span<const ActivePosition> active);

// Where the next chunk of settled rows that are read ahead of a window ends: at most `rows` of them (a block that is
// seen as a whole counts as one), in the first `slots` slots. frontier.frozen: there is nothing to read ahead.
int64_t read_ahead_end(const Rules &rules, const Frontier &frontier, int64_t rows, int64_t slots) noexcept;

// Adds the rows of [frontier.frozen, end). tokens[p - first_token] is position p's.
Status add_read_ahead(Call &call, const Track &track, const Rules &rules, const Frontier &frontier, int64_t end,
                      std::span<const int32_t> tokens, int64_t first_token);

}  // namespace temper
