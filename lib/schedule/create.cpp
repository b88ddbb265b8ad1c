// SPDX-License-Identifier: Apache-2.0
// Construction and validity (V1-V5 of MATH 3.1) of hyperschedules.
#include "schedule/hyperschedule.h"

#include <algorithm>
#include <limits>

namespace temper {
namespace {

using Wide = long long;  // for printf

// Levels that a callback may be asked for while it is checked.
constexpr int64_t max_checks = int64_t{1} << 32;

Status check_levels(int32_t levels) {
  if (levels >= 1 && levels <= Hyperschedule::max_levels) return Status();
  return fail(TEMPER_E_ARGUMENT, "levels is %d, must be 1 to %d", levels, Hyperschedule::max_levels);
}

Status check_width(int64_t width) {
  if (width >= 1 && width <= Hyperschedule::max_width) return Status();
  return fail(TEMPER_E_ARGUMENT, "width is %lld, must be 1 to 2^31", static_cast<Wide>(width));
}

// V1 and V2 for one cell; `before` is the level one step earlier.
Status check_cell(int32_t value, int32_t before, int64_t step, int64_t position,
                  int32_t levels) {
  if (value < 0 || value > levels)
    return fail(TEMPER_E_ARGUMENT, "hyperschedule: level %d at step %lld, position %lld isn't in 0 to %d", value,
                static_cast<Wide>(step), static_cast<Wide>(position), levels);
  if (value > before)
    return fail(TEMPER_E_ARGUMENT, "hyperschedule: the level rises from %d to %d at step %lld, position %lld",
                before, value, static_cast<Wide>(step), static_cast<Wide>(position));
  return Status();
}

Status check_settled(int32_t value, int64_t step, int64_t position) {
  if (value == 0) return Status();
  return fail(TEMPER_E_ARGUMENT, "hyperschedule: level %d is left at position %lld after the last step (%lld)",
              value, static_cast<Wide>(position), static_cast<Wide>(step));
}

}  // namespace

Result<Hyperschedule> Hyperschedule::create(ScheduleKind kind, int64_t width, int32_t levels) {
  switch (kind) {
    case ScheduleKind::quench: return quench();
    case ScheduleKind::flat: return flat(levels);
    case ScheduleKind::slide_official: return slide_official(width, levels);
    case ScheduleKind::block:
    case ScheduleKind::slide:
    case ScheduleKind::slide_jump:
    case ScheduleKind::hybrid:
      TEMPER_TRY(check_width(width));
      TEMPER_TRY(check_levels(levels));
      return Hyperschedule(kind, width, levels);
    case ScheduleKind::table:
    case ScheduleKind::callback: break;
  }
  return fail(TEMPER_E_ARGUMENT, "unknown kind of hyperschedule: %d", static_cast<int>(kind));
}

Result<Hyperschedule> Hyperschedule::quench() { return Hyperschedule(ScheduleKind::quench, 1, 1); }

Result<Hyperschedule> Hyperschedule::flat(int32_t levels) {
  TEMPER_TRY(check_levels(levels));
  return Hyperschedule(ScheduleKind::flat, 0, levels);
}

Result<Hyperschedule> Hyperschedule::block(int64_t width, int32_t levels) {
  return create(ScheduleKind::block, width, levels);
}
Result<Hyperschedule> Hyperschedule::slide(int64_t width, int32_t levels) {
  return create(ScheduleKind::slide, width, levels);
}
Result<Hyperschedule> Hyperschedule::slide_jump(int64_t width, int32_t levels) {
  return create(ScheduleKind::slide_jump, width, levels);
}
Result<Hyperschedule> Hyperschedule::hybrid(int64_t width, int32_t levels) {
  return create(ScheduleKind::hybrid, width, levels);
}

Result<Hyperschedule> Hyperschedule::slide_official(int64_t width, int32_t levels) {
  TEMPER_TRY(check_width(width));
  TEMPER_TRY(check_levels(levels));
  // The published code has no window of one position with several levels; slide has.
  if (width == 1 && levels > 1) return slide(width, levels);
  Hyperschedule made(ScheduleKind::slide_official, width, levels);
  if (levels == 1) {
    made.advance_ = width;
    return made;
  }
  // Entries that round to zero (exactly half does), and entries below the top: the window rises.
  made.advance_ = (width - 1) / (2 * (int64_t{levels} - 1)) + 1;
  int64_t low = 0, high = width - 1;  // the last entry is at the top
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (made.official_row(middle) < levels - 1) low = middle + 1;
    else high = middle;
  }
  made.below_top_ = low;
  return made;
}

