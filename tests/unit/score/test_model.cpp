// SPDX-License-Identifier: Apache-2.0
// Scores of random models: with the cache as without it, for every context, window and alignment; one pass as
// many calls; and what autoregression is by definition.
#include "engine/evaluator.h"
#include "score/request.h"
#include "score/source.h"
#include "session/defaults.h"
#include "support/lab.h"

#include <algorithm>
#include <cmath>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
extern "C" {
#include <cmocka.h>
}

using namespace temper;
using namespace temper::test;

namespace {

ScoreTask task_of(const Spec &spec, Hyperschedule schedule) {
  return {std::move(schedule), require(Noise::create(default_noise(spec)), "noise"), describe_head(spec), spec.shifted,
          spec.context == Context::full && !spec.autoregressive, 0, 2, 5};
}

struct Outcome {
  ScoreTotals totals;
  std::vector<DocumentScore> scores;
  int64_t rows = 0, calls = 0;
};

struct Documents {
  std::vector<std::vector<int32_t>> tokens;
  std::vector<ScoreDocument> list;
  Documents(const Spec &spec, const std::vector<std::pair<size_t, int64_t>> &sizes) : tokens(sizes.size()) {
    const auto vocabulary = static_cast<int32_t>(spec.columns) - 1;
    for (size_t d = 0; d < sizes.size(); ++d) {
      tokens[d] = some_tokens(sizes[d].first, vocabulary, static_cast<uint32_t>(d + 1));
      if (spec.mask_token >= 0 && spec.mask_token < vocabulary)
        for (int32_t &token : tokens[d]) token += token >= spec.mask_token ? 1 : 0;
      list.push_back({tokens[d], sizes[d].second, static_cast<uint32_t>(d)});
    }
  }
};

Outcome score(const Subject &subject, const ScoreTask &task, const Documents &documents, int32_t lanes, bool cache,
              bool whole = false) {
  int64_t longest = 0;
  for (const auto &tokens : documents.tokens) longest = std::max(longest, static_cast<int64_t>(tokens.size()));
  const ScorePlan plan = require(plan_score(subject.spec(), task.schedule, longest, lanes, cache, whole), "plan");
  require(check_documents(task, documents.list, 0), "documents");
  const auto source = require(ModelSource::create(subject.model, task, plan), "source");
  Outcome outcome;
  outcome.scores.resize(documents.list.size());
  for (size_t d = 0; d < outcome.scores.size(); ++d) outcome.scores[d].terms.assign(documents.tokens[d].size(), 0.0);
  outcome.totals = require(whole ? source->run_whole(task, documents.list, outcome.scores, {})
                                 : score_documents(task, documents.list, outcome.scores, *source, {}),
                           "score");
  outcome.rows = source->rows_computed();
  outcome.calls = source->model_calls();
  return outcome;
}

void compare(const Outcome &a, const Outcome &b, const std::string &what) {
  assert_int_equal(a.totals.scored, b.totals.scored);
  for (size_t d = 0; d < a.scores.size(); ++d)
    for (size_t i = 0; i < a.scores[d].terms.size(); ++i) {
      const double x = a.scores[d].terms[i], y = b.scores[d].terms[i];
      if (x == y) continue;  // also both infinite: scores may exclude what is true
      if (!(std::abs(x - y) <= 2e-4 * std::max(1.0, std::abs(y))))
        fail_msg("%s: document %zu, token %zu: %.9g and %.9g", what.c_str(), d, i, x, y);
    }
}

const std::vector<std::pair<size_t, int64_t>> size_list = {{13, 1}, {17, 5}, {9, 8}, {1, 1}, {16, 3}};

void examine(const ModelChoice &choice, const std::string &name, bool expect_fewer) {
  const Subject subject = open_subject(make_runtime(), choice, {}, "reference", false);
  const Documents documents(subject.spec(), size_list);
  std::vector<Hyperschedule> schedules;
  for (Result<Hyperschedule> made :
       {Hyperschedule::quench(), Hyperschedule::flat(3), Hyperschedule::block(4, 4), Hyperschedule::block(3, 5),
        Hyperschedule::slide(4, 4), Hyperschedule::slide(6, 2), Hyperschedule::slide_jump(4, 2), Hyperschedule::hybrid(4, 3)})
    schedules.push_back(require(std::move(made), "schedule"));
  int compared = 0;
  for (const Hyperschedule &schedule : schedules)
    for (const int64_t samples : {0, 3}) {
      ScoreTask task = task_of(subject.spec(), schedule);
      task.samples = samples;
      if (!check_score(subject.spec(), task, 17).ok()) continue;
      const std::string what = name + ", " + schedule.describe() + (samples > 0 ? ", some calls" : "");
      const Outcome plain = score(subject, task, documents, 1, false), cached = score(subject, task, documents, 1, true),
                    batched = score(subject, task, documents, 3, true);
      compare(cached, plain, what);
      compare(batched, plain, what + ", batched");
      assert_true(plain.totals.nats > 0);
      if (expect_fewer) assert_true(cached.rows < plain.rows);
      if (samples == 0) assert_true(batched.calls < cached.calls);
      assert_true(plain.totals.exact == (schedule.kind() == ScheduleKind::quench && samples == 0 &&
                                         task.noise.at_level(1, 1).m() == 1));
      ++compared;
    }
  assert_true(compared > 0);
}

void test_cached_equals_recomputed(void **) {
  for (const char *context : {"causal", "block_causal"})
    for (const bool shifted : {false, true}) {
      ModelChoice choice;
      choice.context = context;
      choice.shifted = shifted;
      examine(choice, std::string(context) + (shifted ? ", shifted" : ", aligned"), true);
    }
  ModelChoice causal;
  causal.window = "causal";
  examine(causal, "causal window", true);
  for (const char *family : {"bd3lm", "sdar", "hdlm-gamma"}) {
    const auto &known = random_families();
    if (std::find(known.begin(), known.end(), family) == known.end()) continue;
    ModelChoice choice;
    choice.family = family;
    examine(choice, family, true);
  }
}

// Without a cache to speak of: every call computes everything.
void test_both_directions(void **) {
  for (const char *family : {"mdlm", "llada", "sedd", "gidd", "dream"}) {
    const auto &known = random_families();
    if (std::find(known.begin(), known.end(), family) == known.end()) continue;
    ModelChoice choice;
    choice.family = family;
    examine(choice, family, false);
  }
}

void test_one_pass(void **) {
  ModelChoice choice;
  choice.family = "gpt2";
  const Subject subject = open_subject(make_runtime(), choice, {}, "reference", false);
  const Spec &spec = subject.spec();
  const Documents documents(spec, {{60, 1}, {33, 7}, {90, 2}, {2, 1}, {5, 5}});
  const ScoreTask task = task_of(spec, require(Hyperschedule::quench(), "quench"));
  assert_true(one_pass(spec, task));
  const Outcome whole = score(subject, task, documents, 2, true, true);
  assert_int_equal(whole.totals.scored, 59 + 26 + 88 + 1);
  assert_true(whole.totals.exact);
  // No row twice, and the last one of a document not at all.
  assert_int_equal(whole.rows, 59 + 32 + 89 + 1 + 4);

  double total = 0;
  for (size_t d = 0; d < documents.tokens.size(); ++d) {
    const std::vector<int32_t> &tokens = documents.tokens[d];
    const auto n = static_cast<int32_t>(tokens.size());
    // A plain causal forward pass.
    const auto evaluator = require(Evaluator::create(subject.model, 1, n, n), "evaluator");
    std::vector<temper_x_row> rows(tokens.size());
    for (int32_t p = 0; p < n; ++p) {
      temper_x_row &row = rows[static_cast<size_t>(p)];
      row.token = tokens[static_cast<size_t>(p)];
      row.position = p;
      row.visible_end = p + 1;
      row.want_logits = 1;
    }
    std::vector<float> logits(tokens.size() * static_cast<size_t>(spec.columns));
    require(evaluator->run(rows, logits.data(), logits.size()), "forward");
    for (size_t p = static_cast<size_t>(documents.list[d].prefix); p < tokens.size(); ++p) {
      const float *row = logits.data() + (p - 1) * static_cast<size_t>(spec.columns);
      double sum = 0;
      for (int64_t z = 0; z < spec.columns; ++z) sum += std::exp(static_cast<double>(row[z]));
      const double nats = std::log(sum) - static_cast<double>(row[tokens[p]]);
      total += nats;
      assert_true(std::abs(whole.scores[d].terms[p] - nats) < 1e-4 * (1 + nats));
    }
  }
  assert_true(std::abs(total - whole.totals.nats) < 1e-4 * total);

  // And call by call, as a session generates.
  compare(score(subject, task, documents, 2, true), whole, "call by call");
}

// More samples than there are calls are all calls, and autoregression is exact then, in one pass.
void test_more_samples_than_calls(void **) {
  ModelChoice choice;
  choice.shifted = true;
  choice.window = "causal";
  const Subject subject = open_subject(make_runtime(), choice, {}, "reference", false);
  const Documents documents(subject.spec(), size_list);
  const Hyperschedule quench = require(Hyperschedule::quench(), "quench");
  const auto report_of = [&](int64_t samples) {
    ScoreRequest request;
    request.schedule = &quench;
    request.samples = samples;
    std::vector<DocumentScore> scores(documents.list.size());
    const ScoreSetup setup = require(resolve_score(subject.spec(), request), "setup");
    return require(score_model(subject.model, setup, documents.list, scores, {}), "score");
  };
  // 13 positions are the most that one of the documents has behind its prefix.
  const ScoreReport all = report_of(0), many = report_of(1000000000), enough = report_of(13), fewer = report_of(12);
  assert_true(all.totals.exact && many.totals.exact && enough.totals.exact && !fewer.totals.exact);
  assert_true(many.totals.nats == all.totals.nats && enough.totals.nats == all.totals.nats);
  assert_int_equal(many.model_calls, all.model_calls);
  assert_true(many.definition == all.definition && fewer.definition != all.definition);
}

// A model that sees the past only can't be given a window; a model without replaced tokens no uniform noise.
void test_refusals(void **) {
  ModelChoice choice;
  choice.family = "gpt2";
  const Subject past = open_subject(make_runtime(), choice, {}, "reference", false);
  const ScoreTask window = task_of(past.spec(), require(Hyperschedule::block(4, 4), "block"));
  assert_int_equal(check_score(past.spec(), window, 16).code(), TEMPER_E_UNSUPPORTED);
  choice.family = "mdlm";
  const Subject masks = open_subject(make_runtime(), choice, {}, "reference", false);
  ScoreTask replaced = task_of(masks.spec(), require(Hyperschedule::flat(4), "flat"));
  NoiseParameters parameters;
  parameters.path = NoisePath::epsilon;
  parameters.mix = 0.1;
  replaced.noise = require(Noise::create(parameters), "noise");
  assert_int_equal(check_score(masks.spec(), replaced, 16).code(), TEMPER_E_UNSUPPORTED);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_cached_equals_recomputed),
      cmocka_unit_test(test_both_directions),
      cmocka_unit_test(test_one_pass),
      cmocka_unit_test(test_more_samples_than_calls),
      cmocka_unit_test(test_refusals),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
