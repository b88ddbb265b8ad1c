// SPDX-License-Identifier: Apache-2.0
#include "api/session.h"

#include "api/guard.h"
#include "api/hyperschedule.h"
#include "api/model.h"
#include "api/noise.h"
#include "api/sampler.h"
#include "api/structs.h"
#include "runtime/runtime.h"
#include "session/defaults.h"
#include "session/snapshot.h"

#include <temper/session.h>

#include <algorithm>
#include <cstring>
#include <string>

using temper::check_row;
using temper::guard;
using temper::Status;

namespace {

temper::Result<temper::Hyperschedule> schedule_of(const temper::Spec &spec, const temper_hyperschedule *schedule) {
  if (schedule != nullptr) return *schedule->impl;
  return temper::make_default_schedule(spec);
}

temper::Result<temper::Noise> noise_of(const temper::Spec &spec, const temper_noise *noise) {
  return temper::Noise::create(noise != nullptr ? noise->parameters : temper::default_noise(spec));
}

temper::Result<temper::Sampler> sampler_of(const temper_sampler *sampler) {
  using temper::SamplerKind;
  if (sampler != nullptr) return temper::Sampler::create(sampler->kind, sampler->parameters);
  return temper::Sampler::create(SamplerKind::ancestral, temper::Sampler::defaults(SamplerKind::ancestral));
}

// Tokens [begin, end) of a row into the caller's places.
Status copy_tokens(const temper::Sequence &sequence, int64_t begin, int64_t end, int32_t *tokens, size_t capacity,
                   size_t *count) {
  TEMPER_REQUIRE(count != nullptr, "count is NULL");
  TEMPER_REQUIRE(tokens != nullptr || capacity == 0, "tokens is NULL");
  const auto needed = static_cast<size_t>(std::max<int64_t>(0, end - begin));
  *count = needed;
  for (size_t i = 0; i < std::min(needed, capacity); ++i)
    tokens[i] = sequence.token(begin + static_cast<int64_t>(i));
  if (needed > capacity)
    return temper::fail(TEMPER_E_CAPACITY, "%zu tokens, room for %zu", needed, capacity);
  return Status();
}

int64_t cached_positions(const temper::Session &session) {
  int64_t cached = 0;
  for (int32_t i = 0; i < session.rows(); ++i) cached += session.row(i).frozen - session.row(i).slot_base;
  return cached;
}

int64_t cache_rule(const temper::Session &session) {
  const temper::Rules &rules = session.frame().plan.rules;
  if (!session.frame().options.cache || rules.context == temper::Context::full) return TEMPER_CACHE_OFF;
  return rules.context == temper::Context::causal ? TEMPER_CACHE_TOKEN : TEMPER_CACHE_BLOCK;
}

temper::Result<int64_t> session_number(const temper::Session &session, int32_t key) {
  const temper::SessionFigures figures = session.figures();
  switch (key) {
    // What they came to, not what was asked for.
    case TEMPER_SESSION_CANVAS: return session.frame().plan.canvas ? 1 : 0;
    case TEMPER_SESSION_ALIGN: return session.frame().plan.align > 0 ? 1 : 0;
    case TEMPER_SESSION_MODEL_CALLS: return figures.calls;
    case TEMPER_SESSION_ROWS: return session.rows();
    case TEMPER_SESSION_LENGTH: return session.frame().length;
    case TEMPER_SESSION_STEPS_TOTAL: return figures.steps_total;
    case TEMPER_SESSION_STEPS: return figures.steps;
    case TEMPER_SESSION_BYTES: return figures.bytes;
    case TEMPER_SESSION_CACHED: return cached_positions(session);
    case TEMPER_SESSION_ROWS_COMPUTED: return figures.rows_computed;
    case TEMPER_SESSION_CACHE_RULE: return cache_rule(session);
    default: break;
  }
  const temper::OptionKey *option = temper::find_option(key);
  if (option == nullptr || option->get == nullptr)
    return temper::fail(TEMPER_E_ARGUMENT, "unknown session key %d", key);
  return option->get(session.frame().options);
}

}  // namespace

Status temper::check_row(const temper_session *session, int32_t row) {
  TEMPER_REQUIRE(session != nullptr, "session is NULL");
  if (row < 0 || row >= session->impl->rows())
    return temper::fail(TEMPER_E_ARGUMENT, "row %d of %d", row, session->impl->rows());
  return Status();
}

