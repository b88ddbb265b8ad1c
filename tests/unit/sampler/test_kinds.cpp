// SPDX-License-Identifier: Apache-2.0
// The kinds as a table: parameters with ranges and defaults, what can't be combined, public numbers, and that no
// phase takes memory.
#include "sampler/kind.h"
#include "scene.h"

#include <temper/sampler.h>

#include <cstdlib>
#include <new>

namespace {
size_t allocations = 0;
}

// Not inlined: compilers would take malloc and free for a pair of their own.
[[gnu::noinline]] void *operator new(size_t size) {
  ++allocations;
  if (void *memory = std::malloc(size > 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void *memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void *memory, size_t) noexcept { std::free(memory); }

using namespace temper;
using namespace temper::test;

namespace {

using P = SamplerParameter;

constexpr SamplerKind kinds[] = {
    SamplerKind::ancestral,     SamplerKind::acs,        SamplerKind::greedy,    SamplerKind::analytic,
    SamplerKind::remask,        SamplerKind::remdm,      SamplerKind::first_hitting, SamplerKind::confidence,
    SamplerKind::threshold,     SamplerKind::entropy_bound, SamplerKind::gibbs,  SamplerKind::renoise,
    SamplerKind::self_correct,  SamplerKind::edit};
constexpr int32_t last_parameter = static_cast<int32_t>(P::end_rule);

Noise path(NoisePath which) {
  NoiseParameters parameters;
  parameters.path = which;
  parameters.mix = which == NoisePath::absorbing || which == NoisePath::uniform ? 0 : .1;
  return Noise::create(parameters).value();
}

void numbers(void **) {
  assert_int_equal(TEMPER_SAMPLER_EDIT, static_cast<int>(SamplerKind::edit));
  assert_int_equal(TEMPER_SAMPLER_REMASK, static_cast<int>(SamplerKind::remask));
  assert_int_equal(TEMPER_SAMPLER_ENTROPY_BOUND, static_cast<int>(SamplerKind::entropy_bound));
  assert_int_equal(TEMPER_SAMPLER_SELF_CORRECT, static_cast<int>(SamplerKind::self_correct));
  assert_int_equal(TEMPER_SAMPLER_ETA, static_cast<int>(P::eta));
  assert_int_equal(TEMPER_SAMPLER_TYPICAL_P, static_cast<int>(P::typical_p));
  assert_int_equal(TEMPER_SAMPLER_ZETA, static_cast<int>(P::zeta));
  assert_int_equal(TEMPER_SAMPLER_ALPHA_ON, static_cast<int>(P::alpha_on));
  assert_int_equal(TEMPER_SAMPLER_BOUND, static_cast<int>(P::entropy_bound));
  assert_int_equal(TEMPER_SAMPLER_EDIT_AT, static_cast<int>(P::edit_threshold));
  assert_int_equal(TEMPER_SAMPLER_PATIENCE, static_cast<int>(P::patience));
  assert_int_equal(TEMPER_SAMPLER_END_RULE, last_parameter);
}

void parameters(void **) {
  for (const SamplerKind kind : kinds) {
    assert_non_null(find_kind(kind));
    SamplerParameters values = Sampler::defaults(kind);
    assert_true(Sampler::create(kind, values).ok());
    for (int32_t number = 1; number <= last_parameter; ++number) {
      const auto key = static_cast<P>(number);
      const auto limits = Sampler::bounds(kind, key);
      assert_true(Sampler::get(kind, values, key).ok() == limits.ok());
      if (!limits.ok()) {
        assert_int_equal(limits.status().code(), TEMPER_E_ARGUMENT);
        assert_false(Sampler::set(kind, values, key, 0).ok());
        continue;
      }
      const ParameterBounds &b = limits.value();
      assert_true(b.low <= b.initial && b.initial <= b.high);
      near(Sampler::get(kind, values, key).value(), b.initial, 0);
      for (const double good : {b.low, b.high, b.initial}) assert_true(Sampler::set(kind, values, key, good).ok());
      for (const double bad : {b.low - 1, b.high * 2 + 1, std::nan(""), HUGE_VAL})
        assert_false(Sampler::set(kind, values, key, bad).ok());
      if (b.integer) assert_false(Sampler::set(kind, values, key, b.low + .5).ok());
      near(Sampler::get(kind, values, key).value(), b.initial, 0);  // an error leaves it
    }
  }
  assert_false(Sampler::bounds(static_cast<SamplerKind>(14), P::temperature).ok());
  assert_false(Sampler::bounds(static_cast<SamplerKind>(-1), P::temperature).ok());
  assert_false(Sampler::bounds(SamplerKind::acs, static_cast<P>(0)).ok());
  assert_false(Sampler::bounds(SamplerKind::acs, static_cast<P>(last_parameter + 1)).ok());
  assert_false(Sampler::create(static_cast<SamplerKind>(99), {}).ok());
  // Values from elsewhere are checked, too.
  SamplerParameters wild = Sampler::defaults(SamplerKind::remask);
  wild.zeta = 2;
  assert_false(Sampler::create(SamplerKind::remask, wild).ok());
}

// y: goes; n: refused. Heads: posterior, leave-one-out, exact score, carried over; paths: absorbing, uniform,
// epsilon, gamma, gidd.
void combinations(void **) {
  const NoisePath paths[] = {NoisePath::absorbing, NoisePath::uniform, NoisePath::epsilon, NoisePath::gamma, NoisePath::gidd};
  const auto row_of = [&](const Sampler &sampler, HeadForm form, bool carried) {
    std::string row;
    HeadDescription head = head_of(4);
    head.kind = form;
    head.carry_over = carried;
    for (const NoisePath which : paths) {
      const Status status = sampler.check(head, path(which));
      row += status.ok() ? 'y' : 'n';
      if (!status.ok()) assert_true(status.message().size() > 20);
    }
    return row;
  };
  const auto expect = [&](const Sampler &sampler, const char *posterior, const char *leave_one_out, const char *carried) {
    const auto kind = static_cast<int>(sampler.kind());
    const std::string got[] = {row_of(sampler, HeadForm::posterior, false), row_of(sampler, HeadForm::leave_one_out, false),
                               row_of(sampler, HeadForm::posterior, true)};
    if (got[0] != posterior || got[1] != leave_one_out || got[2] != carried)
      fail_msg("kind %d: %s %s %s", kind, got[0].c_str(), got[1].c_str(), got[2].c_str());
  };
  for (const SamplerKind kind : {SamplerKind::ancestral, SamplerKind::greedy, SamplerKind::analytic, SamplerKind::renoise})
    expect(make(kind), "yyyyy", "yyyyy", "ynnnn");
  for (const SamplerKind kind : {SamplerKind::acs, SamplerKind::confidence, SamplerKind::threshold, SamplerKind::entropy_bound})
    expect(make(kind), "ynyyy", "ynyyy", "ynnnn");
  expect(make(SamplerKind::remask), "nnyyy", "nnyyy", "nnnnn");
  for (const SamplerKind kind : {SamplerKind::remdm, SamplerKind::first_hitting}) expect(make(kind), "ynnnn", "ynnnn", "ynnnn");
  expect(make(SamplerKind::gibbs), "nyyyy", "yyyyy", "nnnnn");
  expect(make(SamplerKind::self_correct), "yyyyy", "yyyyy", "nnnnn");
  expect(make(SamplerKind::edit), "ynyyy", "ynyyy", "nnnnn");
  // The published analytic step wants scores; the loop a beginning before its end, and room for its remasking.
  assert_int_equal(row_of(make(SamplerKind::analytic, {{P::compat, 1}}), HeadForm::posterior, false) == "nnnnn", 1);
  assert_int_equal(row_of(make(SamplerKind::analytic, {{P::compat, 1}}), HeadForm::score_exact, false) == "yynyn", 1);
  assert_true(row_of(make(SamplerKind::remdm, {{P::rule, 3}, {P::t_on, .1}, {P::t_off, .2}}), HeadForm::posterior, true) == "nnnnn");
  assert_true(row_of(make(SamplerKind::remdm, {{P::rule, 3}, {P::eta, .5}}), HeadForm::posterior, true) == "nnnnn");
  // A model without a mask token can't follow a path of masks with a sampler that reveals them.
  HeadDescription plain = head_of(4);
  plain.mask_token = -1;
  assert_false(make(SamplerKind::confidence).check(plain, path(NoisePath::absorbing)).ok());
  assert_true(make(SamplerKind::ancestral).check(plain, path(NoisePath::uniform)).ok());
}

// Every kind, every filter: a window to its end without a mask left, without memory taken, the same every time.
void runs(void **) {
  const std::vector<std::vector<double>> rows(6, {.3, .3, .2, .1, .1});
  for (const SamplerKind kind : kinds) {
    const bool mixed = kind == SamplerKind::remask || kind == SamplerKind::gibbs;
    const Noise noise = path(mixed ? NoisePath::gidd : NoisePath::absorbing);
    SamplerParameters values = Sampler::defaults(kind);
    for (const auto &[key, value] : {std::pair{P::top_k, 4.0}, {P::top_p, .95}, {P::min_p, .01}, {P::typical_p, .9}, {P::stop_stable, 50.0}})
      (void)Sampler::set(kind, values, key, value);
    const Sampler sampler = Sampler::create(kind, values).value();
    Scene scene(head_of(5), rows, noise.transition(8, 7, 8));
    std::vector<int32_t> first;
    for (int repeat = 0; repeat < 2; ++repeat) {
      scene.restart(std::vector<int32_t>(6, 5), 4);
      bool settled = false;
      for (int32_t level = 8; level > 0 && !settled; --level) {
        scene.transitions.assign(6, noise.transition(level, level - 1, 8));
        const size_t before = allocations;
        Verdict verdict;
        int calls = 0;
        while ((verdict = scene.call(sampler)) == Verdict::hold && calls < 400) ++calls;
        assert_int_equal(allocations, before);
        assert_true(calls < 400);
        settled = verdict == Verdict::settle;
      }
      assert_int_equal(scene.masks(), 0);
      if (repeat == 0) first = scene.tokens;
      else assert_true(first == scene.tokens);
    }
  }
}

// Ids that no token has are never drawn, however probable, by no kind and no published mode; nor by injected noise.
void excluded(void **) {
  const std::vector<std::vector<double>> rows(6, {.21, .2, .19, .21, .19});
  const int32_t forbidden[] = {0, 3};
  int generations = 0;
  for (const NoisePath which : {NoisePath::absorbing, NoisePath::uniform, NoisePath::gidd})
    for (const HeadForm form : {HeadForm::posterior, HeadForm::score_exact})
      for (const SamplerKind kind : kinds)
        for (const double compat : {0., 1.}) {
          SamplerParameters values = Sampler::defaults(kind);
          if (!Sampler::set(kind, values, P::compat, compat).ok() && compat > 0) continue;
          (void)Sampler::set(kind, values, P::stop_stable, 3);
          const Sampler sampler = Sampler::create(kind, values).value();
          HeadDescription head = head_of(5);
          head.kind = form;
          head.forbidden = forbidden;
          head.forbidden_count = 2;
          const Noise noise = path(which);
          if (!sampler.check(head, noise).ok()) continue;
          ++generations;
          Scene scene(head, rows, noise.transition(8, 7, 8));
          for (uint32_t sequence = 0; sequence < 20; ++sequence) {
            std::vector<int32_t> begin;
            for (uint32_t i = 0; i < 6; ++i) begin.push_back(Sampler::initial_token(head, noise, Draws(9, sequence, 0, i)));
            scene.restart(begin, sequence);
            for (int32_t level = 8; level > 0; --level) {
              scene.transitions.assign(6, noise.transition(level, level - 1, 8));
              Verdict verdict = Verdict::hold;
              for (int call = 0; call < 30 && verdict == Verdict::hold; ++call) {
                verdict = scene.call(sampler);
                for (const int32_t token : scene.tokens)
                  if (token == 0 || token == 3 || token < 0) fail_msg("kind %d drew %d", static_cast<int>(kind), token);
              }
            }
          }
        }
  assert_true(generations > 50);
}

// Published steps whose numbers leave their range: a small temperature knows what is best, and what is infinite fails.
void extremes(void **) {
  const auto drawn = [](const Sampler &sampler, HeadForm form, const std::vector<double> &row, const Transition &step,
                        int32_t before) {
    HeadDescription head = head_of(4);
    head.kind = form;
    // A prediction without a column for the mask.
    if (form == HeadForm::posterior) head.columns = head.vocabulary = 4;
    Scene scene(head, {row}, step);
    scene.restart({before}, 0);
    scene.call(sampler);
    return scene.tokens[0];
  };
  constexpr int32_t mask = 4;
  const Transition middle = mask_step(.5, .25), last = mask_step(.5, 0);
  for (const double temperature : {1e-3, 1e-11, 1e-300}) {
    const Sampler remdm = make(SamplerKind::remdm, {{P::compat, 1}, {P::temperature, temperature}});
    assert_int_equal(drawn(remdm, HeadForm::posterior, {.1, .2, .4, .3}, middle, mask), 2);
    assert_int_equal(drawn(remdm, HeadForm::posterior, {0, 1, 0, 0}, last, mask), 1);
  }
  const Sampler analytic = make(SamplerKind::analytic, {{P::compat, 1}});
  const Noise uniform = path(NoisePath::uniform);
  // All noise at the first level: the token whose score is highest takes it all.
  assert_int_equal(drawn(analytic, HeadForm::score_exact, {1, 1, 9, 1}, uniform.transition(8, 7, 8), 0), 2);
  const double huge = std::exp(50.);
  const Transition first = path(NoisePath::absorbing).transition(8, 7, 8);
  assert_int_equal(drawn(analytic, HeadForm::score_exact, {1, huge, 1, 1}, first, mask), -1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(numbers), cmocka_unit_test(parameters), cmocka_unit_test(combinations),
                              cmocka_unit_test(runs), cmocka_unit_test(excluded), cmocka_unit_test(extremes)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
