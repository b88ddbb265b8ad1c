// SPDX-License-Identifier: Apache-2.0
#include "api/guard.h"
#include "api/hyperschedule.h"
#include "api/model.h"
#include "api/noise.h"
#include "score/source.h"
#include "session/defaults.h"
#include "session/session.h"

#include <temper/score.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

using namespace temper;

namespace {

// The part of a caller's struct that both sides know; the rest of ours stays zero.
template <typename T>
Result<T> read_struct(const T *from, const char *what) {
  T to{};
  if (from->struct_size < sizeof(uint32_t) || from->struct_size > 4096)
    return fail(TEMPER_E_ARGUMENT, "struct_size of the %s is %u: set it to the size of the struct", what,
                from->struct_size);
  std::memcpy(&to, static_cast<const void *>(from), std::min<size_t>(from->struct_size, sizeof to));
  return to;
}

template <typename T>
void write_struct(T *to, T from) {
  from.struct_size = to->struct_size;
  std::memcpy(static_cast<void *>(to), &from, std::min<size_t>(to->struct_size, sizeof from));
}

struct Wanted {
  ScoreTask task;
  int32_t batch = 8;
  bool cache = true;
};

Result<Wanted> resolve(const Spec &spec, const temper_hyperschedule *schedule, const temper_noise *noise,
                       const temper_score_options *options) {
  temper_score_options o{};
  if (options != nullptr) {
    TEMPER_ASSIGN(o, read_struct(options, "options"));
  }
  if (o.replicates < 0 || o.replicates > 4096)
    return fail(TEMPER_E_ARGUMENT, "replicates must be 0 to 4096, not %d", o.replicates);
  if (o.samples < 0) return fail(TEMPER_E_ARGUMENT, "samples is %lld", static_cast<long long>(o.samples));
  if (o.batch < 0 || o.batch > 4096) return fail(TEMPER_E_ARGUMENT, "batch must be 0 to 4096, not %d", o.batch);
  TEMPER_ASSIGN(Hyperschedule levels, schedule != nullptr ? Result<Hyperschedule>(*schedule->impl)
                                                          : make_default_schedule(spec));
  TEMPER_ASSIGN(Noise path, Noise::create(noise != nullptr ? noise->parameters : default_noise(spec)));
  TEMPER_TRY(path.check(levels.levels()));
  Wanted wanted{{levels, path, describe_head(spec), spec.shifted,
                 spec.context == Context::full && !spec.autoregressive, o.samples,
                 o.replicates == 0 ? 2 : o.replicates, o.seed},
                o.batch == 0 ? 8 : o.batch, o.no_cache == 0};
  return wanted;
}

std::string path_text(const Noise &noise) {
  static constexpr const char *names[] = {"absorbing", "uniform", "epsilon-hybrid", "gamma-hybrid", "GIDD",
                                          "the caller's", "the caller's"};
  const NoiseParameters &p = noise.parameters();
  char text[64];
  if (p.mix > 0) std::snprintf(text, sizeof text, "%s (%g)", names[static_cast<int>(p.path)], p.mix);
  else std::snprintf(text, sizeof text, "%s", names[static_cast<int>(p.path)]);
  return text;
}

void define(const ScoreTask &task, bool whole, const ScoreTotals &totals, char *out, size_t size) {
  if (whole || (totals.exact && task.schedule.kind() == ScheduleKind::quench)) {
    std::snprintf(out, size, "exact -log p(tokens): the sum of -log p(token | the tokens before it), quench%s",
                  whole ? ", in one pass" : "");
    return;
  }
  char drawn[96];
  if (totals.exact) std::snprintf(drawn, sizeof drawn, "exact");
  else if (task.samples > 0)
    std::snprintf(drawn, sizeof drawn, "estimated from %lld calls a replicate, %d replicates",
                  static_cast<long long>(task.samples), totals.replicates);
  else std::snprintf(drawn, sizeof drawn, "all calls, %d replicates of the noise", totals.replicates);
  std::snprintf(out, size,
                "upper bound on -log p(tokens): KL of the prior + the sum over the calls of %s of "
                "KL(q(x_s | x_t, x_0) || p(x_s | x_t)) in discrete time, %s noise; %s",
                task.schedule.describe().c_str(), path_text(task.noise).c_str(), drawn);
}

// The caller's documents, with a begin token where a shifted model needs one.
struct Documents {
  std::vector<std::vector<int32_t>> longer;
  std::vector<ScoreDocument> list;
  std::vector<bool> begins;
  int64_t longest = 0;
};

Result<Documents> gather(const Spec &spec, const std::vector<temper_document> &given) {
  Documents out;
  out.longer.resize(given.size());
  out.begins.resize(given.size());
  const int64_t begin = spec.bos_token >= 0 ? spec.bos_token : spec.eos_token;
  for (size_t d = 0; d < given.size(); ++d) {
    const temper_document &from = given[d];
    if (from.tokens == nullptr && from.count > 0) return fail(TEMPER_E_ARGUMENT, "tokens of document %zu is NULL", d);
    if (from.count > size_t{1} << 30) return fail(TEMPER_E_ARGUMENT, "document %zu has %zu tokens", d, from.count);
    if (from.prefix > from.count)
      return fail(TEMPER_E_ARGUMENT, "document %zu: a prefix of %zu of %zu tokens", d, from.prefix, from.count);
    ScoreDocument document;
    document.tokens = {from.tokens, from.count};
    document.prefix = static_cast<int64_t>(from.prefix);
    document.id = static_cast<uint32_t>(d);
    if (spec.shifted && from.prefix == 0 && from.count > 0) {
      if (begin < 0)
        return fail(TEMPER_E_ARGUMENT, "document %zu: this model has no begin token, the first token must be a prefix", d);
      std::vector<int32_t> &longer = out.longer[d];
      longer.reserve(from.count + 1);
      longer.push_back(static_cast<int32_t>(begin));
      longer.insert(longer.end(), from.tokens, from.tokens + from.count);
      document.tokens = longer;
      document.prefix = 1;
      out.begins[d] = true;
    }
    out.longest = std::max(out.longest, static_cast<int64_t>(document.tokens.size()));
    out.list.push_back(document);
  }
  return out;
}

Status score(const Model &model, const std::shared_ptr<const Model> &shared, const Wanted &wanted,
             std::vector<temper_document> &given, temper_score_result &result, const ScoreProgress &progress) {
  const Spec &spec = model.spec();
  TEMPER_ASSIGN(const Documents documents, gather(spec, given));
  TEMPER_TRY(check_score(spec, wanted.task, documents.longest));
  TEMPER_TRY(check_documents(wanted.task, documents.list, spec.max_positions));

  std::vector<DocumentScore> scores(given.size());
  for (size_t d = 0; d < given.size(); ++d)
    if (given[d].terms != nullptr) scores[d].terms.assign(documents.list[d].tokens.size(), 0.0);

  const bool whole = one_pass(spec, wanted.task) && wanted.cache;
  const auto lanes = static_cast<int32_t>(std::clamp<size_t>(given.size(), 1, static_cast<size_t>(wanted.batch)));
  TEMPER_ASSIGN(const ScorePlan plan,
                plan_score(spec, wanted.task.schedule, documents.longest, lanes, wanted.cache, whole));
  TEMPER_ASSIGN(const std::unique_ptr<ModelSource> source, ModelSource::create(shared, wanted.task, plan));
  TEMPER_ASSIGN(const ScoreTotals totals,
                whole ? source->run_whole(wanted.task, documents.list, scores, progress)
                      : score_documents(wanted.task, documents.list, scores, *source, progress));

  for (size_t d = 0; d < given.size(); ++d) {
    given[d].scored = scores[d].scored;
    given[d].nats = scores[d].nats;
    given[d].standard_error = std::sqrt(scores[d].variance);
    if (given[d].terms != nullptr)
      std::copy(scores[d].terms.begin() + (documents.begins[d] ? 1 : 0), scores[d].terms.end(), given[d].terms);
  }
  result.exact = totals.exact ? 1 : 0;
  result.scored = totals.scored;
  result.nats = totals.nats;
  result.standard_error = std::sqrt(totals.variance);
  result.prior = totals.prior;
  result.model_calls = source->model_calls();
  result.rows_computed = source->rows_computed();
  result.replicates = totals.replicates;
  define(wanted.task, whole, totals, result.definition, sizeof result.definition);
  return Status();
}

}  // namespace