Result<Hyperschedule> Hyperschedule::table(const int32_t *values, int64_t steps,
                                           int64_t positions, int32_t levels) {
  TEMPER_TRY(check_levels(levels));
  if (values == nullptr) return Status(TEMPER_E_ARGUMENT, "hyperschedule: the table is NULL");
  if (steps < 1 || steps > max_steps)
    return fail(TEMPER_E_ARGUMENT, "hyperschedule: %lld steps, must be 1 to 2^24", static_cast<Wide>(steps));
  if (positions < 1 || positions > max_length)
    return fail(TEMPER_E_ARGUMENT, "hyperschedule: %lld positions, must be 1 to 2^31", static_cast<Wide>(positions));
  // At most (2^24 + 1) 2^31 cells: the product can't overflow.
  for (int64_t k = 0; k <= steps; ++k)
    for (int64_t i = 0; i < positions; ++i) {
      const int32_t value = values[k * positions + i];
      TEMPER_TRY(check_cell(value, k == 0 ? levels : values[(k - 1) * positions + i], k, i, levels));
      if (k == steps) TEMPER_TRY(check_settled(value, k, i));
    }
  auto table = std::make_shared<Table>();
  table->values.assign(values, values + (steps + 1) * positions);
  table->steps = steps;
  table->positions = positions;
  table->settled_after.resize(static_cast<size_t>(positions));
  int64_t latest = 0;
  for (int64_t i = 0; i < positions; ++i) {
    while (values[latest * positions + i] != 0) ++latest;
    table->settled_after[static_cast<size_t>(i)] = latest;
  }
  Hyperschedule made(ScheduleKind::table, 0, levels);
  made.table_ = std::move(table);
  return made;
}

Result<Hyperschedule> Hyperschedule::callback(LevelFunction function, void *user, int32_t levels) {
  TEMPER_TRY(check_levels(levels));
  if (function == nullptr) return Status(TEMPER_E_ARGUMENT, "hyperschedule: the function is NULL");
  Hyperschedule made(ScheduleKind::callback, 0, levels);
  made.function_ = function;
  made.user_ = user;
  return made;
}

Status Hyperschedule::validate(int64_t length) const {
  if (length == unbounded) {
    if (can_stream()) return Status();
    return fail(TEMPER_E_ARGUMENT, "%s needs a known length", describe().c_str());
  }
  if (length < 0 || length > max_length)
    return fail(TEMPER_E_ARGUMENT, "length is %lld, must be 0 to 2^31", static_cast<Wide>(length));
  if (kind_ == ScheduleKind::table && length > table_->positions)
    return fail(TEMPER_E_ARGUMENT, "the hyperschedule's table has %lld positions, %lld are needed",
                static_cast<Wide>(table_->positions), static_cast<Wide>(length));
  if (kind_ == ScheduleKind::callback && length > 0) {
    // Row by row, so that a rule that is broken is found at its first step.
    int64_t checks = 0;
    for (int64_t k = 0;; ++k) {
      bool settled = true;
      for (int64_t i = 0; i < length; ++i) {
        const int32_t value = function_(user_, k, i);
        TEMPER_TRY(check_cell(value, k == 0 ? levels_ : function_(user_, k - 1, i), k, i, levels_));
        settled = settled && value == 0;
      }
      if (settled) return Status();
      checks += length;
      if (k == max_steps || checks > max_checks)
        return fail(TEMPER_E_ARGUMENT, "the hyperschedule's function hasn't settled %lld positions after %lld steps",
                    static_cast<Wide>(length), static_cast<Wide>(k));
    }
  }
  const int64_t total = steps(length);
  if (total > max_steps)
    return fail(TEMPER_E_UNSUPPORTED, "%s takes %lld steps for %lld positions, at most 2^24 are possible",
                describe().c_str(), static_cast<Wide>(total), static_cast<Wide>(length));
  return Status();
}

std::string Hyperschedule::describe() const {
  const char *name = "";
  switch (kind_) {
    case ScheduleKind::quench: return "quench";
    case ScheduleKind::flat: return "flat(" + std::to_string(levels_) + ")";
    case ScheduleKind::block: name = "block"; break;
    case ScheduleKind::slide: name = "slide"; break;
    case ScheduleKind::slide_jump: name = "slide_jump"; break;
    case ScheduleKind::hybrid: name = "hybrid"; break;
    case ScheduleKind::slide_official: name = "slide_official"; break;
    case ScheduleKind::table:
      return "table(" + std::to_string(table_->steps) + " steps, " + std::to_string(table_->positions) +
             " positions, " + std::to_string(levels_) + " levels)";
    case ScheduleKind::callback: return "callback(" + std::to_string(levels_) + " levels)";
  }
  return std::string(name) + "(" + std::to_string(width_) + ", " + std::to_string(levels_) + ")";
}

}  // namespace temper
