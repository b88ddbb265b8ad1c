// SPDX-License-Identifier: Apache-2.0
// A session's making and its memory.
#include "session/session.h"

#include "session/defaults.h"
#include "session/snapshot.h"
#include "session/window.h"

#include <algorithm>

namespace temper {
namespace {

// The ids that a set of end tokens is made of, each once.
void sort_out(std::vector<int32_t> &tokens) {
  std::sort(tokens.begin(), tokens.end());
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
}

int64_t steps_total(const Frame &frame, std::span<const Sequence> sequences, bool begun) noexcept {
  int64_t total = 0;
  for (const Sequence &sequence : sequences) {
    const int64_t length = frame.generated(sequence.prompt);
    if (length < 0) return -1;
    total = std::max(total, begun ? sequence.levels.steps()
                                  : frame.parts.schedule.steps(length + frame.plan.skipped(sequence.prompt)));
  }
  return total;
}

}  // namespace

Session::Session(SessionParts parts) : frame_(std::move(parts)) {}

Result<std::unique_ptr<Session>> Session::create(SessionParts parts, int32_t rows, int64_t length, uint64_t seed,
                                                 std::shared_ptr<Engine> engine) {
  TEMPER_TRY(check_rows(rows));
  std::unique_ptr<Session> session(new Session(std::move(parts)));
  Frame &frame = session->frame_;
  frame.length = length;
  frame.seed = seed;
  for (const int64_t token : frame.spec->end_tokens)
    frame.options.end_tokens.push_back(static_cast<int32_t>(token));
  sort_out(frame.options.end_tokens);
  session->own_engine_ = engine == nullptr;
  session->engine_ = std::move(engine);
  session->sequences_.resize(static_cast<size_t>(rows));
  for (size_t i = 0; i < session->sequences_.size(); ++i) session->sequences_[i].id = static_cast<uint32_t>(i);
  // The other kinds are right by construction, or by their length, which is known with the prompts.
  if (frame.parts.schedule.kind() == ScheduleKind::callback && length > 0)
    TEMPER_TRY(frame.parts.schedule.validate(length));
  TEMPER_TRY(frame.parts.noise.check(frame.parts.schedule.levels()));
  if (session->can_be_planned()) TEMPER_TRY(session->make_ready());
  return session;
}

Status Session::allocate(const SessionPlan &plan, const Session *origin) {
  const Spec &spec = *frame_.spec;
  const std::shared_ptr<const Model> &model = frame_.parts.model;
  // Memory that is no longer needed first: two plans at once may not fit.
  cache_.reset();
  conditions_ = LevelConditions();
  if (own_engine_) engine_.reset();
  TEMPER_ASSIGN(Cache cache, origin != nullptr ? Snapshot::forked_cache(*origin, plan)
                                               : Cache::create(model, plan.cache));
  if (own_engine_) {
    TEMPER_ASSIGN(engine_, Engine::create(model, plan.engine));
  } else {
    TEMPER_TRY(engine_->reserve(plan.engine));
  }
  const std::vector<double> values =
      level_conditions(spec, frame_.parts.noise, frame_.parts.schedule.levels(), plan.engine.conditions);
  TEMPER_ASSIGN(conditions_, LevelConditions::hold(engine_, values));
  frame_.plan = plan;
  for (Sequence &sequence : sequences_) make_room(frame_, sequence);
  requests_.list.reserve(sequences_.size() * plan.window_room());
  cache_ = std::move(cache);  // last: with it the session is ready
  return Status();
}

Status Session::needs_context() { return Status(TEMPER_E_STATE, "an unbounded row needs a sliding context first"); }

Status Session::make_ready() {
  if (ready()) return Status();
  if (!can_be_planned()) return needs_context();
  TEMPER_ASSIGN(const SessionPlan plan, plan_for(frame_.options));
  return allocate(plan, nullptr);
}

Result<SessionPlan> Session::plan_for(const SessionOptions &options) const {
  TEMPER_ASSIGN(const SessionPlan plan,
                plan_session(*frame_.spec, frame_.parts.schedule, rows(), frame_.length, options));
  TEMPER_TRY(check_parts(frame_.parts, plan));
  for (const Sequence &sequence : sequences_) {
    if (sequence.prompt > plan.prompt_room())
      return fail(TEMPER_E_ARGUMENT, "a prompt of %lld tokens doesn't fit a row of %lld",
                  static_cast<long long>(sequence.prompt), static_cast<long long>(plan.prompt_room()));
    const int64_t spoken_of = sequence.prompt + sequence.wishes.positions();
    if (plan.capacity >= 0 && spoken_of > plan.capacity)
      return fail(TEMPER_E_ARGUMENT, "what was said of single positions up to %lld doesn't fit a row of %lld",
                  static_cast<long long>(spoken_of), static_cast<long long>(plan.capacity));
  }
  return plan;
}

Status Session::set_options(const SessionOptions &options) {
  if (counts_.begun != 0) return Status(TEMPER_E_STATE, "options can't be set after the first step");
  SessionOptions wanted = options;
  sort_out(wanted.end_tokens);
  if (frame_.length == 0 && wanted.look_back == 0) {
    cache_.reset();  // it was made for another context
    std::swap(frame_.options, wanted);
    return Status();
  }
  // All that can be refused is refused before anything changes.
  TEMPER_ASSIGN(const SessionPlan plan, plan_for(wanted));
  // Without memory, which may also be an exception, they are as before, and the next call takes the memory for them.
  struct Before {
    Frame &frame;
    SessionOptions options;
    SessionPlan plan;
    bool wanted_back = true;
    ~Before() {
      if (!wanted_back) return;
      std::swap(frame.options, options);
      frame.plan = plan;
    }
  } before{frame_, frame_.options, frame_.plan};
  std::swap(frame_.options, wanted);
  TEMPER_TRY(allocate(plan, nullptr));
  before.wanted_back = false;
  return Status();
}

Status Session::set_value(ValueHook hook, int32_t candidates, bool preview) {
  if (counts_.begun != 0) return Status(TEMPER_E_STATE, "guidance by value can't be set after the first step");
  SessionOptions wanted = frame_.options;
  wanted.candidates = hook.function == nullptr ? 1 : candidates;
  wanted.preview = hook.function != nullptr && preview;
  // The function and the candidates are known together or not at all.
  TEMPER_TRY(set_options(wanted));
  frame_.hooks.value = hook;
  return Status();
}

Status Session::step(StepReport &report) {
  report = StepReport();
  report.step = counts_.steps;
  const auto running = [&] {
    return static_cast<int32_t>(std::count_if(sequences_.begin(), sequences_.end(),
                                              [](const Sequence &sequence) { return sequence.running(); }));
  };
  if (counts_.begun == 0) {
    TEMPER_TRY(make_ready());
    TEMPER_TRY(begin_sequences(frame_, sequences_));
    counts_.begun = 1;
  }
  report.steps_total = steps_total(frame_, sequences_, true);
  if (running() == 0) {
    report.done = true;
    return Status();
  }
  if (cancel_.exchange(false, std::memory_order_relaxed)) return Status(TEMPER_E_CANCELLED, "cancelled");

  Step step(frame_, sequences_, {*cache_, conditions_}, requests_, report);
  TEMPER_TRY(step.begin());
  const Status status = step.run(*engine_, &cancel_);
  if (status.code() == TEMPER_E_CANCELLED) cancel_.store(false, std::memory_order_relaxed);
  TEMPER_TRY(status);
  TEMPER_TRY(step.end());
  report.rows_running = running();
  ++counts_.steps;
  counts_.rows_computed += report.rows_computed;
  counts_.calls += report.model_calls;
  return Status();
}

void Sequence::clear() noexcept {
  const uint32_t kept = id;
  static_cast<Standing &>(*this) = Standing();
  id = kept;
  window_memory = WindowMemory();
  wishes.starts.clear();
  wishes.weights.clear();
  allowed.clear();
  allowed_ids.clear();
  unconditional.clear();
  std::fill(tokens.begin(), tokens.end(), -1);
  std::fill(records.begin(), records.end(), TokenRecord());
  std::fill(memories.begin(), memories.end(), PositionMemory());
  levels.reset();
  frozen = slot_base = 0;
  staleness = Staleness();
  companion.frozen = 0;
}

void Session::reset(uint64_t seed) noexcept {
  frame_.seed = seed;
  counts_ = SessionCounts();
  cancel_.store(false, std::memory_order_relaxed);
  for (Sequence &sequence : sequences_) sequence.clear();
}

size_t Session::read(int32_t row, std::span<int32_t> out) noexcept {
  Sequence &sequence = sequences_[static_cast<size_t>(row)];
  if (counts_.begun == 0) return 0;
  size_t count = 0;
  while (count < out.size() && sequence.emitted < sequence.settled)
    out[count++] = sequence.token(sequence.emitted++);
  return count;
}

SessionFigures Session::figures() const noexcept {
  int64_t bytes = 0;
  if (ready())
    bytes = cache_->bytes() + sequence_bytes(frame_.plan, rows()) + (own_engine_ ? engine_->bytes() : 0);
  return {.steps_total = steps_total(frame_, sequences_, counts_.begun != 0),
          .steps = counts_.steps,
          .rows_computed = counts_.rows_computed,
          .calls = counts_.calls,
          .bytes = bytes};
}

}  // namespace temper
