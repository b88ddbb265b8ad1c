// SPDX-License-Identifier: Apache-2.0
// The bound with the exact denoiser of a distribution over three bits (MATH E5): by enumeration against the
// numbers of MATH 5.1, and as the walk estimates it.
#include "score/score.h"
#include "three_bits.h"

#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
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

Path linear(int32_t levels) {
  return [=](int32_t l) {
    return Clocks{l == levels ? std::numeric_limits<double>::infinity() : -std::log1p(-static_cast<double>(l) / levels), 0};
  };
}

Hyperschedule made(Result<Hyperschedule> result) { return require(std::move(result), "schedule"); }

void test_table(void **) {
  struct Row {
    Hyperschedule schedule;
    double lam;  // at T, growing with the level
    double eps;
    double bound;
  };
  const Row rows[] = {
      {made(Hyperschedule::quench()), 0, 0, 1.864649375806},    {made(Hyperschedule::block(2, 2)), 0, 0, 1.873526405449},
      {made(Hyperschedule::block(2, 8)), 0, 0, 1.866868633217}, {made(Hyperschedule::slide(2, 2)), 0, 0, 1.891625305948},
      {made(Hyperschedule::slide(2, 8)), 0, 0, 1.871393358341}, {made(Hyperschedule::flat(1)), 0, 0, 2.069654169840},
      {made(Hyperschedule::flat(2)), 0, 0, 1.974406240938},     {made(Hyperschedule::flat(4)), 0, 0, 1.921341425401},
      {made(Hyperschedule::flat(64)), 0, 0, 1.868298895528},    {made(Hyperschedule::flat(2)), .5, 0, 1.998530599661},
      {made(Hyperschedule::flat(4)), .5, 0, 1.939661421628},    {made(Hyperschedule::slide(2, 4)), .5, 0, 1.875922120521},
      {made(Hyperschedule::flat(2)), 0, .1, 1.983162223476},    {made(Hyperschedule::flat(4)), 0, .1, 1.933098130561},
      {made(Hyperschedule::flat(64)), 0, .1, 1.882034885020},
  };
  for (const Row &row : rows) {
    const int32_t top = row.schedule.levels();
    const Path masks = linear(top);
    const Path path = [&](int32_t l) {
      Clocks clocks = masks(l);
      clocks.lam = row.lam * l / top + (l > 0 && row.eps > 0 ? -std::log1p(-row.eps) : 0);
      return clocks;
    };
    const double bound = enumerate(row.schedule, path);
    if (!(std::abs(bound - row.bound) < 2e-12))
      fail_msg("%s, lam %g, eps %g: %.12f instead of %.12f", row.schedule.describe().c_str(), row.lam, row.eps, bound, row.bound);
  }
}

const std::vector<int> all = {0, 1, 2, 3, 4, 5, 6, 7};

// Autoregression: every word's probability, without chance, token by token.
void test_quench_is_exact(void **) {
  const Words words(all);
  ScoreTask task = task_of(made(Hyperschedule::quench()), 0);
  task.replicates = 5;
  std::vector<DocumentScore> scores;
  const ScoreTotals totals = score(task, words, scores);
  assert_true(totals.exact);
  assert_true(totals.spread.variance() == 0);
  assert_int_equal(totals.scored, 24);
  for (size_t w = 0; w < 8; ++w) {
    assert_true(std::abs(scores[w].nats + std::log(data_tokens[w])) < 1e-6);
    const double sum = std::accumulate(scores[w].terms.begin(), scores[w].terms.end(), 0.0);
    assert_true(std::abs(sum - scores[w].nats) < 1e-12);
    const double first = bit(static_cast<int>(w), 0) == 0 ? 15 / 32. : 17 / 32.;
    assert_true(std::abs(scores[w].terms[0] + std::log(first)) < 1e-6);
  }
}

