// SPDX-License-Identifier: Apache-2.0
#include "noise/corrupt.h"
#include "score/score.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

namespace temper {
namespace {

struct PlannedVisit {
  int64_t call = 0;
  int32_t replicate = 0;
};

struct Lane {
  int64_t document = -1;
  std::vector<PlannedVisit> visits;
  size_t next = 0;
  double weight = 1;
  bool part = false;         // visits some of the calls only
  std::vector<double> sums;  // per replicate: of the document
  std::vector<double> call;  // and of the present call
  Visit visit;

  bool busy() const noexcept { return document >= 0; }
};

class Walk final : public RowReader {
 public:
  Walk(const ScoreTask &task, std::span<const ScoreDocument> documents, std::span<DocumentScore> scores,
       LogitSource &source)
      : task_(task), documents_(documents), scores_(scores), source_(source) {
    replicates_ = is_exact(task) ? 1 : task.replicates;
    terms_.assign(static_cast<size_t>(std::max(1, source.workers())), RowTerm(task.head));
    lanes_.resize(static_cast<size_t>(source.lanes()));
  }

  Result<ScoreTotals> run(const ScoreProgress &progress);

  void read(Visit &visit, size_t active, std::span<const float> row, int32_t worker) noexcept override {
    const ActivePosition &at = visit.active[active];
    visit.terms[active] = terms_[static_cast<size_t>(worker)](
        visit.steps[active], at.token, visit.document->tokens[static_cast<size_t>(at.position)], row);
  }

 private:
  int64_t length_of(size_t document) const noexcept {
    return static_cast<int64_t>(documents_[document].tokens.size()) - documents_[document].prefix;
  }
  Draws draws(const ScoreDocument &document, int64_t call, int64_t position, int32_t replicate) const {
    return Draws(task_.seed, document.id, static_cast<uint32_t>(call), static_cast<uint32_t>(position))
        .candidate(static_cast<uint32_t>(replicate));
  }
  const std::vector<int64_t> &calls(int64_t length);
  int64_t visits_of(int64_t length);
  void begin(Lane &lane, size_t document);
  void prepare(Lane &lane);
  Status finish_visit(Lane &lane);
  void finish_document(Lane &lane);