extern "C" {

temper_status temper_session_create(temper_model *model, const temper_hyperschedule *schedule,
                                    const temper_noise *noise, const temper_sampler *sampler, int32_t rows,
                                    int64_t length, uint64_t seed, temper_session **out, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(out != nullptr, "out is NULL");
    *out = nullptr;
    TEMPER_REQUIRE(model != nullptr, "model is NULL");
    const temper::Spec &spec = model->impl->network->spec();
    TEMPER_ASSIGN(temper::Hyperschedule chosen_schedule, schedule_of(spec, schedule));
    TEMPER_ASSIGN(temper::Noise chosen_noise, noise_of(spec, noise));
    TEMPER_ASSIGN(temper::Sampler chosen_sampler, sampler_of(sampler));
    const std::string remark = chosen_sampler.remark(temper::describe_head(spec), chosen_noise);
    TEMPER_ASSIGN(temper::SharedModel::Ids excluded, model->impl->ids_without_token());
    TEMPER_ASSIGN(std::unique_ptr<temper::Session> session,
                  temper::Session::create({model->impl->network, std::move(chosen_schedule), std::move(chosen_noise),
                                           std::move(chosen_sampler), std::move(excluded)},
                                          rows, length, seed));
    if (!remark.empty()) model->impl->network->device()->runtime().log(TEMPER_LOG_WARNING, remark.c_str());
    *out = new temper_session{std::move(session)};
    return Status();
  });
}

void temper_session_destroy(temper_session *session) { delete session; }

temper_status temper_session_estimate(const temper_model *model, const temper_hyperschedule *schedule, int32_t rows,
                                      int64_t length, int64_t *bytes, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(model != nullptr, "model is NULL");
    TEMPER_REQUIRE(bytes != nullptr, "bytes is NULL");
    const temper::Model &network = *model->impl->network;
    TEMPER_ASSIGN(const temper::Hyperschedule chosen, schedule_of(network.spec(), schedule));
    TEMPER_ASSIGN(const temper::SessionPlan plan,
                  temper::plan_session(network.spec(), chosen, rows, length, temper::SessionOptions()));
    TEMPER_ASSIGN(*bytes, temper::estimate_session(network, plan, rows));
    return Status();
  });
}

temper_status temper_session_set_i64(temper_session *session, int32_t key, int64_t value, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(session != nullptr, "session is NULL");
    TEMPER_ASSIGN(const temper::SessionOptions options,
                  temper::with_option(session->impl->frame().options, key, value));
    return session->impl->set_options(options);
  });
}

temper_status temper_session_get_i64(const temper_session *session, int32_t key, int64_t *value,
                                     temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(session != nullptr, "session is NULL");
    TEMPER_REQUIRE(value != nullptr, "value is NULL");
    TEMPER_ASSIGN(*value, session_number(*session->impl, key));
    return Status();
  });
}

temper_status temper_session_step(temper_session *session, temper_step_info *info, temper_error *error) {
  temper_status outcome = TEMPER_OK;
  const temper_status status = guard(error, [&]() -> Status {
    TEMPER_REQUIRE(session != nullptr, "session is NULL");
    if (info != nullptr) TEMPER_TRY(temper::check_struct(info, "step info"));
    temper::StepReport report;
    TEMPER_TRY(session->impl->step(report));
    if (report.done) outcome = TEMPER_DONE;
    if (report.length_limit) outcome = TEMPER_LENGTH_LIMIT;
    if (info == nullptr) return Status();
    temper_step_info filled{};
    filled.step = static_cast<int32_t>(report.step);
    filled.steps_total = report.steps_total;
    filled.rows_running = report.rows_running;
    filled.model_calls = report.model_calls;
    filled.rows_computed = report.rows_computed;
    filled.rows_cached = report.rows_cached;
    filled.logit_rows = report.logit_rows;
    filled.settled = report.settled;
    filled.changed = report.changed;
    filled.logits_reused = report.idle ? 1 : 0;
    filled.rows_stale = report.stale;
    filled.cache_difference = report.difference;
    temper::write_struct(info, filled);
    return Status();
  });
  return status < 0 ? status : outcome;
}

