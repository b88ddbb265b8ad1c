// SPDX-License-Identifier: Apache-2.0
// What a standard error promises: nats +- standard error holds the bound in 68 of 100 cases, for one document as for
// many and for two replicates as for eight.
#include "three_bits.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <numbers>
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

Hyperschedule made(Result<Hyperschedule> result) { return require(std::move(result), "schedule"); }

struct Setting {
  const char *name;
  Hyperschedule schedule;
  double eps;
  int64_t samples;
  double room = 0.03;  // for parts that aren't normal
};

std::vector<int> some_words(size_t count) {
  std::vector<int> out;
  for (size_t n = 0; n < count; ++n) out.push_back(static_cast<int>((n * 5 + 3) % 8));
  return out;
}

// Share of seeds whose error bars hold the bound.
double coverage(const Setting &setting, size_t documents, size_t words_each, int32_t replicates, int seeds) {
  ScoreTask task = task_of(setting.schedule, setting.eps);
  task.samples = setting.samples;
  task.replicates = replicates;
  const int32_t top = task.schedule.levels();
  const Path path = [&](int32_t l) { return task.noise.at_level(l, top); };
  const std::vector<int> list = some_words(documents * words_each);
  const auto length = static_cast<int64_t>(3 * words_each);
  double expected = 0;
  for (size_t n = 0; n < list.size(); ++n)
    expected += enumerate(task.schedule, path, list[n], static_cast<int64_t>(3 * (n % words_each)), length);
  const Words words(list, words_each);
  std::vector<DocumentScore> scores;
  int within = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    task.seed = static_cast<uint64_t>(seed);
    const ScoreTotals totals = score(task, words, scores, 16);
    within += std::abs(totals.nats - expected) <= totals.spread.standard_error() ? 1 : 0;
  }
  return static_cast<double>(within) / seeds;
}

const Setting settings[] = {
    {"flat(16), all calls", made(Hyperschedule::flat(16)), 0, 0},
    {"slide(6, 6), replaced tokens, all calls", made(Hyperschedule::slide(6, 6)), 0.1, 0},
    {"flat(16), 4 calls", made(Hyperschedule::flat(16)), 0, 4},
    {"slide(6, 6), replaced tokens, 7 calls", made(Hyperschedule::slide(6, 6)), 0.1, 7},
    {"block(6, 6), replaced tokens, 9 calls", made(Hyperschedule::block(6, 6)), 0.1, 9},
    // All strata at the same step of a block, one of four: a replicate has four values, which are far from normal.
    {"block(6, 6), replaced tokens, 6 calls", made(Hyperschedule::block(6, 6)), 0.1, 6, 0.12},
};

// Documents of 24 tokens. TEMPER_COVERAGE=N: N times as many seeds and all counts, for a table.
void test_coverage(void **) {
  const char *more = std::getenv("TEMPER_COVERAGE");
  const int times = more != nullptr ? std::atoi(more) : 0;
  for (const Setting &setting : settings)
    for (const size_t documents : {1, 2, 10, 100}) {
      std::printf("%-40s %3zu documents, replicates", setting.name, documents);
      for (const int32_t replicates : {2, 3, 4, 8}) {
        if (times == 0 && (documents > 10 || replicates == 3 || (documents > 1 && replicates > 2))) continue;
        const int seeds = (documents > 2 ? 200 : 400) * std::max(1, times);
        const double covered = coverage(setting, documents, 8, replicates, seeds);
        std::printf(" %d: %.3f", replicates, covered);
        std::fflush(stdout);
        // 0.68 with normal parts; four deviations of a count of so many seeds.
        const double room = 4 * std::sqrt(0.6827 * 0.3173 / seeds) + setting.room;
        if (times == 0 && std::abs(covered - 0.6827) > room) fail_msg("%s: %.3f", setting.name, covered);
      }
      std::printf("\n");
    }
}

// The factor against Student's distribution: closed forms for 1 and 2 degrees of freedom, the normal one for many.
void test_student(void **) {
  const double level = std::erf(1 / std::sqrt(2.0));
  assert_true(std::abs(student_factor(1) - std::tan(std::numbers::pi * level / 2)) < 1e-3);
  assert_true(std::abs(student_factor(2) - level * std::sqrt(2 / (1 - level * level))) < 1e-3);
  assert_true(std::abs(student_factor(7) - 1.0767) < 1e-3);
  assert_true(std::abs(student_factor(1e9) - 1) < 1e-6);
}

// Parts add up, and many equal ones make the factor go away; what can't be known isn't.
void test_spread(void **) {
  Spread one, sum;
  one.add(std::array<double, 2>{1, 3});
  assert_true(std::abs(one.variance() - 1) < 1e-12 && std::abs(one.freedom() - 1) < 1e-12);
  assert_true(std::abs(one.standard_error() - student_factor(1)) < 1e-12);
  for (int n = 0; n < 50; ++n) sum.add(one);
  assert_true(std::abs(sum.variance() - 50) < 1e-9 && std::abs(sum.freedom() - 50) < 1e-9);
  Spread uneven = one;
  uneven.add(std::array<double, 2>{0, 200});  // outweighs the other part
  assert_true(uneven.freedom() < 1.001);
  assert_true(Spread().standard_error() == 0);
  Spread unknown, infinite;
  unknown.add(std::array<double, 1>{2});
  assert_true(std::isnan(unknown.standard_error()));
  infinite.add(std::array<double, 2>{1, std::numeric_limits<double>::infinity()});
  assert_true(std::isinf(infinite.standard_error()));
  infinite.add(one);
  assert_true(std::isinf(infinite.standard_error()));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_student),
      cmocka_unit_test(test_spread),
      cmocka_unit_test(test_coverage),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
