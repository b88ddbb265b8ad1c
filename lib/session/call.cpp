// SPDX-License-Identifier: Apache-2.0
// One call of the model for all running rows of a session: which rows of the model it takes, and what is done
// with every row of logits when it comes out.
#include "session/session.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace temper {
int32_t Session::condition_of(int32_t level) const noexcept { return plan_.forward.conditions > 1 ? level : 0; }

// What settled rows are told of the noise. Where nothing is cached a model may be told the window's level
// throughout, as in its training.
int32_t Session::level_of_settled(std::span<const ActivePosition> active) const noexcept {
  const Spec &spec = parts_.model->spec();
  if (!spec.shared_conditioning || spec.context != Context::full) return 0;
  int32_t highest = 0;
  for (const ActivePosition &position : active) highest = std::max(highest, position.level);
  return highest;
}

// Tokens of an unbounded row: those that were read and are out of sight make room for new ones.
Status Session::forget(Sequence &sequence) {
  const auto room = static_cast<int64_t>(sequence.tokens.size());
  const int64_t reach = plan_.max_active * (previews() ? 2 : 1);
  if (sequence.length >= 0 || sequence.materialized + reach <= sequence.first_token + room) return Status();
  const int64_t keep = std::min({sequence.emitted, sequence.frozen, sequence.settled});
  if (sequence.materialized + reach > keep + room)
    return Status(TEMPER_E_CAPACITY, "settled tokens of an unbounded row must be read before more can be made");
  const std::ptrdiff_t gone = keep - sequence.first_token;
  auto move_up = [gone](auto &list, const auto &empty) {
    std::fill(std::move(list.begin() + gone, list.end(), list.begin()), list.end(), empty);
  };
  move_up(sequence.tokens, -1);
  move_up(sequence.records, TokenRecord());
  move_up(sequence.memories, PositionMemory());
  sequence.first_token = keep;
  return Status();
}

// A sliding context lets go of slots that no row looks back to any more.
Status Session::drop_slots(size_t index) {
  Sequence &sequence = sequences_[index];
  if (options_.look_back == 0) return Status();
  const int64_t window = previews() ? 2 * plan_.max_active : static_cast<int64_t>(sequence.active.size());
  const int64_t rows_end = sequence.settled + window + 1;
  const int64_t base = sequence.frozen + 1 - options_.look_back;
  if (rows_end - sequence.slot_base <= plan_.forward.slots || base <= sequence.slot_base) return Status();
  TEMPER_TRY(forward_->move_slots(static_cast<int32_t>(index), static_cast<int32_t>(base - sequence.slot_base), 0,
                                  static_cast<int32_t>(sequence.frozen - base)));
  sequence.slot_base = base;
  return Status();
}

// Reads ahead what of a long prompt doesn't fit beside the window.
Status Session::prefill(size_t index, StepReport &report) {
  Sequence &sequence = sequences_[index];
  while (sequence.settled - sequence.frozen + static_cast<int64_t>(sequence.active.size()) > plan_.row_budget) {
    TEMPER_TRY(drop_slots(index));
    const Frontier frontier{sequence.frozen, sequence.settled, sequence.slot_base};
    const int64_t chunk = std::min<int64_t>(plan_.forward.max_rows,
                                            std::max<int64_t>(options_.prefill_rows, plan_.rules.block));
    int64_t end = std::min({prefill_end(plan_.rules, frontier), sequence.frozen + chunk,
                            sequence.slot_base + plan_.forward.slots});
    if (plan_.rules.context == Context::block_causal) end = end / plan_.rules.block * plan_.rules.block;
    if (end <= sequence.frozen) break;
    forward_->clear();
    for (int64_t p = sequence.frozen; p < end; ++p) {
      const PlannedRow row = prefill_row(plan_.rules, frontier, p, sequence.token(p));
      forward_->add({row.token, row.position, condition_of(0), static_cast<int32_t>(index), row.slot,
                     row.visible_begin, row.visible_end});
    }
    TEMPER_TRY(forward_->run({}, nullptr, &cancel_));
    report.rows_computed += end - sequence.frozen;
    ++report.model_calls;
    sequence.frozen = end;
  }
  return Status();
}

