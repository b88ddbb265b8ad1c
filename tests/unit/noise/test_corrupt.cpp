// SPDX-License-Identifier: Apache-2.0
// Noise put on tokens has the path's own marginals, from clean tokens and from noisy ones.
#include "noise/corrupt.h"
#include "numbers.h"

#include <limits>
#include <vector>

using namespace temper;
using namespace numbers;

namespace {

constexpr int token_count = 6;
constexpr double infinity = std::numeric_limits<double>::infinity();

// Frequencies over the real tokens and the mask against a distribution; the draws are fixed.
void chi_square(const std::vector<int> &counts, const std::vector<double> &p, double limit) {
  double sum = 0, total = 0;
  for (int count : counts) total += count;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (p[i] == 0) {
      assert_int_equal(counts[i], 0);
      continue;
    }
    const double expected = p[i] * total;
    sum += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  if (sum > limit) fail_msg("chi-square %g", sum);
}

std::vector<double> marginal(const Clocks &clocks, int x) {
  std::vector<double> p(token_count + 1, clocks.u() / token_count);
  p[static_cast<size_t>(x)] += clocks.a();
  p[token_count] = clocks.m();
  return p;
}

// The mask may have any id: in the middle of the vocabulary, behind it, or none.
constexpr int inside = 3;
int dense(int token, int mask) { return token == mask ? token_count : mask == inside && token > mask ? token - 1 : token; }
int sparse(int token, int mask) { return mask == inside && token >= mask ? token + 1 : token; }

void frequencies(void **) {
  uint64_t seed = 1;
  for (int mask : {inside, 6, 1000})
    for (const Noise &noise : {made(NoisePath::absorbing, 0), made(NoisePath::epsilon, .2), made(NoisePath::gamma, .3),
                               made(NoisePath::gidd, .2), made(NoisePath::uniform, 0)})
      for (int level : {2, 5, 8}) {
        const Clocks clocks = noise.at_level(level, 8), half = noise.at_level(level / 2, 8);
        const int vocabulary = mask == inside ? token_count + 1 : token_count, x = sparse(4, mask);
        std::vector<int> counts(token_count + 1), steps(token_count + 1);
        ++seed;
        for (uint32_t i = 0; i < 20000; ++i) {
          const int token = corrupt_token(clocks, vocabulary, mask, x, Draws(seed, 7, 0, i));
          ++counts[static_cast<size_t>(dense(token, mask))];
          // In two steps it is the same.
          const int first = corrupt_token(half, vocabulary, mask, x, Draws(seed, 8, 0, i));
          const int second = corrupt_token(elapsed(half, clocks), vocabulary, mask, first, Draws(seed, 8, 1, i));
          ++steps[static_cast<size_t>(dense(second, mask))];
        }
        // 6 degrees of freedom: one in 10^5 lies above 33.1.
        chi_square(counts, marginal(clocks, 4), 33.1);
        chi_square(steps, marginal(clocks, 4), 33.1);
      }
}

void kernel(void **) {
  // The vectors of E1.
  const Clocks s{-std::log1p(-.3), .2}, t{-std::log1p(-.6), .5}, between = elapsed(s, t);
  near(between.a(), 0.423324697532);
  near(between.u(), 0.148103873896);
  near(between.m(), 0.428571428571);
  const Clocks same = elapsed({infinity, infinity}, {infinity, infinity});
  assert_true(same.mu == 0 && same.lam == 0);
  assert_true(elapsed(t, s).mu == 0 && elapsed(t, s).lam == 0);
}

// At the top nothing is left of the token, for every token alike.
void limit(void **) {
  for (uint32_t i = 0; i < 2000; ++i)
    for (int x = 0; x < 3; ++x) {
      const Draws draws(5, 0, 0, i);
      assert_int_equal(corrupt_token({infinity, .1}, 3, 3, x, draws), 3);
      assert_int_equal(corrupt_token({0, infinity}, 3, -1, x, draws), corrupt_token({0, infinity}, 3, -1, 0, draws));
      assert_int_equal(corrupt_token({}, 3, 3, x, draws), x);
    }
}

void edges(void **) {
  const Clocks clocks{.5, .5};
  for (uint32_t i = 0; i < 500; ++i) {
    const Draws draws(5, 0, 0, i);
    assert_int_equal(corrupt_token(clocks, 4, 2, 2, draws), 2);    // masked already
    assert_int_equal(corrupt_token(clocks, 4, -1, -1, draws), -1); // absent
    assert_int_equal(corrupt_token(clocks, 4, 9, 4, draws), 4);    // no token
    const int alone = corrupt_token(clocks, 1, 1, 0, draws);
    assert_true(alone == 0 || alone == 1);
    // Draws depend on the position alone.
    assert_int_equal(corrupt_token(clocks, 4, 9, 1, draws), corrupt_token(clocks, 4, 9, 1, Draws(5, 0, 0, 0).at(i)));
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(frequencies), cmocka_unit_test(kernel), cmocka_unit_test(limit),
                              cmocka_unit_test(edges)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
