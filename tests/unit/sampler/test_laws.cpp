// SPDX-License-Identifier: Apache-2.0
// What one step of each kind does to one position, by frequency, against its formula (MATH 1.4 to 1.6, 4.2).
#include "noise/posterior.h"
#include "scene.h"

using namespace temper;
using namespace temper::test;

namespace {

constexpr int runs = 40000;
constexpr int32_t token_count = 4, mask_id = 4;
const std::vector<double> prediction = {.5, .25, .15, .1};

using P = SamplerParameter;

// E1: m .6 to .3, lam .5 to .2.
Transition mixed_step() { return Noise::between({-std::log1p(-.6), .5}, {-std::log1p(-.3), .2}); }

std::vector<int> counts_of(const Sampler &sampler, HeadForm form, const Transition &step, int32_t token, int calls = 1) {
  HeadDescription head = head_of(token_count);
  head.kind = form;
  Scene scene(head, {prediction}, step);
  std::vector<int> counts(5);
  for (int run = 0; run < runs; ++run) {
    scene.restart({token}, static_cast<uint32_t>(run));
    for (int call = 0; call < calls; ++call) scene.call(sampler);
    ++counts[static_cast<size_t>(scene.tokens[0])];
  }
  return counts;
}

// (4) and (6) as decisions one after the other, in all kinds that follow the chain.
void chains(void **) {
  for (const Sampler &sampler : {make(SamplerKind::ancestral), make(SamplerKind::gibbs, {{P::corrector_steps, 0}}), make(SamplerKind::self_correct)}) {
    fits(counts_of(sampler, HeadForm::posterior, mixed_step(), mask_id),
         {0.227341344135, 0.125, 0.084063462346, 0.063595193519, 0.5}, "(4) of a mask");
    fits(counts_of(sampler, HeadForm::posterior, mixed_step(), 1),
         {0.293082241658, 0.525232236227, 0.104325393097, 0.077360129017, 0}, "(4) of a token");
    fits(counts_of(sampler, HeadForm::leave_one_out, mixed_step(), 1),
         {0.117845468171, 0.805613665511, 0.043575435493, 0.032965430825, 0}, "(6) of a token");
  }
  // Greedy moves as often, to the most probable token.
  const Sampler greedy = make(SamplerKind::greedy);
  fits(counts_of(greedy, HeadForm::posterior, mixed_step(), mask_id), {.5, 0, 0, 0, .5}, "greedy, mask");
  fits(counts_of(greedy, HeadForm::posterior, mixed_step(), 1), {1 - 0.525232236227, 0.525232236227, 0, 0, 0}, "greedy, token");
  // Adaptive correction: reveals half of the masks, draws eta / 2 of the tokens anew.
  const Sampler acs = make(SamplerKind::acs, {{P::eta, .6}});
  fits(counts_of(acs, HeadForm::posterior, mixed_step(), mask_id), {.25, .125, .075, .05, .5}, "acs, mask");
  fits(counts_of(acs, HeadForm::posterior, mixed_step(), 1), {.15, .7 + .075, .045, .03, 0}, "acs, token");
  fits(counts_of(make(SamplerKind::first_hitting), HeadForm::posterior, mask_step(.6, .3), mask_id), {.25, .125, .075, .05, .5}, "first hitting");
  for (const SamplerKind kind : {SamplerKind::confidence, SamplerKind::threshold, SamplerKind::entropy_bound, SamplerKind::edit})
    fits(counts_of(make(kind), HeadForm::posterior, mixed_step(), mask_id), {.5, .25, .15, .1, 0}, "the best position's token");
}

// A head of the published epsilon-hybrid is that of other noise; the last step draws from the true posterior (9).
void tilted(void **) {
  const Transition last = Noise::between({-std::log1p(-.5), -std::log1p(-.1)}, {});
  for (const SamplerKind kind : {SamplerKind::ancestral, SamplerKind::analytic}) {
    HeadDescription head = head_of(token_count);
    head.kappa_eff = .5;
    Scene scene(head, {{.25, .625, .075, .05}}, last);
    std::vector<int> counts(5);
    const Sampler sampler = make(kind);
    for (int run = 0; run < runs; ++run) {
      scene.restart({1}, static_cast<uint32_t>(run));
      scene.call(sampler);
      ++counts[static_cast<size_t>(scene.tokens[0])];
    }
    fits(counts, {.05, .925, .015, .01, 0}, "tilted head");
  }
}

void remasking(void **) {
  const Sampler sampler = make(SamplerKind::remask);
  fits(counts_of(sampler, HeadForm::leave_one_out, mixed_step(), mask_id),
       {0.250910437769, 0.137959088966, 0.092778549445, 0.070188279684, 0.448163644136}, "(8) of a mask");
  fits(counts_of(sampler, HeadForm::leave_one_out, mixed_step(), 1),
       {0.082491827720, 0.786175032062, 0.030502804845, 0.023075801577, 0.077754533795}, "(8) of a token");
  // A posterior head says the same of a mask; of a token it is turned into a leave-one-out prediction first.
  std::vector<double> pit(4), expected(5);
  const Transition step = mixed_step();
  leave_one_out_from_posterior(step.rho(4), 4, 1, prediction.data(), pit.data());
  step_remasking(step, 1, 4, 1, pit.data(), expected.data(), &expected[4]);
  fits(counts_of(sampler, HeadForm::posterior, mixed_step(), 1), expected, "(8), F head");
  // zeta between: from the formula; zeta 0: the chain of masks that stay away.
  step_remasking(step, .3, 4, 2, prediction.data(), expected.data(), &expected[4]);
  fits(counts_of(make(SamplerKind::remask, {{P::zeta, .3}}), HeadForm::leave_one_out, mixed_step(), 2), expected, "zeta .3");
  fits(counts_of(make(SamplerKind::remask, {{P::zeta, 0}}), HeadForm::leave_one_out, mixed_step(), 1),
       {0.117845468171, 0.805613665511, 0.043575435493, 0.032965430825, 0}, "zeta 0");
}

void analytic(void **) {
  const Sampler sampler = make(SamplerKind::analytic);
  fits(counts_of(sampler, HeadForm::posterior, mixed_step(), mask_id),
       {0.227341344135, 0.125, 0.084063462346, 0.063595193519, 0.5}, "(4) of a mask");
  fits(counts_of(sampler, HeadForm::posterior, mixed_step(), 1),
       {0.293082241658, 0.525232236227, 0.104325393097, 0.077360129017, 0}, "(4) of a token");
  fits(counts_of(sampler, HeadForm::leave_one_out, mixed_step(), 1),
       {0.117845468171, 0.805613665511, 0.043575435493, 0.032965430825, 0}, "(6) of a token");
  // E4: epsilon-hybrid.
  const double eps = .1;
  const Clocks t{-std::log1p(-.6), -std::log1p(-eps)}, s{-std::log1p(-.3), -std::log1p(-eps)};
  fits(counts_of(sampler, HeadForm::posterior, Noise::between(t, s), mask_id), {.2375, .125, .08, .0575, .5}, "E4");
  fits(counts_of(make(SamplerKind::ancestral), HeadForm::posterior, Noise::between(t, s), mask_id),
       {.2375, .125, .08, .0575, .5}, "E4, ancestral");
}

void remdm(void **) {
  const auto law = [](double remask, double reveal, int32_t token) {
    std::vector<double> p(5);
    for (size_t i = 0; i < 4; ++i) p[i] = token == mask_id ? reveal * prediction[i] : 0;
    p[4] = token == mask_id ? 1 - reveal : remask;
    if (token != mask_id) p[static_cast<size_t>(token)] = 1 - remask;
    return p;
  };
  // alpha .4 to .6: sigma_max is 1.
  const Transition step = mask_step(.6, .4);
  const auto check = [&](const Sampler &sampler, const Transition &of, double remask, double reveal, const char *what) {
    fits(counts_of(sampler, HeadForm::posterior, of, 2), law(remask, reveal, 2), what);
    fits(counts_of(sampler, HeadForm::posterior, of, mask_id), law(remask, reveal, mask_id), what);
  };
  check(make(SamplerKind::remdm, {{P::eta, .1}}), step, .1, .4, "cap");
  check(make(SamplerKind::remdm, {{P::rule, 1}, {P::eta, .1}}), step, .1, .4, "rescale");
  // alpha .6 to .9: sigma_max = 1/6.
  const Transition late = mask_step(.4, .1);
  check(make(SamplerKind::remdm, {{P::eta, .5}}), late, 1.0 / 6, (.9 - .6 * 5 / 6) / .4, "cap at sigma_max");
  check(make(SamplerKind::remdm, {{P::rule, 1}, {P::eta, .5}}), late, 1.0 / 12, (.9 - .6 * 11 / 12) / .4, "rescale");
  const Sampler loop = make(SamplerKind::remdm, {{P::rule, 3}});
  check(loop, late, .02, .18, "loop");
  check(loop, mask_step(.8, .7), 0, (.9 * .3 / .45 - .9 * .2 / .45) / (1 - .9 * .2 / .45), "before the loop");
  check(loop, mask_step(.05, .025), 0, .5, "after the loop");

  // conf: shares of sigma_max by what the token's probability was; two visible tokens.
  Scene scene(head_of(token_count), {prediction, prediction, prediction}, late);
  const Sampler conf = make(SamplerKind::remdm, {{P::rule, 2}});
  std::vector<int> first(2), second(2);
  for (int run = 0; run < runs; ++run) {
    scene.restart({0, 1, mask_id}, static_cast<uint32_t>(run));
    scene.memory[0].probability = .9;
    scene.memory[1].probability = .2;
    scene.call(conf);
    ++first[scene.tokens[0] == mask_id ? 1 : 0];
    ++second[scene.tokens[1] == mask_id ? 1 : 0];
    if (scene.tokens[2] != mask_id) near(scene.memory[2].probability, prediction[static_cast<size_t>(scene.tokens[2])], 1e-6);
    if (scene.tokens[0] == mask_id) near(scene.memory[0].probability, 0, 0);
  }
  const double sure = std::exp(-.9), unsure = std::exp(-.2), most = 1.0 / 6;
  fits(first, {1 - most * sure / (sure + unsure), most * sure / (sure + unsure)}, "conf, sure");
  fits(second, {1 - most * unsure / (sure + unsure), most * unsure / (sure + unsure)}, "conf, unsure");
}

void renoise(void **) {
  const Transition step = mixed_step();
  const double u = (1 - step.m_s) * (1 - step.kappa_s) / 4;
  std::vector<double> expected(5, .3);
  for (size_t i = 0; i < 4; ++i) expected[i] = (1 - .3) * step.kappa_s * prediction[i] + u;
  const Sampler sampler = make(SamplerKind::renoise);
  fits(counts_of(sampler, HeadForm::posterior, step, mask_id), expected, "renoise of a mask");
  fits(counts_of(sampler, HeadForm::posterior, step, 3), expected, "renoise of a token");
}

// What is remembered as a token's probability is the prediction's, whatever the law of the step.
void probabilities(void **) {
  for (const SamplerKind kind : {SamplerKind::ancestral, SamplerKind::analytic, SamplerKind::remask, SamplerKind::renoise}) {
    Scene scene(head_of(token_count), {prediction}, mixed_step());
    scene.head.kind = HeadForm::leave_one_out;
    const Sampler sampler = make(kind);
    for (uint32_t run = 0; run < 50; ++run) {
      scene.restart({mask_id}, run);
      scene.call(sampler);
      const double p = scene.proposals[0].probability;  // 0: no logits were asked for
      if (scene.masks() == 0 && p != 0) near(p, prediction[static_cast<size_t>(scene.tokens[0])], 1e-6);
    }
  }
}

// The corrector draws from P_t and leaves the level; the move that follows is the exact one.
void gibbs(void **) {
  const Transition step = mixed_step();
  std::vector<double> noisy(5, 0.0), expected(5, 0.0), row(5);
  for (size_t i = 0; i < 4; ++i) noisy[i] = step.kappa_t * prediction[i] + (1 - step.kappa_t) / 4;
  const Sampler sampler = make(SamplerKind::gibbs);
  fits(counts_of(sampler, HeadForm::leave_one_out, step, 2), noisy, "corrector");
  for (int32_t y = 0; y < 4; ++y) {
    step_from_leave_one_out(step, 4, y, prediction.data(), row.data(), &row[4]);
    for (size_t i = 0; i < 5; ++i) expected[i] += noisy[static_cast<size_t>(y)] * row[i];
  }
  fits(counts_of(sampler, HeadForm::leave_one_out, step, 2, 2), expected, "corrector and move");
  // Nothing to correct: the move comes at once.
  Scene scene(head_of(token_count), {prediction}, step);
  scene.restart({mask_id}, 0);
  assert_true(scene.call(sampler) == Verdict::advance);
  scene.restart({1}, 0);
  assert_true(scene.call(sampler) == Verdict::hold && scene.call(sampler) == Verdict::advance);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(chains), cmocka_unit_test(tilted), cmocka_unit_test(remasking),
                              cmocka_unit_test(analytic), cmocka_unit_test(remdm), cmocka_unit_test(renoise),
                              cmocka_unit_test(probabilities), cmocka_unit_test(gibbs)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
