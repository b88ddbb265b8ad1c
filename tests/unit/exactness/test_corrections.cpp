// SPDX-License-Identifier: Apache-2.0
// Samplers that take visible tokens back or draw them anew: exact remasking, predictor-corrector, renoising, ReMDM,
// adaptive correction. Their whole distributions, exact or not for the model at hand, are those of their formulas.
#include "cases.h"

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

using P = SamplerParameter;

Tally tally;
const Places places = {3, 3};

void remask(void **) {
  const Table plugged(places, HeadForm::leave_one_out, 21, 3), full(places, HeadForm::posterior, 22, 0),
      score(places, HeadForm::score_exact, 23, 2, .6F);
  const Sampler resampling = sampler_of(SamplerKind::remask, {}), some = sampler_of(SamplerKind::remask, {{P::zeta, .3}});
  tally.sweep("remask 1, leave-one-out", plugged, epsilon_path(), resampling);
  tally.sweep("remask .3, posterior", full, gamma_path(.3), some);
  tally.sweep("remask 1, leave-one-out", plugged, gidd_path(), resampling);
  tally.sweep("remask .3, posterior", full, gidd_path(), some);
  // Every zeta has the same marginals; a model that contradicts itself much tells them apart.
  const Table sharp(places, HeadForm::leave_one_out, 21, 3, 4.0F);
  tally.check("remask 1, sharp", sharp, {"slide_jump(2,4)", Hyperschedule::slide_jump(2, 4).value()}, gamma_path(.3), resampling);
  tally.sweep("remask 1, score", score, gamma_path(.1), resampling);
}

void gibbs(void **) {
  const Table plugged(places, HeadForm::leave_one_out, 24, 3), full(places, HeadForm::posterior, 25, 3),
      score(places, HeadForm::score_exact, 26, 3, .6F);
  const Sampler one = sampler_of(SamplerKind::gibbs, {}), pair = sampler_of(SamplerKind::gibbs, {{P::corrector_positions, 2}}),
                twice = sampler_of(SamplerKind::gibbs, {{P::corrector_steps, 2}});
  tally.sweep("gibbs, leave-one-out", plugged, absorbing_path(), twice);
  tally.sweep("gibbs, leave-one-out", plugged, uniform_path(), one);
  tally.sweep("gibbs, posterior", full, epsilon_path(.3), pair);
  tally.sweep("gibbs, posterior", full, gidd_path(), one);
  tally.sweep("gibbs, score", score, gamma_path(.3), pair);
}

void renoise(void **) {
  const Table full(places, HeadForm::posterior, 27, 1), plugged(places, HeadForm::leave_one_out, 28, 3);
  const Sampler sampler = sampler_of(SamplerKind::renoise, {});
  tally.sweep("renoise, posterior", full, absorbing_path(), sampler);
  tally.sweep("renoise, leave-one-out", plugged, uniform_path(), sampler);
  tally.sweep("renoise, posterior", full, epsilon_path(), sampler);
  tally.sweep("renoise, leave-one-out", plugged, gamma_path(.3), sampler);
  tally.sweep("renoise, posterior", full, gidd_path(), sampler);
}

void remdm(void **) {
  const Table full(places, HeadForm::posterior, 29, 3);
  const Values rules[] = {{{P::eta, .2}}, {{P::rule, 1}, {P::eta, .4}}, {{P::rule, 3}, {P::eta, .1}}};
  const char *names[] = {"remdm cap", "remdm rescale", "remdm loop"};
  for (size_t i = 0; i < 2; ++i) tally.sweep(names[i], full, absorbing_path(), sampler_of(SamplerKind::remdm, rules[i]));
  // The loop has a middle in many steps only.
  tally.check(names[2], full, schedules()[3], absorbing_path(), sampler_of(SamplerKind::remdm, rules[2]));
}

void adaptive(void **) {
  Table tilted(places, HeadForm::posterior, 30, 3);
  tilted.description.kappa_eff = .5;  // taken as it is
  const Table plugged(places, HeadForm::leave_one_out, 31, 3);
  const Sampler sampler = sampler_of(SamplerKind::acs, {{P::eta, .4}});
  tally.sweep("acs, tilted", tilted, epsilon_path(), sampler);
  tally.sweep("acs, leave-one-out", plugged, gidd_path(), sampler);
  tally.close();
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(remask), cmocka_unit_test(gibbs), cmocka_unit_test(renoise),
                              cmocka_unit_test(remdm), cmocka_unit_test(adaptive)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
