// SPDX-License-Identifier: Apache-2.0
// Approximate caches of models that see everything: which rows are computed, when the cache is made anew, and
// that what is reported as the difference from an exact call is that.
#include "support/lab.h"

#include "session/snapshot.h"

#include <cmath>
#include <map>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <utility>
extern "C" {
#include <cmocka.h>
}

using namespace temper;
using namespace temper::test;

namespace {

Hyperschedule made(Result<Hyperschedule> schedule) { return require(std::move(schedule), "schedule"); }

SessionChoice llada_rows(Approximation approximation, int32_t refresh, bool measure) {
  SessionChoice choice;
  choice.length = 5 + 12;
  choice.prompts = {some_tokens(5, 18, 1)};
  choice.options.approximation = approximation;
  choice.options.refresh = refresh;
  choice.options.measure = measure;
  return choice;
}

std::vector<StepReport> steps(Session &session) {
  std::vector<StepReport> list;
  for (StepReport report;;) {
    require(session.step(report), "step");
    if (report.done) return list;
    list.push_back(report);
  }
}

void test_rows(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  ModelChoice model;
  model.family = "llada";
  const Subject subject = open_subject(runtime, model);
  const Hyperschedule schedule = made(Hyperschedule::block(4, 4));
  // Prompt 5, three blocks of 4; every block begins with a full call of 17 rows.
  const auto prefix = steps(*make_session(subject, schedule, llada_rows(Approximation::prefix, 0, false)));
  assert_int_equal(prefix.size(), 12);
  for (size_t k = 0; k < 12; ++k) {
    const int64_t settled = 5 + 4 * static_cast<int64_t>(k / 4);
    assert_int_equal(prefix[k].rows_computed, k % 4 == 0 ? 17 : 17 - settled);
    assert_int_equal(prefix[k].stale, k % 4 == 0 ? 0 : settled);
    assert_true(prefix[k].difference == -1);
  }
  const auto dual = steps(*make_session(subject, schedule, llada_rows(Approximation::dual, 0, false)));
  for (size_t k = 0; k < 12; ++k) assert_int_equal(dual[k].rows_computed, k % 4 == 0 ? 17 : 4);
  // Anew after so many calls, whatever settled.
  const auto timed = steps(*make_session(subject, schedule, llada_rows(Approximation::dual, 3, false)));
  for (size_t k = 0; k < 12; ++k) {
    const int64_t settled = 5 + 4 * static_cast<int64_t>(k / 4);
    const int64_t at_refresh = 5 + 4 * static_cast<int64_t>(k / 3 * 3 / 4);
    assert_int_equal(timed[k].rows_computed, k % 3 == 0 ? 17 : settled - at_refresh + 4);
  }
  const auto exact = steps(*make_session(subject, schedule, llada_rows(Approximation::none, 0, false)));
  for (const StepReport &report : exact) assert_int_equal(report.rows_computed, 17);
}

// An exact run of the same states, by hand: its logits against those of the approximate one.
using Rows = std::map<int64_t, std::vector<float>>;
int32_t record(void *user, temper_logits *row) {
  (*static_cast<Rows *>(user))[row->position] = std::vector<float>(row->logits, row->logits + row->columns);
  return 0;
}

void test_difference(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  for (const char *family : {"llada", "dream", "mdlm"}) {
    ModelChoice model;
    model.family = family;
    const Subject subject = open_subject(runtime, model);
    for (const Hyperschedule &schedule : {made(Hyperschedule::block(4, 4)), made(Hyperschedule::slide(4, 4))})
      for (const Approximation approximation : {Approximation::prefix, Approximation::dual}) {
        // Looks at every masked position in every call.
        SessionChoice choice = llada_rows(approximation, 2, true);
        choice.sampler = SamplerKind::confidence;
        std::unique_ptr<Session> session = make_session(subject, schedule, choice);
        double largest = 0;
        for (int k = 0;; ++k) {
          Rows approximate, exact;
          // The exact call on the same state: a copy by bytes, whose first call is a full one.
          SessionChoice plain = llada_rows(Approximation::none, 0, false);
          plain.sampler = choice.sampler;
          std::unique_ptr<Session> reference = make_session(subject, schedule, plain);
          if (k > 0) require(Snapshot::restore(*reference, require(Snapshot::save(*session), "save")), "restore");
          session->hooks().logits = {record, &approximate};
          reference->hooks().logits = {record, &exact};
          StepReport report, unused;
          require(session->step(report), "step");
          if (report.done) break;
          require(reference->step(unused), "step");
          // The same positions are predicted, the first one of shifted models by the row before the window.
          assert_int_equal(approximate.size(), exact.size());
          double difference = 0;
          for (const auto &[position, row] : approximate)
            for (size_t id = 0; id < row.size(); ++id)
              difference = std::max(difference, std::fabs(static_cast<double>(row[id]) - static_cast<double>(exact[position][id])));
          if (approximate.empty()) continue;
          assert_true(std::fabs(difference - report.difference) < 1e-5);
          if (report.stale == 0) assert_true(report.difference < 1e-5);
          largest = std::max(largest, report.difference);
        }
        const Sequence &row = session->row(0);
        for (int64_t p = 5; p < row.settled; ++p) assert_true(row.tokens[static_cast<size_t>(p)] < 19);
        print_message("%s, %s, %s: largest difference of a logit %.3f\n", family, schedule.describe().c_str(),
                      approximation == Approximation::prefix ? "prefix" : "dual", largest);
        assert_true(largest > 1e-4);
      }
  }
}

// What is kept is what was computed: as long as no token has changed since the full call, an approximate call
// gives the logits of an exact one.
void test_nothing_changed(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  for (const auto &[family, approximation] :
       {std::pair("llada", Approximation::prefix), std::pair("llada", Approximation::dual),
        std::pair("dream", Approximation::prefix), std::pair("dream", Approximation::dual)}) {
    ModelChoice model;
    model.family = family;
    const Subject subject = open_subject(runtime, model);
    int calls = 0;
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      SessionChoice choice = llada_rows(approximation, 0, true);
      choice.seed = seed;
      std::unique_ptr<Session> session = make_session(subject, made(Hyperschedule::block(4, 16)), choice);
      int64_t changed = 0;
      for (const StepReport &report : steps(*session)) {
        if (report.stale == 0) changed = 0;
        if (report.stale > 0 && changed == 0 && report.logit_rows > 0) {
          ++calls;
          if (!(report.difference < 1e-5)) fail_msg("difference %g although nothing changed", report.difference);
        }
        changed += report.changed;
      }
    }
    print_message("%d such calls\n", calls);
    assert_true(calls > 3);
  }
}