// Seeds scatter around the enumerated bound as the standard error says: z is standard normal.
void examine_calibration(Hyperschedule schedule, double eps, int64_t samples, const char *name) {
  ScoreTask task = task_of(std::move(schedule), eps);
  task.samples = samples;
  task.replicates = 40;
  const int32_t top = task.schedule.levels();
  const Path path = [&](int32_t l) { return task.noise.at_level(l, top); };
  double expected = 0;
  for (const int word : all) expected += enumerate(task.schedule, path, word);
  const Words words(all);
  std::vector<DocumentScore> scores;
  constexpr int seeds = 200;
  double mean = 0, square = 0, bias = 0, spread = 0;
  int beyond = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    task.seed = static_cast<uint64_t>(seed);
    const ScoreTotals totals = score(task, words, scores);
    const double z = (totals.nats - expected) / std::sqrt(totals.spread.variance());
    const double off = totals.nats - expected;
    bias += off / seeds;
    spread += off * off / seeds;
    mean += z / seeds;
    square += z * z / seeds;
    beyond += std::abs(z) > 1.96 ? 1 : 0;
  }
  print_message("%s: mean z %.3f, mean z^2 %.3f, beyond 1.96: %d of %d\n", name, mean, square, beyond, seeds);
  assert_true(std::abs(bias) < 4 * std::sqrt(spread / seeds));
  assert_true(std::abs(mean) < 0.28);              // 4 standard deviations
  assert_true(square > 0.66 && square < 1.45);     // of the variance of 200 draws, 4 of them
  assert_true(beyond >= 1 && beyond <= 24);
}

void test_errors_are_calibrated(void **) {
  examine_calibration(made(Hyperschedule::flat(64)), 0, 8, "flat(64), 8 calls");
  examine_calibration(made(Hyperschedule::flat(8)), 0.1, 0, "flat(8), epsilon, all calls");
  examine_calibration(made(Hyperschedule::slide(2, 8)), 0.1, 5, "slide(2, 8), epsilon, 5 calls");
  examine_calibration(made(Hyperschedule::block(2, 4)), 0, 3, "block(2, 4), 3 calls");
  examine_calibration(made(Hyperschedule::slide_jump(2, 4)), 0, 0, "slide_jump(2, 4), all calls");
}

// The data's own words: the bound comes down to the entropy as the levels grow, and never below.
void test_entropy_from_above(void **) {
  std::vector<int> data;
  for (int word = 0; word < 8; ++word)
    for (int n = 0; n < static_cast<int>(data_tokens[static_cast<size_t>(word)] * 32 + 0.5); ++n) data.push_back(word);
  const Words words(data);
  double before = std::numeric_limits<double>::infinity();
  for (const int32_t levels : {1, 4, 64, 512}) {
    ScoreTask task = task_of(made(Hyperschedule::flat(levels)), 0);
    task.samples = levels > 64 ? 64 : 0;
    task.replicates = 60;
    task.seed = 3;
    std::vector<DocumentScore> scores;
    const ScoreTotals totals = score(task, words, scores, 4);
    const double bound = totals.nats / 32, error = std::sqrt(totals.spread.variance()) / 32;
    print_message("flat(%d): %.5f +- %.5f, entropy %.5f\n", levels, bound, error, entropy);
    assert_true(bound > entropy - 4 * error);
    assert_true(bound < before);
    before = bound + 2 * error;
    if (levels == 1) assert_true(error == 0 && std::abs(bound - 2.069654169840) < 1e-6);
    if (levels == 512) assert_true(bound - entropy < 0.002 + 4 * error);
  }
}

// Results don't depend on how many documents are side by side, and parts add up to the whole.
void test_lanes_and_parts(void **) {
  const Words words({5, 0, 7, 3, 3});
  ScoreTask task = task_of(made(Hyperschedule::slide(2, 4)), 0.1);
  task.samples = 4;
  task.replicates = 3;
  std::vector<DocumentScore> alone, together;
  const ScoreTotals a = score(task, words, alone, 1), b = score(task, words, together, 5);
  assert_true(a.nats == b.nats && a.spread.variance() == b.spread.variance());
  assert_true(alone[3].nats != alone[4].nats);  // equal words, draws of their own
  for (const DocumentScore &one : alone)
    assert_true(std::abs(std::accumulate(one.terms.begin(), one.terms.end(), 0.0) - one.nats) < 1e-12);
  task.seed = 1;
  assert_true(score(task, words, together, 5).nats != a.nats);
  task.replicates = 1;
  assert_true(std::isnan(score(task, words, alone, 2).spread.variance()));
}