bool Session::needs_refresh(const Sequence &sequence) const noexcept {
  if (options_.approximation == Approximation::none) return false;
  if (sequence.refreshed_at < 0) return true;
  return options_.refresh > 0 ? sequence.stale_calls >= options_.refresh : sequence.settled != sequence.refreshed_at;
}

// The second run over the same window: its tokens, its window, its rows.
void Session::plan_companion(Sequence &sequence, Companion &companion, int64_t row_settled,
                             std::span<const ActivePosition> active) {
  const std::vector<int32_t> &prompt = sequence.companion.prompt;
  const bool has_prompt = sequence.companion.has_prompt;
  const auto begin = has_prompt ? static_cast<int64_t>(prompt.size()) : sequence.prompt;
  companion.offset = begin - sequence.prompt;
  const int64_t settled = row_settled + companion.offset;
  companion.tokens.resize(static_cast<size_t>(settled));
  // What is frozen isn't read again; active tokens stand in `active`.
  for (int64_t p = companion.frozen; p < settled; ++p) {
    int32_t &token = companion.tokens[static_cast<size_t>(p)];
    if (p >= begin || !options_.guided) token = sequence.token(p - companion.offset);
    else token = has_prompt ? prompt[static_cast<size_t>(p)] : head_.mask_token;
  }
  companion.active.assign(active.begin(), active.end());
  for (ActivePosition &position : companion.active) {
    position.position += companion.offset;
    position.cached = false;
  }
  // Without guidance it is there to compute everything anew: `frozen` stays 0.
  companion.frontier = {companion.frozen, settled, 0};
  companion.plan.build(plan_.rules, companion.frontier, companion.tokens, 0, companion.active);
}

Status Session::add_rows(std::span<const ActivePosition> active, std::span<const PlannedRow> rows,
                         size_t slot_sequence) {
  const int32_t settled_level = level_of_settled(active);
  for (const PlannedRow &row : rows)
    if (!forward_->add({row.token, row.position, condition_of(row.level == 0 ? settled_level : row.level),
                        static_cast<int32_t>(slot_sequence), row.slot, row.visible_begin, row.visible_end}))
      return Status(TEMPER_E_INTERNAL, "the rows of a call exceed their plan");
  return Status();
}