temper_status temper_session_row(const temper_session *session, int32_t row, temper_row_info *info,
                                 temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_TRY(check_row(session, row));
    TEMPER_REQUIRE(info != nullptr, "info is NULL");
    TEMPER_TRY(temper::check_struct(info, "row info"));
    const temper::Sequence &sequence = session->impl->row(row);
    temper_row_info filled{};
    filled.finished = sequence.finished;
    filled.step = sequence.calls_done;
    filled.settled_begin = sequence.settled_before;
    filled.settled_end = std::max(sequence.settled, sequence.prompt);
    filled.window_end = std::max(sequence.window_end, filled.settled_end);
    filled.cached = sequence.frozen - sequence.slot_base;
    filled.changed = sequence.changed;
    temper::write_struct(info, filled);
    return Status();
  });
}

temper_status temper_session_read(temper_session *session, int32_t row, int32_t *tokens, size_t capacity,
                                  size_t *count, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_TRY(check_row(session, row));
    TEMPER_REQUIRE(count != nullptr, "count is NULL");
    *count = 0;
    TEMPER_REQUIRE(tokens != nullptr || capacity == 0, "tokens is NULL");
    *count = session->impl->read(row, {tokens, capacity});
    return Status();
  });
}

temper_status temper_session_window(const temper_session *session, int32_t row, int32_t *tokens, size_t capacity,
                                    size_t *count, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_TRY(check_row(session, row));
    const temper::Sequence &sequence = session->impl->row(row);
    return copy_tokens(sequence, sequence.settled, sequence.window_end, tokens, capacity, count);
  });
}

temper_status temper_session_tokens(const temper_session *session, int32_t row, int32_t *tokens, size_t capacity,
                                    size_t *count, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_TRY(check_row(session, row));
    const temper::Sequence &sequence = session->impl->row(row);
    return copy_tokens(sequence, sequence.first_token, std::max(sequence.settled, sequence.prompt), tokens, capacity,
                       count);
  });
}

temper_status temper_session_provenance(const temper_session *session, int32_t row, int64_t first,
                                        temper_token_record *records, size_t count, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_TRY(check_row(session, row));
    TEMPER_REQUIRE(records != nullptr || count == 0, "records is NULL");
    const temper::Sequence &sequence = session->impl->row(row);
    const int64_t room = static_cast<int64_t>(sequence.tokens.size());
    if (first < sequence.first_token || first - sequence.first_token > room ||
        static_cast<int64_t>(std::min<size_t>(count, INT32_MAX)) > sequence.first_token + room - first)
      return temper::fail(TEMPER_E_ARGUMENT, "positions [%lld, +%zu) aren't all in the row",
                          static_cast<long long>(first), count);
    for (size_t i = 0; i < count; ++i) {
      const auto at = static_cast<size_t>(first - sequence.first_token) + i;
      const temper::TokenRecord &record = sequence.records[at];
      records[i] = {sequence.tokens[at], record.set, record.settled, record.changes, record.probability};
    }
    return Status();
  });
}

temper_status temper_session_fork(const temper_session *session, uint64_t seed, temper_session **out,
                                  temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(out != nullptr, "out is NULL");
    *out = nullptr;
    TEMPER_REQUIRE(session != nullptr, "session is NULL");
    TEMPER_ASSIGN(std::unique_ptr<temper::Session> copy, temper::Snapshot::fork(*session->impl, seed));
    *out = new temper_session{std::move(copy)};
    return Status();
  });
}

temper_status temper_session_save(const temper_session *session, void *bytes, size_t capacity, size_t *size,
                                  temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(session != nullptr, "session is NULL");
    TEMPER_REQUIRE(size != nullptr, "size is NULL");
    TEMPER_REQUIRE(bytes != nullptr || capacity == 0, "bytes is NULL");
    TEMPER_ASSIGN(const std::vector<std::byte> saved, temper::Snapshot::save(*session->impl));
    *size = saved.size();
    if (saved.size() > capacity)
      return temper::fail(TEMPER_E_CAPACITY, "%zu bytes, room for %zu", saved.size(), capacity);
    std::memcpy(bytes, saved.data(), saved.size());
    return Status();
  });
}

temper_status temper_session_restore(temper_session *session, const void *bytes, size_t size, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(session != nullptr, "session is NULL");
    TEMPER_REQUIRE(bytes != nullptr, "bytes is NULL");
    return temper::Snapshot::restore(*session->impl, {static_cast<const std::byte *>(bytes), size});
  });
}

temper_status temper_session_reset(temper_session *session, uint64_t seed, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(session != nullptr, "session is NULL");
    session->impl->reset(seed);
    return Status();
  });
}

void temper_session_cancel(temper_session *session) {
  if (session != nullptr) session->impl->cancel();
}

}  // extern "C"
