// SPDX-License-Identifier: Apache-2.0
#include "sampler_cost.h"

#include "choices.h"
#include "random_model.h"
#include "rows_call.h"
#include "stopwatch.h"

namespace program {
namespace {

constexpr int32_t call_levels = 4; // so that there are visible tokens to be drawn again

/// A window of all rows with this sampler; none where the kind can't follow the path.
Session window_of(temper_model *model, int32_t kind, const temper_noise *noise, int rows) {
  temper_hyperschedule *schedule = nullptr;
  call(temper_hyperschedule_create, TEMPER_FLAT, int64_t{rows}, call_levels, &schedule);
  const Schedule schedule_owner(schedule);
  temper_sampler *sampler = nullptr;
  call(temper_sampler_create, kind, &sampler);
  const Sampler sampler_owner(sampler);
  temper_session *session = nullptr;
  temper_error error{};
  const temper_status status = temper_session_create(model, schedule, noise, sampler, 1, rows, 1, &session, &error);
  Session out(session);
  if (status < 0 && status != TEMPER_E_UNSUPPORTED) {
    throw Failure(error.message);
  }
  if (out) {
    call(temper_session_set_i64, session, TEMPER_SESSION_IGNORE_END, int64_t{1});
  }
  return out;
}

/// The narrow model's rows alone. How many of them give logits decides what the head takes.
class Alone {
public:
  Alone(temper_model *model, int rows) : rows_(rows), few_(model, rows, 0, false, 1), all_(model, rows, 0) {}

  /// Measured in turns with what it is set against, so that a slow spell meets both.
  void turn() {
    times_[0].push_back(timed(few_));
    times_[1].push_back(timed(all_));
  }
  void forget() {
    times_[0].clear();
    times_[1].clear();
  }
  double seconds(int64_t wanted) const {
    const double few = median(times_[0]), all = median(times_[1]);
    return few + (all - few) * static_cast<double>(wanted - 1) / static_cast<double>(std::max(rows_ - 1, 1));
  }

private:
  static double timed(RowsCall &rows_call) {
    const double begin = now();
    rows_call.run();
    return now() - begin;
  }

  int rows_;
  RowsCall few_, all_;
  std::vector<double> times_[2];
};

/// One call of a run: the positions drawn, and its times in all turns.
struct Call {
  int64_t positions = 0;
  std::vector<double> times;
};

SamplerCost cost_of(temper_session *session, Alone &alone, int rows, const Effort &effort) {
  std::vector<Call> calls;
  alone.forget();
  const double end = now() + effort.seconds;
  // The same seed in every turn: the same draws, so that a call's times belong together.
  for (int turn = 0; turn <= effort.turns || (now() < end && turn < 200); ++turn) {
    call(temper_session_reset, session, uint64_t{1});
    alone.turn();
    if (turn == 0) { // it warms up
      alone.forget();
    }
    for (size_t i = 0; i < 16; ++i) {
      temper_step_info info{};
      info.struct_size = sizeof info;
      const double begin = now();
      if (call(temper_session_step, session, &info) == TEMPER_DONE) {
        break;
      }
      const double taken = now() - begin;
      calls.resize(std::max(calls.size(), i + 1));
      calls[i].positions = info.logit_rows;
      if (turn > 0) {
        calls[i].times.push_back(taken);
      }
    }
  }
  SamplerCost cost;
  for (const Call &one : calls) {
    const double more = median(one.times) - alone.seconds(one.positions);
    const double scaled = std::max(more, 0.0) * rows / static_cast<double>(std::max<int64_t>(one.positions, 1));
    if (one.positions > cost.positions || (one.positions == cost.positions && scaled > cost.seconds)) {
      cost.positions = one.positions;
      cost.seconds = scaled;
    }
  }
  return cost;
}

} // namespace

SamplerCosts measure_samplers(temper_runtime *runtime, temper_model *model, int rows, const Effort &effort) {
  SamplerCosts out;
  out.rows = rows;
  out.columns = model_number(model, TEMPER_MODEL_COLUMNS);
  RowsCall step(model, rows, 0);
  out.step_seconds = measure(effort.seconds, effort.turns, [&] { step.run(); });

  const RandomModel random = make_narrow_model(out.columns - 1, 1);
  temper_model *made = nullptr;
  call(temper_model_open_memory, runtime, static_cast<const void *>(random.config.data()), random.config.size(),
       static_cast<const void *>(random.weights.data()), random.weights.size(), nullptr, nullptr,
       "auto", nullptr, &made); // sampling is the same on all: the fastest one hides least of it
  const Model narrow(made);
  temper_noise *masks = nullptr;
  call(temper_noise_create, TEMPER_NOISE_ABSORBING, &masks);
  const Noise absorbing(masks);
  Alone alone(made, rows);
  for (const auto &[name, kind] : sampler_kinds()) {
    std::string noise = "masks and uniform";
    Session session = window_of(made, kind, nullptr, rows);
    if (!session) {
      noise = "masks";
      session = window_of(made, kind, masks, rows);
    }
    if (!session) {
      continue;
    }
    SamplerCost cost = cost_of(session.get(), alone, rows, effort);
    cost.name = name;
    cost.noise = noise;
    out.kinds.push_back(std::move(cost));
  }
  return out;
}

} // namespace program