  const ScoreTask &task_;
  std::span<const ScoreDocument> documents_;
  std::span<DocumentScore> scores_;
  LogitSource &source_;
  int32_t replicates_ = 1;
  std::vector<RowTerm> terms_;
  std::vector<Lane> lanes_;
  std::map<int64_t, std::vector<int64_t>> calls_;  // useful ones, by length
};

const std::vector<int64_t> &Walk::calls(int64_t length) {
  const auto [place, is_new] = calls_.try_emplace(length);
  if (is_new) place->second = useful_calls(task_.schedule, length);
  return place->second;
}

int64_t Walk::visits_of(int64_t length) {
  const auto all = static_cast<int64_t>(calls(length).size());
  return replicates_ * (task_.samples > 0 ? std::min(task_.samples, all) : all);
}

void Walk::begin(Lane &lane, size_t document) {
  lane.document = static_cast<int64_t>(document);
  lane.next = 0;
  lane.sums.assign(static_cast<size_t>(replicates_), 0.0);
  lane.call.assign(static_cast<size_t>(replicates_), 0.0);
  lane.visits.clear();
  const std::vector<int64_t> &useful = calls(length_of(document));
  const size_t all = useful.size();
  lane.part = task_.samples > 0 && task_.samples < static_cast<int64_t>(all);
  const auto n = lane.part ? static_cast<size_t>(task_.samples) : all;
  lane.weight = n > 0 ? static_cast<double>(all) / static_cast<double>(n) : 1;
  for (int32_t r = 0; r < replicates_; ++r) {
    const double u =
        lane.part ? draws(documents_[document], 0, sequence_draw, r).uniform(DrawTag::call_choice) : 0;
    for (size_t j = 0; j < n; ++j) {
      const auto at = lane.part ? static_cast<size_t>((u + static_cast<double>(j)) * lane.weight) : j;
      lane.visits.push_back({useful[std::min(at, all - 1)], r});
    }
  }
  std::sort(lane.visits.begin(), lane.visits.end(), [](const PlannedVisit &a, const PlannedVisit &b) {
    return a.call != b.call ? a.call < b.call : a.replicate < b.replicate;
  });
  lane.visit.lane = static_cast<int32_t>(&lane - lanes_.data());
  lane.visit.document = &documents_[document];
  source_.restart(lane.visit.lane);
}

// The window of a session at this call (lib/session/window.cpp), its tokens drawn by the forward process.
void Walk::prepare(Lane &lane) {
  const ScoreDocument &document = *lane.visit.document;
  const PlannedVisit &planned = lane.visits[lane.next];
  const int64_t length = length_of(static_cast<size_t>(lane.document)), call = planned.call;
  const Hyperschedule &schedule = task_.schedule;
  const int32_t top = schedule.levels();
  Visit &visit = lane.visit;
  visit.settled = document.prefix + schedule.settled_end(call, length);
  visit.settled_next = lane.next + 1 < lane.visits.size()
                           ? document.prefix + schedule.settled_end(lane.visits[lane.next + 1].call, length)
                           : document.prefix + length;
  visit.active.clear();
  visit.steps.clear();
  const int64_t end = task_.canvas ? length : schedule.active_end(call, length);
  for (int64_t i = visit.settled - document.prefix; i < end; ++i) {
    ActivePosition active;
    active.position = document.prefix + i;
    active.level = schedule.level(call, i);
    active.next_level = schedule.level(call + 1, i);
    active.pure_noise = active.level == top;
    // A shifted model reads a position from the row before it.
    if (active.pure_noise && active.next_level == top && !task_.shifted && !task_.canvas) continue;
    active.token = document.tokens[static_cast<size_t>(active.position)];
    if (active.level > 0)
      active.token = corrupt_token(task_.noise.at_level(active.level, top), task_.head.vocabulary,
                                   task_.head.mask_token, active.token,
                                   draws(document, call, active.position, planned.replicate));
    Transition step = task_.noise.transition(active.level, active.next_level, top);
    active.wants_logits = !is_certain(task_.head, step, active.token);
    visit.steps.push_back(step);
    visit.active.push_back(active);
  }
  visit.terms.assign(visit.active.size(), 0.0);
}

Status Walk::finish_visit(Lane &lane) {
  const int32_t replicate = lane.visits[lane.next].replicate;
  DocumentScore &score = scores_[static_cast<size_t>(lane.document)];
  const double share = lane.weight / static_cast<double>(replicates_);
  double sum = 0;
  for (size_t i = 0; i < lane.visit.active.size(); ++i) {
    const double term = lane.visit.terms[i];
    if (std::isnan(term)) return Status(TEMPER_E_UNSUPPORTED, "the model's logits aren't finite numbers");
    sum += term;
    if (!score.terms.empty()) score.terms[static_cast<size_t>(lane.visit.active[i].position)] += share * term;
  }
  lane.sums[static_cast<size_t>(replicate)] += lane.weight * sum;
  lane.call[static_cast<size_t>(replicate)] = sum;
  const bool last = replicate + 1 == replicates_;
  if (last && !lane.part && !is_exact(task_)) score.spread.add(lane.call);
  if (++lane.next == lane.visits.size()) finish_document(lane);
  return Status();
}

void Walk::finish_document(Lane &lane) {
  const auto index = static_cast<size_t>(lane.document);
  DocumentScore &score = scores_[index];
  double mean = 0;
  for (const double sum : lane.sums) mean += sum / static_cast<double>(replicates_);
  const int64_t length = length_of(index);
  for (int64_t i = 0; i < length; ++i) score.scored += task_.schedule.level(0, i) > 0 ? 1 : 0;
  const int32_t top = task_.schedule.levels();
  const double prior = prior_divergence(task_.noise.at_level(top, top), static_cast<size_t>(task_.head.tokens()));
  score.nats = mean + prior * static_cast<double>(score.scored);
  if (lane.part) score.spread.add(lane.sums);
  lane.document = -1;
}

Result<ScoreTotals> Walk::run(const ScoreProgress &progress) {
  int64_t total = 0, done = 0;
  for (size_t d = 0; d < documents_.size(); ++d) total += visits_of(length_of(d));
  size_t waiting = 0;
  std::vector<Visit *> now;
  std::vector<Lane *> busy;
  for (;;) {
    TEMPER_TRY(progress.tell(done, total));
    now.clear();
    busy.clear();
    for (Lane &lane : lanes_) {
      while (!lane.busy() && waiting < documents_.size()) {
        begin(lane, waiting++);
        if (lane.visits.empty()) finish_document(lane);  // nothing to score
      }
      if (!lane.busy()) continue;
      prepare(lane);
      busy.push_back(&lane);
      now.push_back(&lane.visit);
    }
    if (busy.empty()) break;
    TEMPER_TRY(source_.evaluate(now, *this));
    for (Lane *lane : busy) TEMPER_TRY(finish_visit(*lane));
    done += static_cast<int64_t>(busy.size());
  }
  ScoreTotals totals;
  totals.exact = is_exact(task_);
  totals.replicates = replicates_;
  const int32_t top = task_.schedule.levels();
  const double prior = prior_divergence(task_.noise.at_level(top, top), static_cast<size_t>(task_.head.tokens()));
  for (const DocumentScore &score : scores_) {
    totals.scored += score.scored;
    totals.nats += score.nats;
    totals.spread.add(score.spread);
    totals.prior += prior * static_cast<double>(score.scored);
  }
  return totals;
}

}  // namespace

Status ScoreProgress::tell(int64_t done, int64_t total) const {
  if (function != nullptr && function(user, done, total) != 0) return Status(TEMPER_E_CANCELLED, "cancelled");
  return Status();
}

std::vector<int64_t> useful_calls(const Hyperschedule &schedule, int64_t length) {
  std::vector<int64_t> calls;
  const int64_t steps = schedule.steps(length);
  for (int64_t k = 0; k < steps; ++k)
    if (schedule.drops(k, length)) calls.push_back(k);
  return calls;
}

bool is_exact(const ScoreTask &task) noexcept {
  return task.schedule.levels() == 1 && task.samples == 0 && task.noise.at_level(1, 1).m() == 1;
}

Result<ScoreTotals> score_documents(const ScoreTask &task, std::span<const ScoreDocument> documents,
                                    std::span<DocumentScore> scores, LogitSource &source,
                                    const ScoreProgress &progress) {
  return Walk(task, documents, scores, source).run(progress);
}

}  // namespace temper
