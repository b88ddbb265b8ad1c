// SPDX-License-Identifier: Apache-2.0
// Calls beyond the hyperschedule's, and fewer: self-correction, editing, the adaptive stop; rules for end tokens.
#include "scene.h"

using namespace temper;
using namespace temper::test;

namespace {

using P = SamplerParameter;

// The token 0 everywhere, very surely or less so.
std::vector<std::vector<double>> prefers_first(std::initializer_list<double> sure) {
  std::vector<std::vector<double>> rows;
  for (const double p : sure) rows.push_back({p, (1 - p) / 2, (1 - p) / 2});
  return rows;
}

void self_correction(void **) {
  Scene scene(head_of(3), prefers_first({.99, .95, .9, .97}), mask_step(.5, 0));
  const Sampler sampler = make(SamplerKind::self_correct, {{P::temperature, 0}});
  scene.restart({1, 2, 0, 1}, 0);
  scene.fixed[3] = true;
  assert_true(scene.call(sampler) == Verdict::hold);  // the chain's own last call
  // One token a round, the highest gain first, then nothing is left to replace.
  assert_true(scene.call(sampler) == Verdict::hold && scene.tokens == (std::vector<int32_t>{0, 2, 0, 1}));
  assert_true(scene.call(sampler) == Verdict::hold && scene.tokens == (std::vector<int32_t>{0, 0, 0, 1}));
  assert_true(scene.call(sampler) == Verdict::advance && scene.tokens == (std::vector<int32_t>{0, 0, 0, 1}));

  // Two a round; and not more rounds than allowed.
  scene.restart({1, 2, 1, 1}, 0);
  const Sampler two = make(SamplerKind::self_correct, {{P::temperature, 0}, {P::corrector_positions, 2}});
  scene.call(two);
  assert_true(scene.call(two) == Verdict::hold && scene.tokens == (std::vector<int32_t>{0, 0, 1, 1}));
  const Sampler few = make(SamplerKind::self_correct, {{P::temperature, 0}, {P::extra_steps, 1}});
  scene.restart({1, 2, 1, 1}, 0);
  assert_true(scene.call(few) == Verdict::hold && scene.call(few) == Verdict::advance);
  const Sampler none = make(SamplerKind::self_correct, {{P::extra_steps, 0}});
  scene.restart({1, 2, 1, 1}, 0);
  assert_true(scene.call(none) == Verdict::advance);
  // Before the last call the chain goes its way.
  scene.transitions[1] = mask_step(.5, .25);
  scene.restart({1, 3, 1, 1}, 0);
  assert_true(scene.call(sampler) == Verdict::advance);

  // Patience: a model that contradicts itself at a high temperature is left alone in the end.
  Scene noisy(head_of(3), prefers_first({.34, .34, .34, .34}), mask_step(.5, 0));
  const Sampler patient = make(SamplerKind::self_correct, {{P::temperature, 1}, {P::patience, 5}});
  noisy.restart(std::vector<int32_t>(4, 1), 3);
  int calls = 1;
  while (noisy.call(patient) == Verdict::hold) assert_true(++calls < 60);
  assert_true(calls >= 5);
}

void editing(void **) {
  Scene scene(head_of(3), prefers_first({.99, .95, .6, .99}), mask_step(.5, .45));
  const Sampler sampler = make(SamplerKind::edit, {{P::temperature, 0}});
  scene.restart({3, 1, 2, 1}, 0);
  scene.fixed[3] = true;
  // The mask is revealed, position 1 corrected, position 2's better token isn't sure enough.
  assert_true(scene.call(sampler) == Verdict::hold);
  assert_true(scene.tokens == (std::vector<int32_t>{0, 0, 2, 1}));
  assert_true(scene.call(sampler) == Verdict::settle);
  scene.restart({3, 1, 2, 1}, 0);
  assert_true(scene.call(make(SamplerKind::edit, {{P::temperature, 0}, {P::extra_steps, 0}})) == Verdict::settle);
  scene.restart({3, 1, 2, 1}, 0);
  scene.call(make(SamplerKind::edit, {{P::temperature, 0}, {P::edit_threshold, .5}}));
  assert_true(scene.tokens == (std::vector<int32_t>{0, 0, 0, 1}));
}

void adaptive_stop(void **) {
  Scene scene(head_of(3), prefers_first({.9999, .9999, .9999}), mask_step(1, .999));
  for (const SamplerKind kind : {SamplerKind::ancestral, SamplerKind::confidence, SamplerKind::acs, SamplerKind::analytic}) {
    const Sampler sampler = make(kind, {{P::stop_stable, 2}});
    scene.restart(std::vector<int32_t>(3, 3), 1);
    assert_true(scene.call(sampler) == Verdict::advance && scene.call(sampler) == Verdict::advance);
    assert_true(scene.call(sampler) == Verdict::settle);
    assert_true(scene.tokens == (std::vector<int32_t>{0, 0, 0}));
  }
  // A change of mind begins the count anew, and so much entropy is no decision.
  const Sampler sampler = make(SamplerKind::ancestral, {{P::stop_stable, 2}});
  scene.restart(std::vector<int32_t>(3, 3), 1);
  scene.call(sampler);
  scene.call(sampler);
  std::swap(scene.rows[0], scene.rows[1]);
  assert_true(scene.call(sampler) == Verdict::advance && scene.call(sampler) == Verdict::advance);
  assert_true(scene.call(sampler) == Verdict::settle && scene.tokens[0] == 1);
  Scene open(head_of(3), prefers_first({.6, .6}), mask_step(1, .999));
  open.restart({3, 3}, 1);
  for (int call = 0; call < 6; ++call) assert_true(open.call(sampler) == Verdict::advance);
  // A fixed token's row isn't asked for; it neither helps nor hinders.
  scene.restart({3, 2, 3}, 1);
  scene.fixed[1] = true;
  for (int call = 0; call < 2; ++call) scene.call(sampler);
  assert_true(scene.call(sampler) == Verdict::settle && scene.tokens[1] == 2);
}

void end_rules(void **) {
  const int32_t ends[] = {0};
  ShapingContext context;
  context.end_tokens = ends;
  Scene scene(head_of(3), prefers_first({.99, .5}), mask_step(1, .5));
  scene.shaping = &context;
  scene.restart({3, 3}, 0);
  // Token 0 is an end token: not drawn, or revealed after the other position.
  scene.call(make(SamplerKind::threshold, {{P::end_rule, 1}, {P::threshold, 0}}));
  assert_true(scene.tokens[0] > 0 && scene.tokens[1] > 0 && scene.masks() == 0);
  Scene two(head_of(3), {{.99, .005, .005}, {.1, .5, .4}}, mask_step(1, .5));
  two.shaping = &context;
  two.restart({3, 3}, 0);
  two.call(make(SamplerKind::confidence, {{P::temperature, 0}, {P::end_rule, 2}}));
  assert_true(two.tokens == (std::vector<int32_t>{3, 1}));
  two.restart({3, 3}, 0);
  two.call(make(SamplerKind::confidence, {{P::temperature, 0}}));
  assert_true(two.tokens == (std::vector<int32_t>{0, 3}));
  // Every kind honours what shaping bans.
  context.end_tokens = {};
  const int32_t allowed[] = {2};
  context.allowed = allowed;
  two.transitions.assign(2, mask_step(.5, 0));
  for (const SamplerKind kind : {SamplerKind::ancestral, SamplerKind::analytic, SamplerKind::first_hitting, SamplerKind::renoise}) {
    two.restart({3, 3}, 0);
    while (two.call(make(kind)) == Verdict::hold) {
    }
    assert_true(two.tokens == (std::vector<int32_t>{2, 2}));
  }
}

// Locally typical: the mass nearest the entropy. Rows (.6, .3, .1): entropy .898; |information - it| is .387, .306, 1.40.
void typical(void **) {
  Scene scene(head_of(3), {{.6, .3, .1}}, mask_step(1, 0));
  const auto drawn = [&](double p) {
    std::vector<int> counts(3);
    for (int run = 0; run < 20000; ++run) {
      scene.restart({3}, static_cast<uint32_t>(run));
      scene.call(make(SamplerKind::ancestral, {{P::typical_p, p}}));
      ++counts[static_cast<size_t>(scene.tokens[0])];
    }
    return counts;
  };
  fits(drawn(.25), {0, 1, 0}, "typical .25");
  fits(drawn(.5), {.6 / .9, .3 / .9, 0}, "typical .5");
  fits(drawn(.95), {.6, .3, .1}, "typical .95");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(self_correction), cmocka_unit_test(editing), cmocka_unit_test(adaptive_stop),
                              cmocka_unit_test(end_rules), cmocka_unit_test(typical)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
