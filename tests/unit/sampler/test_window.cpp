// SPDX-License-Identifier: Apache-2.0
// Joint decisions over a window: how many positions a call reveals, which ones, and when a window is done.
#include "scene.h"

using namespace temper;
using namespace temper::test;

namespace {

using P = SamplerParameter;

// Rows whose first token has the given probability, the rest is shared by two others.
std::vector<std::vector<double>> sure_of(std::initializer_list<double> probabilities) {
  std::vector<std::vector<double>> rows;
  for (const double p : probabilities) rows.push_back({p, (1 - p) * .6, (1 - p) * .4});
  return rows;
}

std::vector<int32_t> masked(size_t length) { return std::vector<int32_t>(length, 3); }

// LLaDA's split of 10 masks over 4 calls, and Dream's numbers rounded down.
void counts(void **) {
  Scene scene(head_of(3), sure_of({.9, .8, .7, .6, .5, .91, .81, .71, .61, .51}), mask_step(1, .75));
  const double levels[] = {1, .75, .5, .25, 0};
  const auto revealed = [&](const Sampler &sampler) {
    std::vector<int> list;
    scene.restart(masked(10), 1);
    for (size_t call = 0; call < 4; ++call) {
      const int before = scene.masks();
      scene.transitions.assign(10, mask_step(levels[call], levels[call + 1]));
      const Verdict verdict = scene.call(sampler);
      assert_true(verdict == (call == 3 ? Verdict::settle : Verdict::advance));
      list.push_back(before - scene.masks());
    }
    return list;
  };
  assert_true(revealed(make(SamplerKind::confidence)) == (std::vector<int>{3, 3, 2, 2}));
  assert_true(revealed(make(SamplerKind::confidence, {{P::rule, 1}})) == (std::vector<int>{2, 2, 3, 3}));
  // The published program may reveal none.
  scene.restart(masked(10), 2);
  scene.transitions.assign(10, mask_step(1, .95));
  scene.call(make(SamplerKind::confidence, {{P::rule, 1}, {P::compat, 1}}));
  assert_int_equal(scene.masks(), 10);
  scene.call(make(SamplerKind::confidence, {{P::rule, 1}}));
  assert_int_equal(scene.masks(), 9);
}

// The most confident go first, equals by position; positions that reach level 0 are revealed whatever they are.
void order(void **) {
  Scene scene(head_of(3), sure_of({.5, .9, .5, .9}), mask_step(1, .75));
  const Sampler sampler = make(SamplerKind::confidence, {{P::temperature, 0}});
  scene.restart(masked(4), 0);
  const bool expected[][4] = {{false, true, false, false}, {false, true, false, true}, {true, true, false, true}};
  const double levels[] = {1, .75, .5, .25};
  for (size_t call = 0; call < 3; ++call) {
    scene.transitions.assign(4, mask_step(levels[call], call == 2 ? .25 : levels[call + 1]));
    scene.call(sampler);
    for (size_t i = 0; i < 4; ++i) assert_int_equal(scene.tokens[i] == 0, expected[call][i]);
  }
  scene.restart(masked(4), 0);
  scene.transitions.assign(4, mask_step(1, .75));
  scene.transitions[2] = mask_step(.25, 0);
  scene.call(sampler);
  assert_true(scene.tokens[2] == 0 && scene.masks() >= 2);
  // Fixed positions and those that stand still aren't touched, and keep the window open.
  scene.restart(masked(4), 0);
  scene.transitions.assign(4, mask_step(.25, 0));
  scene.transitions[3].identity = true;
  scene.fixed[0] = true;
  scene.tokens[0] = 2;
  assert_true(scene.call(sampler) == Verdict::advance);
  assert_true(scene.tokens == (std::vector<int32_t>{2, 0, 0, 3}));
}

// Positions with confidences log 7 and log 3, temperature 1 on them: drawn 7 : 3 (MATH 4.1); margins stand in.
void order_temperature(void **) {
  constexpr int runs = 40000;
  // conf / a with a chosen so that exp gives the ratio 7 : 3.
  const double high = .9, low = .5, a = (high - low) / std::log(7.0 / 3.0);
  Scene scene(head_of(3), {{high, .06, .04}, {low, .3, .2}}, mask_step(1, .5));
  const Sampler sampler = make(SamplerKind::confidence, {{P::temperature, 0}, {P::order_temperature, a}});
  std::vector<int> chosen(2);
  for (int run = 0; run < runs; ++run) {
    scene.restart(masked(2), static_cast<uint32_t>(run));
    scene.call(sampler);
    assert_int_equal(scene.masks(), 1);
    ++chosen[scene.tokens[0] == 3 ? 1 : 0];
  }
  fits(chosen, {.7, .3}, "order temperature");
  const Sampler random = make(SamplerKind::confidence, {{P::order, 4}});
  chosen = {0, 0};
  for (int run = 0; run < runs; ++run) {
    scene.restart(masked(2), static_cast<uint32_t>(run));
    scene.call(random);
    ++chosen[scene.tokens[0] == 3 ? 1 : 0];
  }
  fits(chosen, {.5, .5}, "random order");
}

void threshold(void **) {
  Scene scene(head_of(3), sure_of({.95, .6, .92, .7, .89}), mask_step(1, .99));
  scene.restart(masked(5), 0);
  const Sampler sampler = make(SamplerKind::threshold, {{P::temperature, 0}});
  assert_true(scene.call(sampler) == Verdict::advance);
  assert_true(scene.tokens == (std::vector<int32_t>{0, 3, 0, 3, 3}));
  scene.call(sampler);  // none is sure enough: the best one
  assert_true(scene.tokens == (std::vector<int32_t>{0, 3, 0, 3, 0}));
  scene.call(sampler);
  assert_true(scene.call(sampler) == Verdict::settle && scene.masks() == 0);
  // Factor: (n + 1)(1 - c_n): 2 * .05, 3 * .08, 4 * .11, 5 * .3 below .5.
  scene.restart(masked(5), 0);
  scene.call(make(SamplerKind::threshold, {{P::temperature, 0}, {P::factor, .5}}));
  assert_true(scene.tokens == (std::vector<int32_t>{0, 3, 0, 3, 0}));
  scene.restart(masked(5), 0);
  scene.call(make(SamplerKind::threshold, {{P::temperature, 0}, {P::factor, .4}}));
  assert_true(scene.tokens == (std::vector<int32_t>{0, 3, 0, 3, 3}));
  scene.restart(masked(5), 0);
  scene.call(make(SamplerKind::threshold, {{P::temperature, 0}, {P::factor, .01}}));
  assert_int_equal(scene.masks(), 4);
}

void entropy_bound(void **) {
  const std::vector<std::vector<double>> rows = {{.98, .01, .01}, {.9, .05, .05}, {.99, .005, .005}, {.4, .3, .3}};
  std::vector<double> entropy;
  for (const auto &row : rows) {
    double h = 0;
    for (const double p : row) h -= p * std::log(p);
    entropy.push_back(h);
  }
  Scene scene(head_of(3), rows, mask_step(1, .99));
  const auto left = [&](double bound) {
    scene.restart(masked(4), 7);
    scene.call(make(SamplerKind::entropy_bound, {{P::entropy_bound, bound}}));
    return scene.masks();
  };
  // In order 2, 0, 1, 3; the largest of those accepted doesn't count.
  assert_int_equal(left(0), 3);
  assert_int_equal(left(entropy[2] * .99), 3);
  assert_int_equal(left(entropy[2] * 1.01), 2);
  assert_int_equal(left((entropy[2] + entropy[0]) * 1.01), 1);
  assert_int_equal(left((entropy[2] + entropy[0] + entropy[1]) * .99), 1);
  assert_int_equal(left((entropy[2] + entropy[0] + entropy[1]) * 1.01), 0);
}

// One token a call; the last of five comes on average at 5/6 of the way.
void first_hitting(void **) {
  constexpr int runs = 20000;
  Scene scene(head_of(3), sure_of({.9, .8, .7, .6, .5}), mask_step(.8, 0));
  const Sampler sampler = make(SamplerKind::first_hitting);
  double latest = 0;
  for (int run = 0; run < runs; ++run) {
    scene.restart(masked(5), static_cast<uint32_t>(run));
    for (int call = 0; call < 5; ++call) {
      const Verdict verdict = scene.call(sampler);
      assert_int_equal(scene.masks(), 4 - call);
      assert_true(verdict == (call == 4 ? Verdict::advance : Verdict::hold));
      if (call == 3)
        for (const PositionMemory &memory : scene.memory) latest += memory.turn;
    }
  }
  near(latest / runs, 5.0 / 6, 5 * std::sqrt(5.0 / 252 / runs));

  // Positions that go different ways: of two that are both revealed either may be the first.
  Scene two(head_of(3), sure_of({.9, .9}), mask_step(.8, 0));
  two.transitions[1] = mask_step(.8, .4);
  std::vector<int> earlier(2);
  for (int run = 0; run < runs; ++run) {
    two.restart(masked(2), static_cast<uint32_t>(run));
    if (two.call(sampler) != Verdict::hold) continue;
    ++earlier[two.tokens[0] == 3 ? 1 : 0];
  }
  fits(earlier, {.5, .5}, "who is first");

  // In a step that isn't the last as many as the ancestral sampler reveals, and the very same positions.
  const Sampler ancestral = make(SamplerKind::ancestral);
  scene.transitions.assign(5, mask_step(.8, .5));
  for (uint32_t run = 0; run < 1000; ++run) {
    scene.restart(masked(5), run);
    scene.call(ancestral);
    const std::vector<int32_t> other = scene.tokens;
    scene.restart(masked(5), run);
    while (scene.call(sampler) == Verdict::hold) {
    }
    for (size_t i = 0; i < 5; ++i) assert_int_equal(scene.tokens[i] == 3, other[i] == 3);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(counts),    cmocka_unit_test(order),
                              cmocka_unit_test(order_temperature), cmocka_unit_test(threshold),
                              cmocka_unit_test(entropy_bound), cmocka_unit_test(first_hitting)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
