// SPDX-License-Identifier: Apache-2.0
#include "model/evaluator.h"

#include <algorithm>
#include <cstring>

namespace temper {
namespace {

class CopySink final : public LogitSink {
 public:
  CopySink(float *out, int64_t columns) : out_(out), columns_(columns) {}
  Status consume(int32_t first, int32_t count, float *logits) override {
    std::memcpy(out_ + first * columns_, logits, static_cast<size_t>(count * columns_) * sizeof(float));
    return Status();
  }

 private:
  float *out_;
  int64_t columns_;
};

}  // namespace

Result<std::unique_ptr<Evaluator>> Evaluator::create(std::shared_ptr<const Model> model, int32_t sequences,
                                                     int32_t max_rows, int32_t slots) {
  if (sequences < 1 || max_rows < 1 || slots < 1)
    return Status(TEMPER_E_ARGUMENT, "sequences, rows and slots must be at least 1");
  const Spec &spec = model->spec();
  std::unique_ptr<Evaluator> evaluator(new Evaluator());
  ForwardPlan plan;
  plan.max_rows = max_rows;
  plan.sequences = sequences;
  plan.slots = slots;
  plan.conditions = max_rows;  // every row may have its own noise
  plan.position_span = std::max<int64_t>(slots, spec.max_positions);
  TEMPER_ASSIGN(evaluator->forward_, Forward::create(std::move(model), plan));
  evaluator->kept_.assign(static_cast<size_t>(sequences), 0);
  evaluator->used_.assign(static_cast<size_t>(sequences), 0);
  evaluator->conditions_.reserve(static_cast<size_t>(max_rows));
  evaluator->logit_rows_.reserve(static_cast<size_t>(max_rows));
  return evaluator;
}

Status Evaluator::check(std::span<const temper_x_row> rows, size_t capacity) {
  const Spec &spec = forward_->model().spec();
  const ForwardPlan &plan = forward_->plan();
  if (rows.size() > static_cast<size_t>(plan.max_rows))
    return fail(TEMPER_E_ARGUMENT, "%zu rows in a call planned for %d", rows.size(), plan.max_rows);
  used_ = kept_;
  size_t wanted = 0;
  for (const temper_x_row &row : rows) {
    if (row.sequence < 0 || row.sequence >= plan.sequences)
      return fail(TEMPER_E_ARGUMENT, "sequence %d of %d", row.sequence, plan.sequences);
    if (row.token < 0 || row.token >= spec.vocabulary)
      return fail(TEMPER_E_ARGUMENT, "token %d isn't in the vocabulary", row.token);
    const int64_t positions = spec.rotary ? plan.position_span : spec.max_positions;
    if (row.position < 0 || row.position >= positions)
      return fail(TEMPER_E_ARGUMENT, "position %d of %lld", row.position, static_cast<long long>(positions));
    if (used_[static_cast<size_t>(row.sequence)]++ >= plan.slots)
      return fail(TEMPER_E_ARGUMENT, "sequence %d has more rows than its %d slots", row.sequence, plan.slots);
    wanted += row.want_logits != 0 ? 1 : 0;
  }
  for (const temper_x_row &row : rows)
    if (row.visible_begin < 0 || row.visible_begin > row.visible_end ||
        row.visible_end > used_[static_cast<size_t>(row.sequence)])
      return fail(TEMPER_E_ARGUMENT, "slots %d to %d aren't all filled", row.visible_begin, row.visible_end);
  if (wanted > capacity / static_cast<size_t>(spec.columns))
    return fail(TEMPER_E_CAPACITY, "%zu rows of %lld logits don't fit", wanted, static_cast<long long>(spec.columns));
  return Status();
}

Status Evaluator::run(std::span<const temper_x_row> rows, float *logits, size_t capacity) {
  TEMPER_TRY(check(rows, capacity));
  conditions_.clear();
  logit_rows_.clear();
  forward_->clear();
  used_ = kept_;
  for (const temper_x_row &row : rows) {
    auto known = std::find(conditions_.begin(), conditions_.end(), row.condition);
    const auto condition = static_cast<int32_t>(known - conditions_.begin());
    if (known == conditions_.end()) conditions_.push_back(row.condition);
    if (row.want_logits != 0) logit_rows_.push_back(forward_->count());
    const int32_t slot = used_[static_cast<size_t>(row.sequence)]++;
    forward_->add({row.token, row.position, condition, row.sequence, slot, row.visible_begin, row.visible_end});
  }
  TEMPER_TRY(forward_->set_conditions(conditions_));
  CopySink sink(logits, forward_->model().spec().columns);
  return forward_->run(logit_rows_, &sink, nullptr);
}

Status Evaluator::keep(int32_t sequence, int32_t slots) {
  const auto at = static_cast<size_t>(sequence);
  if (sequence < 0 || at >= kept_.size()) return fail(TEMPER_E_ARGUMENT, "no sequence %d", sequence);
  if (slots < 0 || slots > used_[at])
    return fail(TEMPER_E_ARGUMENT, "can't keep %d slots, %d are filled", slots, used_[at]);
  kept_[at] = used_[at] = slots;
  return Status();
}

}  // namespace temper
