// SPDX-License-Identifier: Apache-2.0
// One step:
//
//   begin   where does every position stand         levels           -> frontier, window    (window.cpp)
//           which positions need logits             sampler.decide   (draws that don't depend on logits come first)
//   run     what must be read ahead of the windows  calls without logits                    (read_ahead)
//           the windows, in one call                RowPlan -> rows -> logits -> proposals  (requests.cpp)
//           each candidate's next call              if candidates are judged by it          (preview.cpp)
//   end     which candidate                         the caller's value                      (policy/candidates.cpp)
//           what settled, what is frozen            settle                                  (settle.cpp)
#include "session/step.h"

#include "session/settle.h"
#include "session/slots.h"
#include "session/window.h"

#include <algorithm>

namespace temper {

Step::Step(const Frame &frame, std::span<Sequence> sequences, Lanes lanes, Requests &requests, StepReport &report)
    : frame_(frame), sequences_(sequences), lanes_(lanes), requests_(requests), report_(report) {}

Status Step::begin() {
  for (Sequence &sequence : sequences_) {
    if (!sequence.running()) continue;
    TEMPER_TRY(forget_tokens(frame_, sequence));
    prepare(frame_, sequence);
  }
  return Status();
}

bool Step::wants_logits() const noexcept {
  return std::any_of(sequences_.begin(), sequences_.end(), [](const Sequence &sequence) {
    const std::vector<ActivePosition> &active = sequence.window.active;
    return sequence.running() && std::any_of(active.begin(), active.end(),
                                             [](const ActivePosition &position) { return position.wants_logits; });
  });
}

Status Step::run(Engine &engine, const std::atomic<bool> *cancel) {
  for (Sequence &sequence : sequences_)
    if (sequence.running()) begin_refresh(frame_.options, sequence);
  report_.idle = is_idle();
  if (!report_.idle) TEMPER_TRY(run_windows(engine, cancel));
  if (frame_.options.candidates == 1) return Status();

  for (Sequence &sequence : sequences_)
    if (sequence.running()) finish_candidates(frame_, sequence);
  for (int32_t candidate = 0; frame_.options.previews() && candidate < frame_.options.candidates; ++candidate) {
    // The difference of an approximate cache is measured in the step's own call alone.
    begin_call(engine, Purpose::preview, frame_.options.guided);
    requests_.candidate = candidate;
    for (size_t i = 0; i < sequences_.size(); ++i)
      if (sequences_[i].running()) TEMPER_TRY(add_preview(i, candidate, engine.call()));
    if (!requests_.list.empty()) TEMPER_TRY(run_call(engine, cancel));
    put_back();
  }
  return Status();
}

// No token of any sequence could change, and nothing is read that later calls need: an approximate cache is computed
// anew when it is due, whether or not its sequence has company that isn't idle.
bool Step::is_idle() const noexcept {
  if (!frame_.options.skip_idle || frame_.options.previews() || wants_logits()) return false;
  return std::none_of(sequences_.begin(), sequences_.end(), [this](const Sequence &sequence) {
    return sequence.running() && needs_refresh(frame_.options, sequence);
  });
}

// The call of the step's windows, behind those for settled tokens that don't fit beside them.
Status Step::run_windows(Engine &engine, const std::atomic<bool> *cancel) {
  int64_t rows = 0;
  for (const Sequence &sequence : sequences_)
    if (sequence.running())
      rows += sequence.settled - sequence.frozen + static_cast<int64_t>(sequence.window.active.size());
  // A second run isn't read ahead in parts.
  if (!frame_.plan.paired && (rows > frame_.plan.engine.max_rows || frame_.options.look_back > 0))
    for (size_t i = 0; i < sequences_.size(); ++i)
      if (sequences_[i].running()) TEMPER_TRY(read_ahead(i, engine, cancel));

  begin_call(engine, Purpose::step, frame_.plan.paired);
  for (size_t i = 0; i < sequences_.size(); ++i) {
    if (!sequences_[i].running()) continue;
    TEMPER_TRY(drop_slots(frame_, sequences_[i], lanes_.cache.lane(static_cast<int32_t>(i)), engine));
    TEMPER_TRY(add_window(i, engine.call()));
  }
  return run_call(engine, cancel);
}

// Settled rows that don't fit beside the window.
Status Step::read_ahead(size_t index, Engine &engine, const std::atomic<bool> *cancel) {
  Sequence &sequence = sequences_[index];
  const Track track = lanes_.of(*frame_.spec, index);
  const auto window = static_cast<int64_t>(sequence.window.active.size());
  const int64_t most = std::min(frame_.plan.engine.max_rows, frame_.options.prefill_rows);
  while (sequence.settled - sequence.frozen + window > frame_.plan.row_budget) {
    TEMPER_TRY(drop_slots(frame_, sequence, track.lane, engine));
    const Frontier frontier{sequence.frozen, sequence.settled, sequence.slot_base};
    const int64_t end = read_ahead_end(frame_.plan.rules, frontier, most, frame_.plan.cache.slots);
    if (end == frontier.frozen) break;
    begin_call(engine, Purpose::step, false);
    TEMPER_TRY(add_read_ahead(engine.call(), track, frame_.plan.rules, frontier, end, sequence.tokens,
                              sequence.first_token));
    TEMPER_TRY(run_call(engine, cancel));
    sequence.frozen = end;
  }
  return Status();
}

// The rows of a sequence's own call.
Status Step::add_window(size_t index, Call &call) {
  Sequence &sequence = sequences_[index];
  CallWindow &window = sequence.window;
  window.frontier = {sequence.frozen, sequence.settled, sequence.slot_base};
  window.plan.build(frame_.plan.rules, window.frontier, sequence.tokens, sequence.first_token, window.active);
  TEMPER_ASSIGN(window.first_row, add_rows(call, lanes_.of(*frame_.spec, index), window.plan.rows(), window.active));
  Companion *companion = frame_.plan.paired ? &sequence.companion : nullptr;
  if (companion != nullptr) {
    plan_companion(frame_, sequence, sequence.settled, window.active, *companion);
    TEMPER_ASSIGN(companion->first_row, add_rows(call, lanes_.of(*frame_.spec, index + sequences_.size()),
                                                 companion->plan.rows(), window.active));
  }
  report_.rows_cached += window.frontier.frozen - window.frontier.slot_base;
  if (frame_.options.approximates()) report_stale(sequence, report_);
  return add_requests(index, window.plan, window.first_row, companion, call);
}

Status Step::add_requests(size_t index, const RowPlan &plan, int32_t first_row, const Companion *companion,
                          Call &call) {
  const std::span<const int32_t> rows = plan.logit_row();
  const std::vector<ActivePosition> &active = requests_.window_of(sequences_[index]).active;
  for (size_t a = 0; a < rows.size(); ++a) {
    if (rows[a] < 0 && active[a].wants_logits)
      return Status(TEMPER_E_INTERNAL, "a position wants logits that no row of its call has");
    if (rows[a] < 0) continue;
    if (requests_.list.size() == requests_.list.capacity() ||
        (companion != nullptr && !call.want(companion->first_row + companion->plan.logit_row()[a])) ||
        !call.want(first_row + rows[a]))
      return Status(TEMPER_E_INTERNAL, "the logits of a call exceed their plan");
    requests_.list.push_back({static_cast<int32_t>(index), static_cast<int32_t>(a)});
  }
  return Status();
}

void Step::begin_call(Engine &engine, Purpose purpose, bool pairs) {
  engine.call().clear();
  requests_.list.clear();
  requests_.purpose = purpose;
  requests_.pairs = pairs;
}

Status Step::run_call(Engine &engine, const std::atomic<bool> *cancel) {
  Call &call = engine.call();
  if (call.count() == 0) return Status();
  RequestWork work(frame_, sequences_, requests_, engine);
  work.join(call);
  const Status status = engine.run(cancel);
  call.set_interviewer(nullptr);
  call.set_reader(nullptr);
  TEMPER_TRY(status);
  report_.rows_computed += call.count();
  report_.logit_rows += static_cast<int64_t>(call.wanted().size());
  ++report_.model_calls;
  if (requests_.pairs && !frame_.options.guided) report_.difference = std::max(0.0, work.difference());
  return Status();
}

Status Step::end() {
  for (size_t i = 0; i < sequences_.size(); ++i)
    if (sequences_[i].running()) TEMPER_TRY(choose_candidate(frame_, sequences_[i], static_cast<int32_t>(i)));
  for (Sequence &sequence : sequences_)
    if (sequence.running()) settle(frame_, sequence, report_.idle, report_);
  return Status();
}

}  // namespace temper