extern "C" {

temper_status temper_score(temper_model *model, const temper_hyperschedule *schedule, const temper_noise *noise,
                           const temper_score_options *options, temper_document *documents, size_t count,
                           temper_score_result *result, temper_progress_fn progress, void *user, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(model != nullptr, "model is NULL");
    TEMPER_REQUIRE(documents != nullptr || count == 0, "documents is NULL");
    TEMPER_REQUIRE(count <= (size_t{1} << 31), "too many documents");
    temper_score_result outcome{};
    if (result != nullptr) {
      TEMPER_TRY(read_struct(result, "result").status());
    }
    const auto &network = model->impl->network;
    TEMPER_ASSIGN(const Wanted wanted, resolve(network->spec(), schedule, noise, options));

    // A caller of another version has documents of another size.
    auto *bytes = reinterpret_cast<std::byte *>(documents);
    const size_t stride = count > 0 ? documents->struct_size : 0;
    const auto at = [&](size_t d) { return reinterpret_cast<temper_document *>(bytes + d * stride); };
    std::vector<temper_document> given;
    given.reserve(count);
    for (size_t d = 0; d < count; ++d) {
      if (stride < offsetof(temper_document, terms) || stride % alignof(temper_document) != 0 || at(d)->struct_size != stride)
        return fail(TEMPER_E_ARGUMENT, "struct_size of document %zu is wrong: set it to the size of the struct", d);
      TEMPER_ASSIGN(const temper_document document, read_struct(at(d), "document"));
      given.push_back(document);
    }
    TEMPER_TRY(score(*network, network, wanted, given, outcome, {progress, user}));
    for (size_t d = 0; d < count; ++d) write_struct(at(d), given[d]);
    if (result != nullptr) write_struct(result, outcome);
    return Status();
  });
}

temper_status temper_score_estimate(const temper_model *model, const temper_hyperschedule *schedule,
                                    const temper_noise *noise, const temper_score_options *options, int64_t longest,
                                    int64_t *bytes, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(model != nullptr, "model is NULL");
    TEMPER_REQUIRE(bytes != nullptr, "bytes is NULL");
    TEMPER_REQUIRE(longest >= 0, "longest is negative");
    const auto &network = model->impl->network;
    TEMPER_ASSIGN(const Wanted wanted, resolve(network->spec(), schedule, noise, options));
    TEMPER_TRY(check_score(network->spec(), wanted.task, longest));
    const bool whole = one_pass(network->spec(), wanted.task) && wanted.cache;
    TEMPER_ASSIGN(const ScorePlan plan,
                  plan_score(network->spec(), wanted.task.schedule, longest, wanted.batch, wanted.cache, whole));
    *bytes = Forward::estimate(*network, plan.forward);
    return Status();
  });
}

}  // extern "C"
