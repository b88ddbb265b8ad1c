// SPDX-License-Identifier: Apache-2.0
// The public functions give what the path inside gives: a caller's own values, noise put on tokens, posteriors.
#include "noise/posterior.h"
#include "numbers.h"

#include <temper/noise.h>

#include <vector>

using namespace temper;
using namespace numbers;

namespace {

constexpr int32_t level_count = 8, vocabulary = 7, mask_id = 3;

temper_noise *gamma_noise() {
  temper_noise *noise = nullptr;
  assert_int_equal(temper_noise_create(TEMPER_NOISE_GAMMA, &noise, nullptr), TEMPER_OK);
  assert_int_equal(temper_noise_set(noise, TEMPER_NOISE_MIX, .3, nullptr), TEMPER_OK);
  return noise;
}

void ask(void *user, double t, double *a, double *m) {
  assert_int_equal(temper_noise_at(static_cast<temper_noise *>(user), t, a, nullptr, m, nullptr, nullptr), TEMPER_OK);
}

void own_paths(void **) {
  temper_noise *noise = gamma_noise(), *table = nullptr, *function = nullptr;
  std::vector<double> a(level_count + 1), m(level_count + 1);
  for (int32_t l = 0; l <= level_count; ++l)
    assert_int_equal(temper_noise_level(noise, l, level_count, nullptr, &a[static_cast<size_t>(l)], nullptr,
                                        &m[static_cast<size_t>(l)], nullptr), TEMPER_OK);
  assert_int_equal(temper_noise_create_table(a.data(), m.data(), level_count, &table, nullptr), TEMPER_OK);
  assert_int_equal(temper_noise_create_callback(ask, noise, &function, nullptr), TEMPER_OK);
  for (temper_noise *own : {table, function})
    for (int32_t l = 0; l <= level_count; ++l) {
      double t = 0, x = 0, u = 0, y = 0;
      assert_int_equal(temper_noise_level(own, l, level_count, &t, &x, &u, &y, nullptr), TEMPER_OK);
      near(t, static_cast<double>(l) / level_count, 0);
      near(x, a[static_cast<size_t>(l)], 1e-15);
      near(y, m[static_cast<size_t>(l)], 1e-15);
      near(u, 1 - x - y, 1e-15);
    }
  temper_noise_destroy(function);
  temper_noise_destroy(table);
  temper_noise_destroy(noise);
}

std::vector<int32_t> corrupted(const temper_noise *noise, const std::vector<int32_t> &tokens,
                               const std::vector<int32_t> &from, const std::vector<int32_t> &to, temper_draws draws) {
  std::vector<int32_t> out = tokens;  // in place
  assert_int_equal(temper_noise_corrupt(noise, vocabulary, mask_id, level_count, from.empty() ? nullptr : from.data(),
                                        to.data(), to.size(), &draws, out.data(), out.size(), out.data(), nullptr),
                   TEMPER_OK);
  return out;
}

void corruption(void **) {
  temper_noise *noise = gamma_noise();
  const std::vector<int32_t> clean(4000, 5);
  const temper_draws draws = {11, 2, 0, 100, 0};
  const std::vector<int32_t> whole = corrupted(noise, clean, {}, {4}, draws);
  // Pieces give the same as the whole, and so does a level for each position.
  temper_draws later = draws;
  later.position += 1500;
  const std::vector<int32_t> piece = corrupted(noise, std::vector<int32_t>(10, 5), {}, std::vector<int32_t>(10, 4), later);
  assert_true(std::vector<int32_t>(whole.begin() + 1500, whole.begin() + 1510) == piece);
  // Another step of the same row draws anew; the same one doesn't.
  temper_draws other = draws;
  other.step = 1;
  assert_true(corrupted(noise, clean, {}, {4}, other) != whole);
  assert_true(corrupted(noise, clean, {}, {4}, draws) == whole);

  // Frequencies at level 6, on the way of level 4; six standard deviations.
  double a = 0, u = 0, m = 0;
  assert_int_equal(temper_noise_level(noise, 6, level_count, nullptr, &a, &u, &m, nullptr), TEMPER_OK);
  const std::vector<int32_t> more = corrupted(noise, whole, {4}, {6}, other);
  std::vector<double> share(vocabulary);
  for (size_t i = 0; i < more.size(); ++i) {
    share[static_cast<size_t>(more[i])] += 1.0 / 4000;
    if (whole[i] == mask_id) assert_int_equal(more[i], mask_id);
  }
  const auto expect = [](double value, double p) { near(value, p, 6 * std::sqrt(p * (1 - p) / 4000)); };
  expect(share[mask_id], m);
  expect(share[5], a + u / 6);
  for (size_t z : {size_t{0}, size_t{1}, size_t{2}, size_t{4}, size_t{6}}) expect(share[z], u / 6);

  for (int32_t token : corrupted(noise, whole, {4}, {level_count}, other)) assert_int_equal(token, mask_id);
  assert_true(corrupted(noise, whole, {4}, {4}, other) == whole);
  temper_noise_destroy(noise);
}

void posteriors(void **) {
  temper_noise *noise = gamma_noise();
  const Noise path = made(NoisePath::gamma, .3, NoiseClock::log_linear);
  for (int32_t y = -1; y < 5; ++y) {
    double p[5], expected[5], mask = 0, expected_mask = 0;
    assert_int_equal(temper_noise_posterior(noise, level_count, 5, 3, 5, y, 2, p, &mask, nullptr), TEMPER_OK);
    exact_posterior(path.transition(5, 3, level_count), 5, y, 2, expected, &expected_mask);
    double sum = mask;
    for (size_t z = 0; z < 5; ++z) {
      near(p[z], expected[z], 1e-15);
      sum += p[z];
    }
    near(mask, expected_mask, 1e-15);
    near(sum, 1, 1e-14);
  }
  temper_noise_destroy(noise);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(own_paths), cmocka_unit_test(corruption), cmocka_unit_test(posteriors)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
