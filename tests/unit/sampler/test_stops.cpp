// SPDX-License-Identifier: Apache-2.0
// Calls that are added and calls that are saved, on a model whose predictions follow the text: correction ends and
// leaves a text that agrees better with the model; a window that is decided settles; end tokens wait.
#include "scene.h"

#include <algorithm>

using namespace temper;
using namespace temper::test;

namespace {

using P = SamplerParameter;

constexpr int32_t token_count = 4, mask_id = 4;
constexpr size_t length = 8;

// A ring in which every token wants to be what its neighbours are.
class Ring {
 public:
  explicit Ring(const Transition &step)
      : scene(head_of(token_count), std::vector<std::vector<double>>(length, {.25, .25, .25, .25}), step) {}

  void look() {
    for (size_t i = 0; i < length; ++i)
      for (int32_t id = 0; id < token_count; ++id) {
        double logit = .01 * static_cast<double>((i + static_cast<size_t>(id)) % 3);
        for (const size_t j : {(i + 1) % length, (i + length - 1) % length}) logit += scene.tokens[j] == id ? 2.2 : 0;
        scene.rows[i * 5 + static_cast<size_t>(id)] = static_cast<float>(logit);
      }
  }

  Verdict call(const Sampler &sampler) {
    look();
    return scene.call(sampler);
  }

  // Positions whose token is the one the model finds most probable.
  int agreement() {
    look();
    int count = 0;
    for (size_t i = 0; i < length; ++i) {
      const auto row = scene.rows.begin() + static_cast<std::ptrdiff_t>(i * 5);
      count += std::max_element(row, row + token_count) - row == scene.tokens[i] ? 1 : 0;
    }
    return count;
  }

