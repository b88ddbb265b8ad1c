// SPDX-License-Identifier: Apache-2.0
#include "score/source.h"

#include "engine/admission.h"
#include "session/defaults.h"

#include <algorithm>
#include <limits>

namespace temper {
namespace {

constexpr int64_t read_ahead_rows = 256;  // rows of one call that only fills the cache

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
    return fail(TEMPER_E_ARGUMENT, "a document of %lld tokens, at most 2^30 can be scored",
                static_cast<long long>(longest));
  const int64_t length = std::max<int64_t>(1, longest);
  ScorePlan plan;
  plan.rules = rules_of(spec, cache, 0);
  int64_t active = wants_canvas(spec) ? length : schedule.max_active(length);
  if (active < 0 || active > length) active = length;
  plan.row_budget = whole ? std::min(length, read_ahead_rows) : row_budget(plan.rules, active, length, false);
  const int64_t rows =
      std::max(lanes * plan.row_budget, std::min(length, std::max(read_ahead_rows, plan.rules.block)));
  if (rows > std::numeric_limits<int32_t>::max() / 2)
    return Status(TEMPER_E_MEMORY, "the documents would need more rows than memory can hold");
  const auto slots = static_cast<int32_t>(length + 1);
  plan.cache = {.lanes = lanes, .slots = slots};
  plan.engine = {.max_rows = static_cast<int32_t>(rows),
                 .max_wanted = static_cast<int32_t>(rows),
                 .max_slots = slots,
                 .conditions = condition_count(spec, schedule.levels()),
                 .position_span = slots};
  return plan;
}

Status check_score(const Spec &spec, const ScoreTask &task, int64_t longest) {
  TEMPER_TRY(check_window(spec, task.schedule.levels(), task.schedule.max_active(longest)));
  if (task.head.columns < 1 || task.head.columns > TEMPER_MOST_COLUMNS)
    return fail(TEMPER_E_UNSUPPORTED, "%d columns of logits can't be scored, 1 to %d can", task.head.columns,
                TEMPER_MOST_COLUMNS);
  if (task.head.tokens() < 2) return Status(TEMPER_E_UNSUPPORTED, "a vocabulary of one token has nothing to score");
  TEMPER_TRY(check_mask(spec, task.noise, !one_pass(spec, task)));
  if (task.head.carry_over && task.noise.uses_uniform() && !one_pass(spec, task))
    return Status(TEMPER_E_UNSUPPORTED, "the model was trained to keep visible tokens: on a path that replaces them "
                                        "its bound is infinite, use the absorbing path");
  if (task.head.kind == HeadForm::score_official_gamma && task.noise.parameters().path == NoisePath::gidd)
    return Status(TEMPER_E_UNSUPPORTED, "scores of the published gamma loss say nothing on this path");
  return Status();
}

Result<std::unique_ptr<ModelSource>> ModelSource::create(std::shared_ptr<const Model> model, const ScoreTask &task,
                                                         const ScorePlan &plan) {
  std::unique_ptr<ModelSource> source(new ModelSource());
  source->plan_ = plan;
  TEMPER_ASSIGN(source->cache_, Cache::create(model, plan.cache));
  TEMPER_ASSIGN(source->engine_, Engine::create(model, plan.engine));
  const std::vector<double> values =
      level_conditions(model->spec(), task.noise, task.schedule.levels(), plan.engine.conditions);
  TEMPER_ASSIGN(source->conditions_, LevelConditions::hold(source->engine_, values));
  source->frozen_.assign(static_cast<size_t>(plan.cache.lanes), 0);
  source->plans_.resize(source->frozen_.size());
  for (RowPlan &rows : source->plans_) rows.reserve(plan.row_budget);
  return source;
}

Track ModelSource::track(int32_t lane) const noexcept {
  return {cache_.lane(lane), &conditions_, shares_level(engine_->model()->spec())};
}

void ModelSource::begin_call() noexcept {
  engine_->call().clear();
  requests_.clear();
}

Status ModelSource::want(int32_t row, const Request &request) {
  if (!engine_->call().want(row)) return Status(TEMPER_E_INTERNAL, "the logits of a score exceed their plan");
  requests_.push_back(request);
  return Status();
}

Status ModelSource::run() {
  Call &call = engine_->call();
  if (call.count() == 0) return Status();
  call.set_reader(this);
  const Status status = engine_->run(nullptr);
  call.set_reader(nullptr);
  TEMPER_TRY(status);
  ++model_calls_;
  rows_computed_ += call.count();
  return Status();
}

// Settled rows that don't fit beside the window.
Status ModelSource::read_ahead(const Visit &visit) {
  int64_t &frozen = frozen_[static_cast<size_t>(visit.lane)];
  const auto window = static_cast<int64_t>(visit.active.size());
  while (visit.settled - frozen + window > plan_.row_budget) {
    const Frontier frontier{frozen, visit.settled, 0};
    const int64_t end = read_ahead_end(plan_.rules, frontier, read_ahead_rows, plan_.cache.slots);
    if (end == frozen) break;
    begin_call();
    TEMPER_TRY(
        add_read_ahead(engine_->call(), track(visit.lane), plan_.rules, frontier, end, visit.document->tokens, 0));
    TEMPER_TRY(run());
    frozen = end;
  }
  return Status();
}

Status ModelSource::evaluate(std::span<Visit *const> visits, RowReader &reader) {
  for (const Visit *visit : visits) TEMPER_TRY(read_ahead(*visit));
  begin_call();
  for (size_t v = 0; v < visits.size(); ++v) {
    Visit &visit = *visits[v];
    const auto lane = static_cast<size_t>(visit.lane);
    RowPlan &rows = plans_[lane];
    const Frontier frontier{frozen_[lane], visit.settled, 0};
    rows.build(plan_.rules, frontier, visit.document->tokens, 0, visit.active);
    TEMPER_ASSIGN(const int32_t first, add_rows(engine_->call(), track(visit.lane), rows.rows(), visit.active));
    for (size_t a = 0; a < visit.active.size(); ++a)
      if (rows.logit_row()[a] >= 0)
        TEMPER_TRY(want(first + rows.logit_row()[a], {static_cast<int32_t>(v), static_cast<int32_t>(a)}));
    frozen_[lane] = frozen_after(plan_.rules, frontier, rows.last_settled_sees_window(), visit.settled_next);
  }
  visits_ = visits;
  reader_ = &reader;
  return run();
}

Status ModelSource::read(int32_t first, int32_t count, float *logits, const Threads &threads) {
  const auto columns = static_cast<size_t>(engine_->model()->spec().columns);
  threads.each(count, [&](int32_t index, int32_t worker) {
    const Request &request = requests_[static_cast<size_t>(first + index)];
    reader_->read(*visits_[static_cast<size_t>(request.visit)], static_cast<size_t>(request.active),
                  {logits + static_cast<size_t>(index) * columns, columns}, worker);
  });
  return Status();
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
  for (const ScoreDocument &document : documents)
    total += static_cast<int64_t>(document.tokens.size()) - document.prefix;
  size_t waiting = 0;
  for (;;) {
    TEMPER_TRY(progress.tell(done, total));
    begin_call();
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
        const PlannedRow row{.position = p,
                             .token = document.tokens[static_cast<size_t>(p)],
                             .slot = static_cast<int32_t>(p),
                             .visible_end = static_cast<int32_t>(p + 1)};
        TEMPER_ASSIGN(const int32_t at, add_rows(engine_->call(), track(static_cast<int32_t>(lane)), {&row, 1}, {}));
        if (p + 1 < document.prefix) continue;
        TEMPER_TRY(want(at, {static_cast<int32_t>(lane), static_cast<int32_t>(visit.active.size())}));
        ActivePosition active;
        active.position = p + 1;
        visit.active.push_back(active);
      }
      visit.terms.assign(visit.active.size(), 0.0);
      place.next = end;
      if (end >= last) place.next = -1;
    }
    visits_ = now;
    reader_ = &reader;
    TEMPER_TRY(run());
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
