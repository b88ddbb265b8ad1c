// SPDX-License-Identifier: Apache-2.0
#include "score/source.h"

#include "session/defaults.h"

#include <algorithm>
#include <limits>

namespace temper {
namespace {

constexpr int64_t read_ahead = 256;  // rows of one call that only fills the cache

}  // namespace

bool one_pass(const Spec &spec, const ScoreTask &task) noexcept {
  const bool sees_the_past = spec.window == Window::causal || (spec.window == Window::full && !spec.noise_keys);
  return task.schedule.kind() == ScheduleKind::quench && is_exact(task) && spec.shifted &&
         spec.context == Context::causal && sees_the_past;
}

Result<ScorePlan> plan_score(const Spec &spec, const Hyperschedule &schedule, int64_t longest,
                             int32_t lanes, bool cache, bool whole) {
  constexpr int64_t most = int64_t{1} << 30;
  if (longest > most)
    return fail(TEMPER_E_ARGUMENT, "a document of %lld tokens, at most 2^30 can be scored", static_cast<long long>(longest));
  const int64_t length = std::max<int64_t>(1, longest);
  ScorePlan plan;
  plan.canvas = spec.context == Context::full && !spec.autoregressive;
  plan.rules = {spec.context, spec.window, std::max<int64_t>(1, spec.block), spec.shifted, spec.noise_keys, cache, 0};
  int64_t active = plan.canvas ? length : schedule.max_active(length);
  if (active < 0 || active > length) active = length;
  // As a session: what has settled since, the window, a block that isn't whole yet, the row a shifted model
  // reads from.
  plan.row_budget = 2 * active + plan.rules.block + 2;
  if (!cache || spec.context == Context::full || plan.row_budget > length + 1) plan.row_budget = length + 1;
  if (whole) plan.row_budget = std::min<int64_t>(length, read_ahead);
  const int64_t rows = std::max(lanes * plan.row_budget, std::min(length, read_ahead + plan.rules.block));
  if (rows > std::numeric_limits<int32_t>::max() / 2)
    return Status(TEMPER_E_MEMORY, "the documents would need more rows than memory can hold");
  plan.forward.max_rows = static_cast<int32_t>(rows);
  plan.forward.sequences = lanes;
  plan.forward.slots = static_cast<int32_t>(length + 1);
  const bool by_level = spec.conditioning == Conditioning::sigma || spec.conditioning == Conditioning::time;
  plan.forward.conditions = by_level ? schedule.levels() + 1 : 1;
  plan.forward.position_span = length + 1;
  return plan;
}

Status check_score(const Spec &spec, const ScoreTask &task, int64_t longest) {
  const bool causal_only = spec.context == Context::causal && spec.window == Window::causal && spec.shifted;
  if (causal_only && (task.schedule.levels() > 1 || task.schedule.max_active(longest) > 1))
    return fail(TEMPER_E_UNSUPPORTED, "%s attends to the past only: it can be scored by quench, not by a window",
                spec.family.c_str());
  if (task.head.columns < 1 || task.head.columns > 1 << 18)
    return fail(TEMPER_E_UNSUPPORTED, "%d columns of logits can't be scored, 1 to 2^18 can", task.head.columns);
  if (task.head.tokens() < 2) return Status(TEMPER_E_UNSUPPORTED, "a vocabulary of one token has nothing to score");
  if (task.noise.uses_mask() && task.head.mask_token < 0 && !one_pass(spec, task))
    return fail(TEMPER_E_UNSUPPORTED, "%s has no mask token that is known: name it with the option mask token",
                spec.family.c_str());
  if (task.head.carry_over && task.noise.uses_uniform() && !one_pass(spec, task))
    return Status(TEMPER_E_UNSUPPORTED, "the model was trained to keep visible tokens: on a path that replaces them "
                                        "its bound is infinite, use the absorbing path");
  if (task.head.kind == HeadForm::score_official_gamma && task.noise.parameters().path == NoisePath::gidd)
    return Status(TEMPER_E_UNSUPPORTED, "scores of the published gamma loss say nothing on this path");
  return Status();
}

Result<std::unique_ptr<ModelSource>> ModelSource::create(std::shared_ptr<const Model> model, const ScoreTask &task,
                                                         const ScorePlan &plan) {
  const Spec &spec = model->spec();
  std::unique_ptr<ModelSource> source(new ModelSource());
  source->plan_ = plan;
  source->shared_conditioning_ = spec.shared_conditioning && spec.context == Context::full;
  TEMPER_ASSIGN(source->forward_, Forward::create(model, plan.forward));
  TEMPER_TRY(source->forward_->set_conditions(
      level_conditions(spec, task.noise, task.schedule.levels(), plan.forward.conditions)));
  source->frozen_.assign(static_cast<size_t>(plan.forward.sequences), 0);
  source->plans_.resize(source->frozen_.size());
  for (RowPlan &rows : source->plans_) rows.reserve(plan.row_budget);
  return source;
}

Status ModelSource::run(LogitSink *sink) {
  TEMPER_TRY(forward_->run(logit_rows_, sink, nullptr));
  ++model_calls_;
  rows_computed_ += forward_->count();
  return Status();
}

// Reads ahead what of the settled part doesn't fit beside the window.
Status ModelSource::prefill(const Visit &visit) {
  int64_t &frozen = frozen_[static_cast<size_t>(visit.lane)];
  const auto window = static_cast<int64_t>(visit.active.size());
  while (visit.settled - frozen + window > plan_.row_budget) {
    const Frontier frontier{frozen, visit.settled, 0};
    int64_t end = std::min(prefill_end(plan_.rules, frontier),
                                frozen + std::min<int64_t>(plan_.forward.max_rows, read_ahead + plan_.rules.block));
    if (plan_.rules.context == Context::block_causal || plan_.rules.window == Window::block)
      end = std::max(frozen, end / plan_.rules.block * plan_.rules.block);
    if (end <= frozen) break;
    forward_->clear();
    for (int64_t p = frozen; p < end; ++p) {
      const PlannedRow row =
          prefill_row(plan_.rules, frontier, p, visit.document->tokens[static_cast<size_t>(p)]);
      if (!forward_->add({row.token, row.position, 0, visit.lane, row.slot, row.visible_begin, row.visible_end}))
        return Status(TEMPER_E_INTERNAL, "the rows of a score exceed their plan");
    }
    logit_rows_.clear();
    TEMPER_TRY(run(nullptr));
    frozen = end;
  }
  return Status();
}

Status ModelSource::evaluate(std::span<Visit *const> visits, RowReader &reader) {
  for (const Visit *visit : visits) TEMPER_TRY(prefill(*visit));
  forward_->clear();
  requests_.clear();
  logit_rows_.clear();
  const bool by_level = plan_.forward.conditions > 1;
  for (size_t v = 0; v < visits.size(); ++v) {
    Visit &visit = *visits[v];
    const auto lane = static_cast<size_t>(visit.lane);
    RowPlan &rows = plans_[lane];
    const Frontier frontier{frozen_[lane], visit.settled, 0};
    rows.build(plan_.rules, frontier, visit.document->tokens, 0, visit.active);
    int32_t settled_level = 0;
    if (shared_conditioning_)
      for (const ActivePosition &active : visit.active) settled_level = std::max(settled_level, active.level);
    const int32_t first = forward_->count();
    for (const PlannedRow &row : rows.rows())
      if (!forward_->add({row.token, row.position, by_level ? (row.level == 0 ? settled_level : row.level) : 0,
                          visit.lane, row.slot, row.visible_begin, row.visible_end}))
        return Status(TEMPER_E_INTERNAL, "the rows of a score exceed their plan");
    for (size_t a = 0; a < visit.active.size(); ++a)
      if (rows.logit_row()[a] >= 0)
        requests_.push_back({first + rows.logit_row()[a], static_cast<int32_t>(v), static_cast<int32_t>(a)});
    frozen_[lane] = frozen_after(plan_.rules, frontier, rows.last_settled_sees_window(), visit.settled_next);
  }
  for (const Request &request : requests_) logit_rows_.push_back(request.row);
  if (logit_rows_.empty() && forward_->count() == 0) return Status();
  visits_ = visits;
  reader_ = &reader;
  return run(this);
}

Status ModelSource::consume(int32_t first, int32_t count, float *logits) {
  struct Chunk {
    ModelSource *self;
    int32_t first;
    const float *logits;
  } chunk{this, first, logits};
  auto task = [](void *argument, int32_t index, int32_t worker) {
    const Chunk &c = *static_cast<Chunk *>(argument);
    const Request &request = c.self->requests_[static_cast<size_t>(c.first + index)];
    const auto columns = static_cast<size_t>(c.self->forward_->model().spec().columns);
    c.self->reader_->read(*c.self->visits_[static_cast<size_t>(request.visit)],
                          static_cast<size_t>(request.active),
                          {c.logits + static_cast<size_t>(index) * columns, columns}, worker);
  };
  return forward_->parallel(task, &chunk, count);
}

// A chunk of each of the next documents in one call; row p predicts token p + 1.
Result<ScoreTotals> ModelSource::run_whole(const ScoreTask &task, std::span<const ScoreDocument> documents,
                                           std::span<DocumentScore> scores, const ScoreProgress &progress) {
  struct Place {
    int64_t document = -1, next = 0;  // the next row
  };
  class Reader final : public RowReader {
   public:
    Reader(const HeadDescription &head, int32_t workers)
        : terms_(static_cast<size_t>(std::max(1, workers)), RowTerm(head)) {}
    void read(Visit &visit, size_t active, std::span<const float> row, int32_t worker) noexcept override {
      const auto position = static_cast<size_t>(visit.active[active].position);
      visit.terms[active] = terms_[static_cast<size_t>(worker)](visit.steps[0], -1,
                                                                     visit.document->tokens[position], row);
    }

   private:
    std::vector<RowTerm> terms_;
  } reader(task.head, workers());

  std::vector<Place> places(static_cast<size_t>(lanes()));
  std::vector<Visit> visits(places.size());
  std::vector<Visit *> now(places.size());
  for (size_t lane = 0; lane < places.size(); ++lane) {
    now[lane] = &visits[lane];
    visits[lane].steps.assign(1, task.noise.transition(1, 0, 1));
  }
  ScoreTotals totals;
  totals.exact = true;
  totals.replicates = 1;
  int64_t total = 0, done = 0;
  for (const ScoreDocument &document : documents) total += static_cast<int64_t>(document.tokens.size()) - document.prefix;
  size_t waiting = 0;
  for (;;) {
    TEMPER_TRY(progress.tell(done, total));
    forward_->clear();
    requests_.clear();
    logit_rows_.clear();
    for (size_t lane = 0; lane < places.size(); ++lane) {
      Place &place = places[lane];
      if (place.document < 0 && waiting < documents.size()) place = {static_cast<int64_t>(waiting++), 0};
      Visit &visit = visits[lane];
      visit.active.clear();
      if (place.document < 0) continue;
      const ScoreDocument &document = documents[static_cast<size_t>(place.document)];
      visit.document = &document;
      // The last token's row predicts nothing that is scored.
      const auto last = static_cast<int64_t>(document.tokens.size()) - 1;
      const int64_t end = std::min(last, place.next + plan_.row_budget);
      for (int64_t p = place.next; p < end; ++p) {
        if (!forward_->add({document.tokens[static_cast<size_t>(p)], p, 0, static_cast<int32_t>(lane),
                            static_cast<int32_t>(p), 0, static_cast<int32_t>(p + 1)}))
          return Status(TEMPER_E_INTERNAL, "the rows of a score exceed their plan");
        if (p + 1 < document.prefix) continue;
        ActivePosition active;
        active.position = p + 1;
        requests_.push_back({forward_->count() - 1, static_cast<int32_t>(lane),
                             static_cast<int32_t>(visit.active.size())});
        visit.active.push_back(active);
      }
      visit.terms.assign(visit.active.size(), 0.0);
      place.next = end;
      if (end >= last) place.next = -1;
    }
    for (const Request &request : requests_) logit_rows_.push_back(request.row);
    visits_ = now;
    reader_ = &reader;
    if (forward_->count() > 0) TEMPER_TRY(run(this));
    for (size_t lane = 0; lane < places.size(); ++lane) {
      Place &place = places[lane];
      if (place.document < 0) continue;
      DocumentScore &score = scores[static_cast<size_t>(place.document)];
      const Visit &visit = visits[lane];
      for (size_t i = 0; i < visit.active.size(); ++i) {
        if (!(visit.terms[i] == visit.terms[i]))
          return Status(TEMPER_E_UNSUPPORTED, "the model's logits aren't finite numbers");
        score.nats += visit.terms[i];
        if (!score.terms.empty()) score.terms[static_cast<size_t>(visit.active[i].position)] = visit.terms[i];
      }
      score.scored += static_cast<int64_t>(visit.active.size());
      done += static_cast<int64_t>(visit.active.size());
      if (place.next >= 0) continue;
      totals.scored += score.scored;
      totals.nats += score.nats;
      place = {};
    }
    if (waiting == documents.size() &&
        std::all_of(places.begin(), places.end(), [](const Place &place) { return place.document < 0; }))
      break;
  }
  return totals;
}

}  // namespace temper
