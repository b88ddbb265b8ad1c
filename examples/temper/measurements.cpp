// SPDX-License-Identifier: Apache-2.0
#include "measurements.h"

#include "choices.h"
#include "rows_call.h"
#include "stopwatch.h"

#include <algorithm>

namespace program {
namespace {

Session make_session(temper_model *model, int32_t kind, int64_t width, int32_t levels, int64_t length,
                     int32_t rows = 1) {
  temper_hyperschedule *schedule = nullptr;
  call(temper_hyperschedule_create, kind, width, levels, &schedule);
  const Schedule owner(schedule);
  temper_session *session = nullptr;
  call(temper_session_create, model, schedule, nullptr, nullptr, rows, length, uint64_t{1}, &session);
  Session out(session);
  call(temper_session_set_i64, session, TEMPER_SESSION_IGNORE_END, int64_t{1});
  return out;
}

void prompt(temper_model *model, temper_session *session, int64_t count, int32_t row = 0) {
  const int64_t vocabulary = model_number(model, TEMPER_MODEL_VOCABULARY);
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) {
    tokens.push_back(plain_token(i, vocabulary));
  }
  call(temper_session_prompt, session, row, tokens.data(), tokens.size());
}

/// Steps a session to its end; seconds of each step.
std::vector<double> finish(temper_session *session, RunPoint &point) {
  std::vector<double> times;
  for (;;) {
    temper_step_info info{};
    info.struct_size = sizeof info;
    const double begin = now();
    if (call(temper_session_step, session, &info) == TEMPER_DONE) {
      return times;
    }
    times.push_back(now() - begin);
    point.tokens += info.settled;
    point.rows += info.rows_computed;
  }
}

/// Shifted models need something to start from.
int64_t least_prompt(const temper_model *model) { return model_number(model, TEMPER_MODEL_SHIFTED) != 0 ? 1 : 0; }

} // namespace

Cost::Cost(const temper_model *model) {
  const auto number = [model](int32_t key) { return static_cast<double>(model_number(model, key)); };
  weight_bytes = number(TEMPER_MODEL_STEP_BYTES);
  weight_count = number(TEMPER_MODEL_STEP_PRODUCTS);
  const double layers = number(TEMPER_MODEL_LAYERS), head = number(TEMPER_MODEL_HEAD_DIM);
  slot_bytes = 2.0 * layers * number(TEMPER_MODEL_KV_HEADS) * head * 4.0;
  pair_flops = 4.0 * layers * number(TEMPER_MODEL_HEADS) * head;
}

RowsPoint measure_rows(temper_model *model, int rows, int context, const Effort &effort) {
  RowsCall rows_call(model, rows, context);
  return {rows, context, measure(effort.seconds, effort.turns, [&] { rows_call.run(); })};
}

RunPoint measure_run(temper_model *model, int32_t kind, int64_t width, int32_t levels, int64_t length) {
  RunPoint point;
  point.name = schedule_name(kind);
  if (kind != TEMPER_QUENCH && kind != TEMPER_FLAT) {
    point.name += " width " + std::to_string(width);
  }
  if (kind != TEMPER_QUENCH) {
    point.name += " levels " + std::to_string(levels);
  }
  const int64_t start = least_prompt(model);
  const Session session = make_session(model, kind, width, levels, length + start);
  if (start > 0) {
    prompt(model, session.get(), start);
  }
  const double begin = now();
  const std::vector<double> times = finish(session.get(), point);
  point.seconds = now() - begin;
  point.steps = static_cast<int64_t>(times.size());
  point.step_median = median(times);
  return point;
}

CachePoint measure_cache(temper_model *model, int64_t width, int64_t length, const Effort &effort) {
  CachePoint point;
  point.length = length;
  const int32_t levels = static_cast<int32_t>(width); // one token a step
  {
    RunPoint run;
    const Session session = make_session(model, TEMPER_SLIDE_JUMP, width, levels, length);
    const double begin = now();
    point.steps = static_cast<int64_t>(finish(session.get(), run).size());
    point.cached_seconds = now() - begin;
  }
  // Step k has k settled tokens before it, of which all are computed again without the cache. This
  // schedule has its full window from the first step on, so a prompt of k tokens gives such a step.
  const int64_t last = length - width;
  constexpr int samples = 9;
  for (int i = 0; i < samples; ++i) {
    const int64_t settled = last * i / (samples - 1);
    const int64_t span = std::min(length, settled + width + 3);
    const Session session = make_session(model, TEMPER_SLIDE_JUMP, width, levels, span);
    call(temper_session_set_i64, session.get(), TEMPER_SESSION_CACHE, int64_t{0});
    if (settled > 0) {
      prompt(model, session.get(), settled);
      // As one call, like a step in the middle of a generation.
      call(temper_session_set_i64, session.get(), TEMPER_SESSION_PREFILL_ROWS,
           std::min<int64_t>(settled + width, 65536));
    }
    std::vector<double> times;
    const double begin = now();
    while (times.size() < 3 || (now() - begin < effort.seconds && times.size() < 5)) {
      const double at = now();
      if (call(temper_session_step, session.get(), static_cast<temper_step_info *>(nullptr)) == TEMPER_DONE) {
        break;
      }
      times.push_back(now() - at);
    }
    point.samples.emplace_back(settled, median(times));
  }
  // Between the samples the time of a step is taken as a straight line.
  for (size_t i = 1; i < point.samples.size(); ++i) {
    const auto [from, first] = point.samples[i - 1];
    const auto [to, second] = point.samples[i];
    point.uncached_seconds += 0.5 * (first + second) * static_cast<double>(to - from);
  }
  // The last width steps have a shrinking window and as many more settled tokens: as long as the last sample.
  point.uncached_seconds += point.samples.back().second * static_cast<double>(point.steps - last);
  return point;
}

SamplingPoint measure_sampling(temper_model *model, int rows, const Effort &effort) {
  SamplingPoint point;
  point.rows = rows;
  // One level: the only call of this session draws all its tokens. An autoregressive model draws one token
  // of a sequence at a time: there it is as many sequences.
  const bool apart = model_number(model, TEMPER_MODEL_AUTOREGRESSIVE) != 0;
  const Session session = apart ? make_session(model, TEMPER_QUENCH, 1, 1, 2, rows)
                                : make_session(model, TEMPER_FLAT, rows, 1, rows);
  std::vector<double> both, alone;
  RowsCall rows_call(model, rows, 0, apart);
  const auto timed = [](auto work) {
    const double begin = now();
    work();
    return now() - begin;
  };
  const double end = now() + std::max(effort.seconds, 1e-3) * 2.0;
  for (int turn = 0; turn <= effort.turns || (now() < end && turn < 1000); ++turn) {
    // In turns, so that a slow spell meets both; the first pair warms up.
    call(temper_session_reset, session.get(), static_cast<uint64_t>(turn));
    for (int row = 0; apart && row < rows; ++row) {
      prompt(model, session.get(), 1, row);
    }
    const double step = timed([&] {
      call(temper_session_step, session.get(), static_cast<temper_step_info *>(nullptr));
    });
    const double model_only = timed([&] { rows_call.run(); });
    if (turn > 0) {
      both.push_back(step);
      alone.push_back(model_only);
    }
  }
  point.session_seconds = median(both);
  point.model_seconds = median(alone);
  return point;
}

} // namespace program