Status Session::call_model(StepReport &report) {
  int64_t total = 0;
  bool wanted = false;
  for (Sequence &sequence : sequences_) {
    if (sequence.finished != TEMPER_ROW_RUNNING) continue;
    if (needs_refresh(sequence)) {
      sequence.frozen = 0;
      sequence.refreshed_at = -1;
    }
    total += sequence.settled - sequence.frozen + static_cast<int64_t>(sequence.active.size());
    for (const ActivePosition &active : sequence.active) wanted = wanted || active.wants_logits;
  }
  if (!wanted && options_.skip_idle && !previews()) {
    report.idle = true;
    return Status();
  }
  if (!plan_.paired && (total > plan_.forward.max_rows || options_.look_back > 0))
    for (size_t i = 0; i < sequences_.size(); ++i)
      if (sequences_[i].finished == TEMPER_ROW_RUNNING) TEMPER_TRY(prefill(i, report));

  previewed_ = -1;
  forward_->clear();
  requests_.clear();
  for (size_t i = 0; i < sequences_.size(); ++i) {
    Sequence &sequence = sequences_[i];
    if (sequence.finished != TEMPER_ROW_RUNNING) continue;
    TEMPER_TRY(drop_slots(i));
    sequence.frontier = {sequence.frozen, sequence.settled, sequence.slot_base};
    sequence.plan.build(plan_.rules, sequence.frontier, sequence.tokens, sequence.first_token, sequence.active);
    sequence.first_row = forward_->count();
    TEMPER_TRY(add_rows(sequence.active, sequence.plan.rows(), i));
    Companion &companion = sequence.companion;
    if (plan_.paired) {
      plan_companion(sequence, companion, sequence.settled, sequence.active);
      companion.first_row = forward_->count();
      TEMPER_TRY(add_rows(sequence.active, companion.plan.rows(), i + sequences_.size()));
    }
    for (size_t a = 0; a < sequence.active.size(); ++a) {
      if (sequence.plan.logit_row()[a] < 0) continue;
      const auto at = static_cast<int32_t>(a), of = static_cast<int32_t>(i);
      // The two rows of a pair stand side by side, the second run's first.
      if (plan_.paired)
        requests_.push_back({companion.first_row + companion.plan.logit_row()[a], of, at});
      requests_.push_back({sequence.first_row + sequence.plan.logit_row()[a], of, at});
    }
    report.rows_cached += sequence.frontier.frozen - sequence.frontier.slot_base;
    if (options_.approximation != Approximation::none) {
      const auto kept = std::count_if(sequence.active.begin(), sequence.active.end(),
                                      [](const ActivePosition &active) { return active.cached; });
      report.stale += sequence.frontier.frozen + kept;
      report.rows_cached += kept;
    }
  }
  difference_ = plan_.paired && !options_.guided ? 0 : -1;
  TEMPER_TRY(run_requests(report));
  if (forward_->count() > 0) report.difference = difference_;
  return Status();
}

// Runs the rows that were added; `requests_` says what for.
Status Session::run_requests(StepReport &report) {
  logit_rows_.clear();
  for (const Request &request : requests_) logit_rows_.push_back(request.row);
  if (forward_->count() == 0) return Status();
  not_finite_.store(false, std::memory_order_relaxed);
  TEMPER_TRY(forward_->run(logit_rows_, this, &cancel_));
  report.rows_computed += forward_->count();
  report.logit_rows += static_cast<int64_t>(logit_rows_.size());
  ++report.model_calls;
  return Status();
}

// Pairs of rows: guided logits, or how far apart the two are.
void Session::combine(int32_t count, float *logits) {
  const auto columns = static_cast<size_t>(head_.columns);
  for (int32_t pair = 0; pair + 1 < count; pair += 2) {
    const float *other = logits + static_cast<size_t>(pair) * columns;
    float *row = logits + static_cast<size_t>(pair + 1) * columns;
    if (options_.guided) {
      const auto scale = static_cast<float>(options_.guidance + 1);
      for (size_t id = 0; id < columns; ++id) {
        // What one run forbids stays forbidden; inf - inf is no number.
        if (std::isinf(row[id]) || std::isinf(other[id])) continue;
        row[id] = other[id] + scale * (row[id] - other[id]);
      }
    } else {
      for (size_t id = 0; id < columns; ++id)
        difference_ = std::max(difference_, std::abs(static_cast<double>(row[id]) - static_cast<double>(other[id])));
    }
  }
}

Status Session::call_hook(int32_t first, int32_t count, float *logits) {
  const int32_t stride = runs();
  for (int32_t i = stride - 1; i < count; i += stride) {
    const Request &request = requests_[static_cast<size_t>(first + i)];
    const Sequence &sequence = sequences_[static_cast<size_t>(request.sequence)];
    const ActivePosition &active = active_of(request);
    const int64_t end = previewed_ < 0 ? sequence.materialized : sequence.preview.window_end;
    temper_logits row{};
    row.struct_size = sizeof row;
    row.row = request.sequence;
    row.position = active.position;
    row.call = sequence.calls_done + (previewed_ < 0 ? 0 : 1);
    row.level = active.level;
    row.next_level = active.next_level;
    row.tokens = sequence.tokens.data();
    row.first = sequence.first_token;
    row.count = end - sequence.first_token;
    row.logits = logits + static_cast<size_t>(i) * static_cast<size_t>(head_.columns);
    row.columns = head_.columns;
    if (logit_hook_.function(logit_hook_.user, &row) != 0)
      return Status(TEMPER_E_CANCELLED, "stopped by the caller's function for logits");
  }
  return Status();
}

