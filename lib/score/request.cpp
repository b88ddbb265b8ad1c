// SPDX-License-Identifier: Apache-2.0
#include "score/request.h"

#include "engine/admission.h"
#include "score/documents.h"
#include "score/source.h"
#include "session/defaults.h"
#include "session/plan.h"

#include <algorithm>
#include <set>

namespace temper {
namespace {

constexpr int32_t default_batch = 8;

// As many calls as the longest document has are all of them: `samples` is 0 then, and no draw may be left.
void take_all_calls(const Spec &spec, const std::set<int64_t> &lengths, ScoreSetup &setup) {
  ScoreTask &task = setup.task;
  for (const int64_t length : lengths)
    if (task.samples < static_cast<int64_t>(useful_calls(task.schedule, length).size())) return;
  task.samples = 0;
  setup.whole = setup.cache && one_pass(spec, task);
}

std::string define_score(const ScoreTask &task, bool whole, const ScoreTotals &totals) {
  if (whole || (totals.exact && task.schedule.kind() == ScheduleKind::quench))
    return std::string("exact -log p(tokens): the sum of -log p(token | the tokens before it), quench") +
           (whole ? ", in one pass" : "");
  std::string drawn = "exact";
  if (!totals.exact) {
    const std::string replicates = std::to_string(totals.replicates) + " replicates";
    drawn = task.samples > 0 ? "estimated from " + std::to_string(task.samples) + " calls a replicate, " + replicates
                             : "all calls, " + replicates + " of the noise";
  }
  return "upper bound on -log p(tokens): KL of the prior + the sum over the calls of " + task.schedule.describe() +
         " of KL(q(x_s | x_t, x_0) || p(x_s | x_t)) in discrete time, on the path " +
         describe_path(task.noise.parameters()) + "; " + drawn;
}

}  // namespace

Result<ScoreSetup> resolve_score(const Spec &spec, const ScoreRequest &request) {
  TEMPER_ASSIGN(Hyperschedule levels, request.schedule != nullptr ? Result<Hyperschedule>(*request.schedule)
                                                                  : make_default_schedule(spec));
  TEMPER_ASSIGN(Noise path, Noise::create(request.noise != nullptr ? *request.noise : default_noise(spec)));
  TEMPER_TRY(path.check(levels.levels()));
  ScoreSetup setup{{levels, path, describe_head(spec), spec.shifted,
                    wants_canvas(spec), request.samples,
                    request.replicates == 0 ? default_replicates : request.replicates, request.seed},
                   request.batch == 0 ? default_batch : request.batch, request.cache, false};
  setup.whole = setup.cache && one_pass(spec, setup.task);
  return setup;
}

Result<ScoreReport> score_model(const std::shared_ptr<const Model> &model, ScoreSetup setup,
                                std::span<const ScoreDocument> given, std::span<DocumentScore> scores,
                                const ScoreProgress &progress) {
  const Spec &spec = model->spec();
  const ScoreTask &task = setup.task;
  TEMPER_ASSIGN(const BegunDocuments documents, BegunDocuments::create(spec, given));
  TEMPER_TRY(check_documents(task, documents.list(), spec.max_positions));
  std::set<int64_t> lengths;
  for (const ScoreDocument &document : documents.list())
    lengths.insert(static_cast<int64_t>(document.tokens.size()) - document.prefix);
  take_all_calls(spec, lengths, setup);
  TEMPER_TRY(check_score(spec, task, documents.longest()));
  for (size_t d = 0; d < given.size(); ++d)
    if (!scores[d].terms.empty()) scores[d].terms.assign(documents.list()[d].tokens.size(), 0.0);

  const auto lanes = static_cast<int32_t>(std::clamp<size_t>(given.size(), 1, static_cast<size_t>(setup.batch)));
  TEMPER_ASSIGN(const ScorePlan plan,
                plan_score(spec, task.schedule, documents.longest(), lanes, setup.cache, setup.whole));
  TEMPER_ASSIGN(const std::unique_ptr<ModelSource> source, ModelSource::create(model, task, plan));
  TEMPER_ASSIGN(const ScoreTotals totals,
                setup.whole ? source->run_whole(task, documents.list(), scores, progress)
                            : score_documents(task, documents.list(), scores, *source, progress));
  documents.drop_begin(scores);
  return ScoreReport{totals, source->model_calls(), source->rows_computed(), define_score(task, setup.whole, totals)};
}

Result<int64_t> score_bytes(const Model &model, ScoreSetup setup, int64_t longest) {
  take_all_calls(model.spec(), {longest}, setup);
  TEMPER_TRY(check_score(model.spec(), setup.task, longest));
  TEMPER_ASSIGN(const ScorePlan plan, plan_score(model.spec(), setup.task.schedule, longest, setup.batch, setup.cache,
                                                 setup.whole));
  TEMPER_ASSIGN(const int64_t engine, Engine::estimate(model, plan.engine));
  TEMPER_ASSIGN(const int64_t cache, Cache::estimate(model, plan.cache));
  return engine + cache;
}

}  // namespace temper
