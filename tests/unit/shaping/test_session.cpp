// SPDX-License-Identifier: Apache-2.0
// Shaping and a caller's path where they are used: in whole generations.
#include "support/lab.h"

#include "noise/own.h"
#include "session/defaults.h"

#include <algorithm>
#include <limits>
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

constexpr int32_t level_count = 4, length = 40, end_token_id = 6;

using Tokens = std::vector<int32_t>;

Tokens generated(const Subject &subject, const NoiseParameters &noise, const Shaping &shaping, Tokens ends = {}) {
  SamplerParameters parameters = Sampler::defaults(SamplerKind::ancestral);
  parameters.shaping = shaping;
  const Hyperschedule schedule = require(Hyperschedule::create(ScheduleKind::slide, 8, level_count), "schedule");
  const Sampler sampler = require(Sampler::create(SamplerKind::ancestral, parameters), "sampler");
  auto session = require(Session::create({subject.model, schedule, require(Noise::create(noise), "noise"), sampler}, 1,
                                         length, 11), "session");
  SessionOptions options = session->frame().options;
  options.end_tokens = std::move(ends);
  require(session->set_options(options), "options");
  return run_to_end(*session)[0];
}

bool has(const Tokens &tokens, int32_t token) { return std::find(tokens.begin(), tokens.end(), token) != tokens.end(); }

size_t kinds(Tokens tokens) {
  std::sort(tokens.begin(), tokens.end());
  return static_cast<size_t>(std::unique(tokens.begin(), tokens.end()) - tokens.begin());
}

void test_shaping(void **) {
  const Subject subject = open_subject(make_runtime(), {});
  const NoiseParameters noise = default_noise(subject.spec());
  const Tokens plain = generated(subject, noise, {});
  assert_int_equal(plain.size(), length);
  assert_true(kinds(plain) > 4);

  // The path puts uniform noise on tokens, so a ban must hold in edits, too; of injected noise it can't speak.
  NoiseParameters masks = noise;
  masks.path = NoisePath::absorbing;
  Shaping shaping;
  const Tokens unshaped = generated(subject, masks, {});
  shaping.biases = {{unshaped[0], -std::numeric_limits<double>::infinity()}};
  assert_false(has(generated(subject, masks, shaping), unshaped[0]));
  shaping.biases = {{2, 1000}};
  for (const int32_t token : generated(subject, masks, shaping)) assert_int_equal(token, 2);
  // A penalty that nothing withstands: every token once before any comes again.
  shaping = {};
  shaping.presence = 100;
  shaping.frequency = 100;
  Tokens spread = generated(subject, masks, shaping);
  assert_true(kinds(spread) > kinds(unshaped) || kinds(spread) == 19);

  // An end token comes no sooner than it may, or never.
  shaping = {};
  shaping.biases = {{end_token_id, 1000}};
  assert_true(generated(subject, masks, shaping, {end_token_id}).size() <= 1);
  shaping.minimum_length = 13;
  const Tokens waited = generated(subject, masks, shaping, {end_token_id});
  assert_true(waited.size() == 13 || (waited.size() == 14 && waited.back() == end_token_id));
  shaping.no_end = true;
  const Tokens endless = generated(subject, masks, shaping, {end_token_id});
  assert_true(endless.size() == length && !has(endless, end_token_id));
}

void ask(void *user, double t, double *a, double *m) {
  const Clocks clocks = t > 0 ? static_cast<const Noise *>(user)->at(t) : Clocks{};
  *a = clocks.a();
  *m = clocks.m();
}

void test_own_path(void **) {
  const Subject subject = open_subject(make_runtime(), {});
  NoiseParameters noise = default_noise(subject.spec());
  Noise path = require(Noise::create(noise), "noise");
  std::vector<double> a, m;
  for (int32_t l = 0; l <= level_count; ++l) {
    a.push_back(path.at_level(l, level_count).a());
    m.push_back(path.at_level(l, level_count).m());
  }
  const Tokens expected = generated(subject, noise, {});
  NoiseParameters own;
  own.path = NoisePath::table;
  own.own = require(OwnPath::table(a.data(), m.data(), level_count), "table");
  assert_true(generated(subject, own, {}) == expected);
  own.path = NoisePath::callback;
  own.grid = noise.grid;
  own.sampling_eps = noise.sampling_eps;
  own.own = require(OwnPath::callback(ask, &path), "callback");
  assert_true(generated(subject, own, {}) == expected);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(test_shaping), cmocka_unit_test(test_own_path)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
