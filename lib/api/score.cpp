// SPDX-License-Identifier: Apache-2.0
#include "api/guard.h"
#include "api/hyperschedule.h"
#include "api/model.h"
#include "api/noise.h"
#include "api/structs.h"
#include "score/request.h"

#include <temper/score.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

using namespace temper;

namespace {

// Numbers outside their bounds are refused here; what is left open is resolved by the score itself.
Result<ScoreRequest> read_request(const temper_hyperschedule *schedule, const temper_noise *noise,
                                  const temper_score_options *options) {
  temper_score_options o{};
  if (options != nullptr) {
    TEMPER_ASSIGN(o, read_struct(options, "options"));
  }
  if (o.replicates < 0 || o.replicates > 4096)
    return fail(TEMPER_E_ARGUMENT, "replicates must be 0 to 4096, not %d", o.replicates);
  if (o.samples < 0) return fail(TEMPER_E_ARGUMENT, "samples is %lld", static_cast<long long>(o.samples));
  if (o.batch < 0 || o.batch > 4096) return fail(TEMPER_E_ARGUMENT, "batch must be 0 to 4096, not %d", o.batch);
  return ScoreRequest{schedule != nullptr ? schedule->impl.get() : nullptr,
                      noise != nullptr ? &noise->parameters : nullptr,
                      o.samples,
                      o.replicates,
                      o.seed,
                      o.batch,
                      o.no_cache == 0};
}

// A caller of another version has documents of another size: they are read and written one by one.
class Documents {
 public:
  Documents(temper_document *first, size_t count)
      : bytes_(reinterpret_cast<std::byte *>(first)), stride_(count > 0 ? first->struct_size : 0), count_(count) {}

  Status read() {
    read_.reserve(count_);
    for (size_t d = 0; d < count_; ++d) {
      if (stride_ < offsetof(temper_document, terms) || stride_ % alignof(temper_document) != 0 ||
          at(d)->struct_size != stride_)
        return fail(TEMPER_E_ARGUMENT, "struct_size of document %zu is wrong: set it to the size of the struct", d);
      TEMPER_ASSIGN(const temper_document from, read_struct(at(d), "document"));
      if (from.tokens == nullptr && from.count > 0) return fail(TEMPER_E_ARGUMENT, "tokens of document %zu is NULL", d);
      if (from.count > size_t{1} << 30) return fail(TEMPER_E_ARGUMENT, "document %zu has %zu tokens", d, from.count);
      if (from.prefix > from.count)
        return fail(TEMPER_E_ARGUMENT, "document %zu: a prefix of %zu of %zu tokens", d, from.prefix, from.count);
      read_.push_back(from);
      list.push_back({{from.tokens, from.count}, static_cast<int64_t>(from.prefix), static_cast<uint32_t>(d)});
      scores.emplace_back();
      if (from.terms != nullptr) scores.back().terms.assign(from.count, 0.0);
    }
    return Status();
  }

  void write() {
    for (size_t d = 0; d < count_; ++d) {
      temper_document &to = read_[d];
      to.scored = scores[d].scored;
      to.nats = scores[d].nats;
      to.standard_error = scores[d].spread.standard_error();
      if (to.terms != nullptr) std::copy(scores[d].terms.begin(), scores[d].terms.end(), to.terms);
      write_struct(at(d), to);
    }
  }

  std::vector<ScoreDocument> list;
  std::vector<DocumentScore> scores;

 private:
  temper_document *at(size_t d) const noexcept {
    return reinterpret_cast<temper_document *>(bytes_ + d * stride_);
  }

  std::byte *bytes_;
  size_t stride_, count_;
  std::vector<temper_document> read_;
};

void write_result(temper_score_result *to, const ScoreReport &report) {
  temper_score_result result{};
  result.exact = report.totals.exact ? 1 : 0;
  result.scored = report.totals.scored;
  result.nats = report.totals.nats;
  result.standard_error = report.totals.spread.standard_error();
  result.prior = report.totals.prior;
  result.model_calls = report.model_calls;
  result.rows_computed = report.rows_computed;
  result.replicates = report.totals.replicates;
  std::snprintf(result.definition, sizeof result.definition, "%s", report.definition.c_str());
  write_struct(to, result);
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
    if (result != nullptr) {
      TEMPER_TRY(read_struct(result, "result").status());
    }
    const std::shared_ptr<const Model> &network = model->impl->network;
    TEMPER_ASSIGN(const ScoreRequest request, read_request(schedule, noise, options));
    TEMPER_ASSIGN(const ScoreSetup setup, resolve_score(network->spec(), request));
    Documents given(documents, count);
    TEMPER_TRY(given.read());
    TEMPER_ASSIGN(const ScoreReport report,
                  score_model(network, setup, given.list, given.scores, {progress, user}));
    given.write();
    if (result != nullptr) write_result(result, report);
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
    const Model &network = *model->impl->network;
    TEMPER_ASSIGN(const ScoreRequest request, read_request(schedule, noise, options));
    TEMPER_ASSIGN(const ScoreSetup setup, resolve_score(network.spec(), request));
    TEMPER_ASSIGN(*bytes, score_bytes(network, setup, longest));
    return Status();
  });
}

}  // extern "C"