// From right to left: a shifted model predicts a position from the row of one that takes no part itself.
void test_the_row_before_is_computed(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  ModelChoice model;
  model.family = "dream";
  const Subject subject = open_subject(runtime, model);
  const int32_t levels[] = {1, 1, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0};
  SessionChoice choice = llada_rows(Approximation::dual, 0, false);
  choice.length = 5 + 3;
  choice.options.ignore_end = true;
  const auto session = make_session(subject, made(Hyperschedule::table(levels, 3, 3, 1)), choice);
  for (const StepReport &report : steps(*session)) assert_int_equal(report.logit_rows, 1);
  for (const int32_t token : session->row(0).tokens) assert_true(token != subject.spec().mask_token);
}

// Calls that are left out change nothing, whether or not others of the session are idle, too.
void test_idle_calls(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  ModelChoice model;
  model.family = "llada";
  const Subject subject = open_subject(runtime, model);
  const Hyperschedule schedule = made(Hyperschedule::block(4, 8));
  int64_t idle = 0;
  for (const Approximation approximation : {Approximation::prefix, Approximation::dual})
    for (const int32_t refresh : {0, 3})
      for (uint64_t seed = 0; seed < 12; ++seed) {
        const auto run = [&](bool skip, int32_t rows) {
          SessionChoice choice = llada_rows(approximation, refresh, false);
          choice.rows = rows;
          choice.length = 32;
          choice.seed = seed;
          choice.prompts.resize(static_cast<size_t>(rows), some_tokens(11, 18, 3));
          choice.options.skip_idle = skip;
          std::unique_ptr<Session> session = make_session(subject, schedule, choice);
          for (const StepReport &report : steps(*session)) idle += report.idle ? 1 : 0;
          return emitted(*session, 0);
        };
        const std::vector<int32_t> tokens = run(false, 1);
        if (run(true, 1) != tokens) fail_msg("refresh %d, seed %d: other tokens", refresh, static_cast<int>(seed));
        if (run(true, 3) != tokens) fail_msg("refresh %d, seed %d: company", refresh, static_cast<int>(seed));
      }
  assert_true(idle > 0);
}

void test_refusals(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const Subject hdlm = open_subject(runtime, ModelChoice());
  const Hyperschedule schedule = made(Hyperschedule::block(4, 4));
  assert_int_equal(try_session(hdlm, schedule, llada_rows(Approximation::prefix, 0, false)).status().code(),
                   TEMPER_E_UNSUPPORTED);
  ModelChoice model;
  model.family = "llada";
  const Subject llada = open_subject(runtime, model);
  SessionChoice choice = llada_rows(Approximation::dual, 0, false);
  choice.options.canvas = Choice::off;
  assert_int_equal(try_session(llada, schedule, choice).status().code(), TEMPER_E_UNSUPPORTED);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_difference),
                              cmocka_unit_test(test_nothing_changed),
                              cmocka_unit_test(test_the_row_before_is_computed),
                              cmocka_unit_test(test_idle_calls), cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
