// SPDX-License-Identifier: Apache-2.0
#include "api/hyperschedule.h"

#include "api/guard.h"

#include <temper/hyperschedule.h>

using namespace temper;

namespace {

Status hand_out(Result<Hyperschedule> made, temper_hyperschedule **out) {
  TEMPER_TRY(made.status());
  auto handle = std::make_unique<temper_hyperschedule>();
  handle->impl = std::make_shared<const Hyperschedule>(std::move(made.value()));
  *out = handle.release();
  return Status();
}

Status check_length(const temper_hyperschedule *schedule, int64_t length) {
  TEMPER_REQUIRE(schedule != nullptr, "schedule is NULL");
  if (length >= 0 && length <= Hyperschedule::max_length) return Status();
  return fail(TEMPER_E_ARGUMENT, "length is %lld, must be 0 to 2^31", static_cast<long long>(length));
}

Status check_step(int64_t step) {
  if (step >= 0) return Status();
  return fail(TEMPER_E_ARGUMENT, "step is %lld, must not be negative", static_cast<long long>(step));
}

}  // namespace

extern "C" {

temper_status temper_hyperschedule_create(int32_t kind, int64_t width, int32_t levels,
                                          temper_hyperschedule **out, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(out != nullptr, "out is NULL");
    *out = nullptr;
    if (kind < TEMPER_QUENCH || kind > TEMPER_SLIDE_OFFICIAL)
      return fail(TEMPER_E_ARGUMENT, "unknown kind of hyperschedule: %d", kind);
    return hand_out(Hyperschedule::create(static_cast<ScheduleKind>(kind), width, levels), out);
  });
}

temper_status temper_hyperschedule_create_table(const int32_t *values, int64_t steps, int64_t positions,
                                                int32_t levels, temper_hyperschedule **out,
                                                temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(out != nullptr, "out is NULL");
    *out = nullptr;
    return hand_out(Hyperschedule::table(values, steps, positions, levels), out);
  });
}

temper_status temper_hyperschedule_create_callback(temper_level_fn function, void *user, int32_t levels,
                                                   temper_hyperschedule **out, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(out != nullptr, "out is NULL");
    *out = nullptr;
    return hand_out(Hyperschedule::callback(function, user, levels), out);
  });
}

void temper_hyperschedule_destroy(temper_hyperschedule *schedule) { delete schedule; }

temper_status temper_hyperschedule_steps(const temper_hyperschedule *schedule, int64_t length, int64_t *steps,
                                         temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(steps != nullptr, "steps is NULL");
    TEMPER_TRY(check_length(schedule, length));
    if (schedule->impl->kind() == ScheduleKind::table || schedule->impl->kind() == ScheduleKind::callback)
      TEMPER_TRY(schedule->impl->validate(length));
    *steps = schedule->impl->steps(length);
    return Status();
  });
}

temper_status temper_hyperschedule_level(const temper_hyperschedule *schedule, int64_t step, int64_t position,
                                         int32_t *level, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(schedule != nullptr, "schedule is NULL");
    TEMPER_REQUIRE(level != nullptr, "level is NULL");
    TEMPER_TRY(check_step(step));
    if (position < 0 || position >= Hyperschedule::max_length)
      return fail(TEMPER_E_ARGUMENT, "position is %lld, must be 0 to 2^31-1", static_cast<long long>(position));
    *level = schedule->impl->level(step, position);
    return Status();
  });
}

temper_status temper_hyperschedule_span(const temper_hyperschedule *schedule, int64_t step, int64_t length,
                                        int64_t *settled_end, int64_t *active_end, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_TRY(check_length(schedule, length));
    TEMPER_TRY(check_step(step));
    if (settled_end != nullptr) *settled_end = schedule->impl->settled_end(step, length);
    if (active_end != nullptr) *active_end = schedule->impl->active_end(step, length);
    return Status();
  });
}

temper_status temper_hyperschedule_get_i64(const temper_hyperschedule *schedule, int32_t key, int64_t *value,
                                           temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(schedule != nullptr, "schedule is NULL");
    TEMPER_REQUIRE(value != nullptr, "value is NULL");
    switch (key) {
      case TEMPER_HYPERSCHEDULE_KIND: *value = static_cast<int64_t>(schedule->impl->kind()); return Status();
      case TEMPER_HYPERSCHEDULE_WIDTH: *value = schedule->impl->width(); return Status();
      case TEMPER_HYPERSCHEDULE_LEVELS: *value = schedule->impl->levels(); return Status();
      default: return fail(TEMPER_E_ARGUMENT, "unknown hyperschedule key: %d", key);
    }
  });
}

}  // extern "C"