// A chunk of logits has arrived: the sampler reads each row once, on the backend's threads.
Status Session::consume(int32_t first, int32_t count, float *logits) {
  struct Chunk {
    Session *session;
    int32_t first;
    int32_t stride;
    float *logits;
    const HeadDescription *head;
  } chunk{this, first, runs(), logits, &head_};

  const bool scores = head_.kind == HeadForm::score_exact || head_.kind == HeadForm::score_official_gamma;
  if (scores && (options_.guided || logit_hook_.function != nullptr)) {
    auto convert = [](void *argument, int32_t index, int32_t worker) {
      const Chunk &c = *static_cast<Chunk *>(argument);
      Session &self = *c.session;
      const Request &request = self.requests_[static_cast<size_t>(c.first + index)];
      const auto columns = static_cast<size_t>(self.head_.columns);
      if (!Sampler::convert(self.head_, self.position_of(request),
                            {c.logits + static_cast<size_t>(index) * columns, columns},
                            self.workspaces_[static_cast<size_t>(worker)]))
        self.not_finite_.store(true, std::memory_order_relaxed);
    };
    TEMPER_TRY(forward_->parallel(convert, &chunk, count));
    chunk.head = &converted_head_;
  }
  if (chunk.stride == 2) combine(count, logits);
  if (logit_hook_.function != nullptr) TEMPER_TRY(call_hook(first, count, logits));

  auto task = [](void *argument, int32_t index, int32_t worker) {
    const Chunk &c = *static_cast<Chunk *>(argument);
    Session &self = *c.session;
    const int32_t at_row = index * c.stride + c.stride - 1;
    const Request &request = self.requests_[static_cast<size_t>(c.first + at_row)];
    Sequence &sequence = self.sequences_[static_cast<size_t>(request.sequence)];
    const auto columns = static_cast<size_t>(self.head_.columns);
    const std::span<const float> row(c.logits + static_cast<size_t>(at_row) * columns, columns);
    Workspace &workspace = self.workspaces_[static_cast<size_t>(worker)];
    if (self.previewed_ >= 0) {
      const SamplerPosition &position = self.position_of(request);
      const int32_t token = self.parts_.sampler.estimate(*c.head, position, row, workspace);
      if (token < 0) self.not_finite_.store(true, std::memory_order_relaxed);
      const int64_t width = sequence.materialized - sequence.settled;
      sequence.shown[static_cast<size_t>(self.previewed_ * width + position.position - sequence.settled)] = token;
      return;
    }
    const auto active = static_cast<size_t>(request.active), n = sequence.active.size();
    if (self.tap_.function != nullptr)
      self.tap_.function(self.tap_.user, request.sequence, sequence.active[active].position, row);
    for (size_t at = active; at < sequence.proposals.size(); at += n) {
      Proposal &proposal = sequence.proposals[at];
      if (!proposal.needs_logits) continue;
      const auto candidate = static_cast<uint32_t>(at / n);
      const SamplerPosition &position = sequence.positions[at];
      proposal = self.parts_.sampler.propose(*c.head, position, proposal,
                                             self.draws(sequence, position.position).candidate(candidate), row,
                                             workspace);
      if (proposal.token < 0) self.not_finite_.store(true, std::memory_order_relaxed);
    }
  };
  TEMPER_TRY(forward_->parallel(task, &chunk, count / chunk.stride));
  if (not_finite_.load(std::memory_order_relaxed))
    return Status(TEMPER_E_UNSUPPORTED, "no token can be drawn: logits aren't finite numbers, or every token is forbidden");
  return Status();
}

}  // namespace temper