// A prefix is seen and isn't scored.
void test_prefix(void **) {
  Words words({5});
  words.documents[0].prefix = 1;
  std::vector<DocumentScore> scores;
  const ScoreTotals totals = score(task_of(made(Hyperschedule::quench()), 0), words, scores);
  assert_int_equal(totals.scored, 2);
  assert_true(std::abs(totals.nats + std::log(6 / 17.)) < 1e-6);  // 101 given 1
  assert_true(scores[0].terms[0] == 0);
  words.documents[0].prefix = 3;
  assert_int_equal(score(task_of(made(Hyperschedule::flat(4)), 0), words, scores).scored, 0);
}

// A path whose last level isn't pure noise pays for what it leaves.
void test_prior(void **) {
  ScoreTask task = task_of(made(Hyperschedule::flat(4)), 0);
  NoiseParameters parameters;
  parameters.clock = NoiseClock::log_linear;
  parameters.e0 = 0.2;
  parameters.terminal_clamp = false;
  task.noise = require(Noise::create(parameters), "noise");
  const Words words({1, 2});
  std::vector<DocumentScore> scores;
  const ScoreTotals totals = score(task, words, scores);
  assert_true(std::abs(totals.prior - 6 * 0.2 * std::log(2.0)) < 1e-12);
  const double terms = std::accumulate(scores[0].terms.begin(), scores[0].terms.end(), 0.0);
  assert_true(std::abs(scores[0].nats - terms - totals.prior / 2) < 1e-12);
}

int32_t stop_at(void *user, int64_t done, int64_t total) {
  assert_true(done <= total);
  return --*static_cast<int *>(user) < 0 ? 1 : 0;
}

void test_cancel_and_refusals(void **) {
  const Words words(all);
  ScoreTask task = task_of(made(Hyperschedule::flat(16)), 0);
  std::vector<DocumentScore> scores(8);
  Oracle oracle(task, 2);
  int left = 3;
  const Result<ScoreTotals> stopped = score_documents(task, words.documents, scores, oracle, {stop_at, &left});
  assert_int_equal(stopped.status().code(), TEMPER_E_CANCELLED);
  assert_int_equal(oracle.calls, 3);

  const std::vector<int32_t> bad = {0, 2, 1};
  const auto refused = [&](const ScoreDocument &document, int64_t longest) {
    return check_documents(task, {&document, 1}, longest).code();
  };
  assert_int_equal(refused({bad, 0, 0}, 0), TEMPER_E_ARGUMENT);       // the mask
  assert_int_equal(refused({words.tokens[0], 4, 0}, 0), TEMPER_E_ARGUMENT);
  assert_int_equal(refused({words.tokens[0], 0, 0}, 2), TEMPER_E_ARGUMENT);
  assert_int_equal(refused({words.tokens[0], 0, 0}, 3), TEMPER_OK);
  // A begin token is counted, and spoken of, where there is one.
  ScoreDocument document{words.tokens[0], 0, 0};
  assert_null(std::strstr(check_documents(task, {&document, 1}, 2).message().c_str(), "begin token"));
  document.prefix = 1;
  document.begun = true;
  assert_non_null(std::strstr(check_documents(task, {&document, 1}, 2).message().c_str(), "with its begin token"));
  document.tokens = bad;  // token 1 of the three, 0 of the caller's
  assert_non_null(std::strstr(check_documents(task, {&document, 1}, 0).message().c_str(), "token 0 is 2"));
  const int32_t warm[] = {2, 1, 0, 1, 0, 0, 0, 0, 0};
  task.schedule = made(Hyperschedule::table(warm, 2, 3, 2));
  assert_int_equal(refused({words.tokens[0], 0, 0}, 0), TEMPER_E_UNSUPPORTED);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_table),          cmocka_unit_test(test_quench_is_exact),
      cmocka_unit_test(test_errors_are_calibrated), cmocka_unit_test(test_entropy_from_above),
      cmocka_unit_test(test_lanes_and_parts), cmocka_unit_test(test_prefix),
      cmocka_unit_test(test_prior),          cmocka_unit_test(test_cancel_and_refusals),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
