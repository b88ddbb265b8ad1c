// SPDX-License-Identifier: Apache-2.0
// The bound with the exact denoiser of a distribution over three bits (MATH E5): by enumeration against the
// numbers of MATH 5.1, and as the walk estimates it.
#include "score/score.h"
#include "support/lab.h"

#include <array>
#include <cmath>
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

constexpr double entropy = 1.864649375806;
const std::array<double, 8> data_tokens = {8 / 32., 1 / 32., 2 / 32., 4 / 32., 1 / 32., 6 / 32., 3 / 32., 7 / 32.};

int bit(int word, int64_t i) { return word >> (2 - i) & 1; }

// What is known of a position: its token (-1 masked, -2 nothing) and how it came about.
struct Seen {
  int32_t token = -2;
  Clocks clocks;  // zero: clean
};

// q(token | clean) of two real tokens.
double likelihood(const Seen &seen, int clean) {
  if (seen.token == -2) return 1;
  if (seen.token == -1) return seen.clocks.m();
  return (1 - seen.clocks.m()) * (seen.clocks.kappa() * (seen.token == clean) + -std::expm1(-seen.clocks.lam) / 2);
}

// p(x_0^i | all that is seen), by Bayes over the eight words.
std::array<double, 2> denoise(const std::array<Seen, 3> &seen, int64_t i) {
  std::array<double, 2> pi{};
  for (int word = 0; word < 8; ++word) {
    double weight = data_tokens[static_cast<size_t>(word)];
    for (int64_t j = 0; j < 3; ++j) weight *= likelihood(seen[static_cast<size_t>(j)], bit(word, j));
    pi[static_cast<size_t>(bit(word, i))] += weight;
  }
  const double sum = pi[0] + pi[1];
  return {pi[0] / sum, pi[1] / sum};
}

using Path = std::function<Clocks(int32_t)>;  // of a level

// (15) of one word, every state of every call enumerated.
double enumerate(const Hyperschedule &schedule, const Path &path, int word) {
  double total = 0;
  for (int64_t k = 0; k < schedule.steps(3); ++k) {
    const int64_t settled = schedule.settled_end(k, 3), end = schedule.active_end(k, 3);
    for (int state = 0; state < 27; ++state) {
      std::array<Seen, 3> seen;
      double chance = 1;
      int rest = state;
      for (int64_t i = 0; i < 3; ++i, rest /= 3) {
        Seen &at = seen[static_cast<size_t>(i)];
        if (i < settled) at.token = bit(word, i);
        else if (i < end) at = {rest % 3 - 1, path(schedule.level(k, i))};
        if (i >= settled && i < end) chance *= likelihood(at, bit(word, i));
        else if (rest % 3 != 0) chance = 0;  // count such a state once
      }
      if (!(chance > 0)) continue;
      for (int64_t i = settled; i < end; ++i) {
        const int32_t from = schedule.level(k, i), to = schedule.level(k + 1, i);
        if (from == to) continue;
        const std::array<double, 2> pi = denoise(seen, i);
        total += chance * divergence_of_posterior(Noise::between(path(from), path(to)), 2,
                                                  seen[static_cast<size_t>(i)].token, bit(word, i), pi.data());
      }
    }
  }
  return total;
}

double enumerate(const Hyperschedule &schedule, const Path &path) {
  double total = 0;
  for (int word = 0; word < 8; ++word) total += data_tokens[static_cast<size_t>(word)] * enumerate(schedule, path, word);
  return total;
}

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

// The exact denoiser in place of a model.
class Oracle final : public LogitSource {
 public:
  Oracle(const ScoreTask &task, int32_t lanes) : task_(task), lanes_(lanes) {}
  int32_t lanes() const noexcept override { return lanes_; }
  int32_t workers() const noexcept override { return 1; }
  void restart(int32_t) noexcept override {}
  Status evaluate(std::span<Visit *const> visits, RowReader &reader) override {
    const int32_t top = task_.schedule.levels();
    for (Visit *visit : visits) {
      std::array<Seen, 3> seen;
      for (int64_t i = 0; i < visit->settled; ++i)
        seen[static_cast<size_t>(i)].token = visit->document->tokens[static_cast<size_t>(i)];
      for (const ActivePosition &at : visit->active)
        seen[static_cast<size_t>(at.position)] = {at.token == 2 ? -1 : at.token, task_.noise.at_level(at.level, top)};
      for (size_t a = 0; a < visit->active.size(); ++a) {
        if (!visit->active[a].wants_logits) continue;
        const std::array<double, 2> pi = denoise(seen, visit->active[a].position);
        const float row[2] = {static_cast<float>(std::log(pi[0])), static_cast<float>(std::log(pi[1]))};
        reader.read(*visit, a, row, 0);
      }
    }
    ++calls;
    return Status();
  }
  int calls = 0;

 private:
  const ScoreTask &task_;
  int32_t lanes_;
};

ScoreTask task_of(Hyperschedule schedule, double eps) {
  NoiseParameters parameters;
  if (eps > 0) {
    parameters.path = NoisePath::epsilon;
    parameters.mix = eps;
  }
  HeadDescription head;
  head.columns = head.vocabulary = head.mask_token = 2;
  return {std::move(schedule), require(Noise::create(parameters), "noise"), head, false, false, 0, 1, 0};
}

struct Words {
  std::vector<std::array<int32_t, 3>> tokens;
  std::vector<ScoreDocument> documents;
  explicit Words(const std::vector<int> &words) : tokens(words.size()) {
    for (size_t d = 0; d < words.size(); ++d) {
      for (int64_t i = 0; i < 3; ++i) tokens[d][static_cast<size_t>(i)] = bit(words[d], i);
      documents.push_back({tokens[d], 0, static_cast<uint32_t>(d)});
    }
  }
};

ScoreTotals score(const ScoreTask &task, const Words &words, std::vector<DocumentScore> &scores, int32_t lanes = 3) {
  scores.assign(words.documents.size(), {});
  for (DocumentScore &one : scores) one.terms.assign(3, 0.0);
  Oracle oracle(task, lanes);
  return require(score_documents(task, words.documents, scores, oracle, {}), "score");
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
  assert_true(totals.variance == 0);
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
    const double z = (totals.nats - expected) / std::sqrt(totals.variance);
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
    const double bound = totals.nats / 32, error = std::sqrt(totals.variance) / 32;
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
  assert_true(a.nats == b.nats && a.variance == b.variance);
  assert_true(alone[3].nats != alone[4].nats);  // equal words, draws of their own
  for (const DocumentScore &one : alone)
    assert_true(std::abs(std::accumulate(one.terms.begin(), one.terms.end(), 0.0) - one.nats) < 1e-12);
  task.seed = 1;
  assert_true(score(task, words, together, 5).nats != a.nats);
  task.replicates = 1;
  assert_true(std::isnan(score(task, words, alone, 2).variance));
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