  Scene scene;
};

void self_correction(void **) {
  Ring ring(mask_step(.5, 0));
  const Sampler sampler = make(SamplerKind::self_correct);
  double before = 0, after = 0;
  int still = 0, most = 0;
  constexpr int runs = 400;
  for (uint32_t run = 0; run < runs; ++run) {
    ring.scene.restart(std::vector<int32_t>(length, mask_id), run);
    assert_true(ring.call(sampler) == Verdict::hold);
    assert_int_equal(ring.scene.masks(), 0);
    before += ring.agreement();
    int calls = 1;
    while (ring.call(sampler) == Verdict::hold) assert_true(++calls <= 257);
    most = std::max(most, calls);
    after += ring.agreement();
    still += ring.agreement() == static_cast<int>(length) ? 1 : 0;
  }
  print_message("agreement %.2f -> %.2f of %zu, complete in %d of %d, at most %d calls\n", before / runs, after / runs, length,
                still, runs, most);
  // Drawn all at once the tokens don't know of each other; afterwards most of them do.
  assert_true(before / runs < 5 && after / runs > 7 && still > runs * 3 / 4 && most < 100);

  // As many rounds as allowed and no more, whatever the model says.
  for (const double rounds : {0.0, 1.0, 2.0, 5.0})
    for (uint32_t run = 0; run < 50; ++run) {
      const Sampler limited = make(SamplerKind::self_correct, {{P::extra_steps, rounds}, {P::temperature, 2}});
      ring.scene.restart(std::vector<int32_t>(length, mask_id), run);
      double held = 0;
      while (ring.call(limited) == Verdict::hold) ++held;
      assert_true(held <= rounds);
    }
}

void editing(void **) {
  Ring ring(mask_step(1, .9));
  const Sampler sampler = make(SamplerKind::edit, {{P::threshold, .6}, {P::edit_threshold, .7}, {P::extra_steps, 6}});
  double edited = 0;
  for (uint32_t run = 0; run < 300; ++run) {
    // A text of one token, with masks in it and mistakes.
    std::vector<int32_t> text = {mask_id, 1, 1, 1, 1, mask_id, 1, 1};
    text[2 + run % 2] = static_cast<int32_t>(run % 3 == 0 ? 3 : run % 3 == 1 ? 0 : 2);
    if (run % 5 == 0) text[6] = mask_id;
    ring.scene.restart(text, run);
    int held = 0;
    Verdict verdict = Verdict::advance;
    for (int call = 0; verdict != Verdict::settle; ++call) {
      assert_true(call < 30);
      const std::vector<int32_t> old = ring.scene.tokens;
      verdict = ring.call(sampler);
      bool changed = false;
      for (size_t i = 0; i < length; ++i) {
        // Nothing visible is masked again; what changes was visible and the model was sure of the new token.
        if (old[i] != mask_id) assert_true(ring.scene.tokens[i] != mask_id);
        changed = changed || old[i] != ring.scene.tokens[i];
        if (old[i] == mask_id || old[i] == ring.scene.tokens[i]) continue;
        ++edited;
        assert_true(ring.scene.proposals[i].probability >= .7);
      }
      // Without masks and without a change it is done, with one it looks again.
      if (ring.scene.masks() > 0) assert_true(verdict == Verdict::advance);
      else assert_true(verdict == (changed && held < 6 ? Verdict::hold : Verdict::settle));
      if (verdict == Verdict::hold) ++held;
    }
    assert_int_equal(ring.scene.masks(), 0);
  }
  print_message("%g edits\n", edited);
  assert_true(edited > 200);

  // A model that always wants something else: so many looks and no more.
  for (const double looks : {0.0, 1.0, 6.0}) {
    Scene scene(head_of(2), {{.5, .5}}, mask_step(1, .9));
    const Sampler limited = make(SamplerKind::edit, {{P::extra_steps, looks}});
    scene.restart({0}, 1);
    double held = -1;
    for (Verdict verdict = Verdict::hold; verdict == Verdict::hold; ++held) {
      const auto wanted = static_cast<size_t>(1 - scene.tokens[0]);
      scene.rows[wanted] = 9;
      scene.rows[1 - wanted] = 0;
      verdict = scene.call(limited);
      assert_true(held <= looks && scene.tokens[0] == static_cast<int32_t>(wanted));
    }
    near(held, looks, 0);
  }
}

// Fewer calls than levels, for a model that is sure; all of them for one that isn't.
void thresholds(void **) {
  const auto calls = [](const Sampler &sampler, double sure) {
    Scene scene(head_of(3), std::vector<std::vector<double>>(12, {sure, (1 - sure) / 2, (1 - sure) / 2}), mask_step(1, .99));
    scene.restart(std::vector<int32_t>(12, 3), 1);
    int count = 1;
    while (scene.call(sampler) == Verdict::advance && count < 100) ++count;
    assert_int_equal(scene.masks(), 0);
    return count;
  };
  const Sampler threshold = make(SamplerKind::threshold, {{P::temperature, 0}});
  assert_int_equal(calls(threshold, .95), 1);
  assert_int_equal(calls(threshold, .85), 12);
  const Sampler bound = make(SamplerKind::entropy_bound, {{P::entropy_bound, .6}});
  // Each has .2332 nats: two and the one left out stay within .6, so three a call.
  assert_int_equal(calls(bound, .95), 4);
  assert_int_equal(calls(make(SamplerKind::entropy_bound, {{P::entropy_bound, 0}}), .95), 12);
  assert_int_equal(calls(make(SamplerKind::edit, {{P::temperature, 0}, {P::extra_steps, 0}}), .95), 1);
}

// Stable and certain: settles; a position that doesn't take part yet keeps the window open.
void adaptive_stop(void **) {
  Scene scene(head_of(3), std::vector<std::vector<double>>(4, {.9998, .0001, .0001}), mask_step(1, .999));
  for (const double wanted : {1.0, 3.0, 7.0})
    for (const SamplerKind kind : {SamplerKind::ancestral, SamplerKind::analytic, SamplerKind::acs, SamplerKind::first_hitting}) {
      const Sampler sampler = make(kind, {{P::stop_stable, wanted}});
      scene.restart(std::vector<int32_t>(4, 3), 2);
      for (double call = 0; call < wanted; ++call) assert_true(scene.call(sampler) != Verdict::settle);
      assert_true(scene.call(sampler) == Verdict::settle && scene.masks() == 0);
    }
  const Sampler sampler = make(SamplerKind::ancestral, {{P::stop_stable, 1}});
  scene.restart(std::vector<int32_t>(4, 3), 2);
  scene.transitions[3].identity = true;
  for (int call = 0; call < 5; ++call) assert_true(scene.call(sampler) == Verdict::advance);
  assert_true(scene.tokens == (std::vector<int32_t>{0, 0, 0, 3}));
  // The entropy that is still certain enough: (.9998, .0001, .0001) has .00204 nats.
  scene.transitions[3].identity = false;
  for (const auto &[nats, verdict] : {std::pair{.0020, Verdict::advance}, {.0021, Verdict::settle}}) {
    const Sampler strict = make(SamplerKind::ancestral, {{P::stop_stable, 1}, {P::stop_entropy, nats}});
    scene.restart(std::vector<int32_t>(4, 3), 2);
    scene.call(strict);
    assert_true(scene.call(strict) == verdict);
  }
}

// Token 0 ends a text. Rule 1: it is never drawn. Rule 2: it is revealed after all that isn't one.
void end_rules(void **) {
  const int32_t ends[] = {0};
  ShapingContext context;
  context.end_tokens = ends;
  Scene scene(head_of(3), {{.9, .05, .05}, {.2, .5, .3}, {.8, .1, .1}, {.1, .5, .4}, {.3, .4, .3}}, mask_step(1, .8));
  scene.shaping = &context;
  const auto run = [&](const Sampler &sampler, uint32_t seed) {
    std::vector<std::pair<int, int32_t>> order;  // call and token
    scene.restart(std::vector<int32_t>(5, 3), seed);
    for (int call = 0; scene.masks() > 0; ++call) {
      assert_true(call < 200);
      const std::vector<int32_t> old = scene.tokens;
      scene.call(sampler);
      for (size_t i = 0; i < 5; ++i)
        if (old[i] != scene.tokens[i]) order.emplace_back(call, scene.tokens[i]);
    }
    return order;
  };
  int drawn = 0;
  for (uint32_t seed = 0; seed < 300; ++seed) {
    for (const SamplerKind kind : {SamplerKind::ancestral, SamplerKind::analytic, SamplerKind::confidence, SamplerKind::threshold,
                                   SamplerKind::first_hitting, SamplerKind::acs})
      for (const auto &[call, token] : run(make(kind, {{P::end_rule, 1}}), seed)) assert_true(token != 0);
    for (const SamplerKind kind : {SamplerKind::confidence, SamplerKind::threshold, SamplerKind::entropy_bound, SamplerKind::edit}) {
      // A temperature of 0 draws the same tokens in every call: those of positions 0 and 2 are end tokens.
      int first_end = 99, last_other = -1;
      for (const auto &[call, token] : run(make(kind, {{P::end_rule, 2}, {P::temperature, 0}}), seed)) {
        if (token == 0) first_end = std::min(first_end, call);
        else last_other = std::max(last_other, call);
      }
      assert_true(first_end >= last_other && first_end < 99);
    }
    for (const auto &[call, token] : run(make(SamplerKind::confidence), seed)) drawn += token == 0 ? 1 : 0;
  }
  assert_true(drawn > 300);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(self_correction), cmocka_unit_test(editing), cmocka_unit_test(thresholds),
                              cmocka_unit_test(adaptive_stop), cmocka_unit_test(end_rules)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
