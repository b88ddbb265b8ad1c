// SPDX-License-Identifier: Apache-2.0
// All positions that the model is sure enough of, at least one: by a threshold, by a factor that grows with their
// number, by a bound on their entropies.
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

void threshold(void **) {
  const Table model(of_three, HeadForm::posterior, 77, 3), longer({2, 5}, HeadForm::posterior, 73, 2);
  const double enough[] = {.6, .7, .3, .9, .7, .9};
  for (int order = 5; order >= 0; --order) {
    const Values values = {{P::order, order}, {P::threshold, enough[order]}};
    tally.sweep(std::string("threshold, ") + order_names[order], model, absorbing_path(),
                sampler_of(SamplerKind::threshold, order % 2 == 0 ? values : with(values, warm)));
  }
  // Besides those that become final the best is revealed, sure or not.
  tally.check("threshold .95", longer, slide(4, 3), absorbing_path(), sampler_of(SamplerKind::threshold, {{P::threshold, .95}}));
  tally.check("threshold", model, pauses(), absorbing_path(), sampler_of(SamplerKind::threshold, {{P::threshold, .6}}));
}

void factor(void **) {
  const Table four(of_four, HeadForm::leave_one_out, 78, 0);
  const double factors[] = {1.2, 1.1, 1.9, 5.5, 1.3, 5};
  for (int order = 0; order < 6; ++order) {
    const Values values = {{P::order, order}, {P::factor, factors[order]}};
    tally.check(std::string("factor, ") + order_names[order], four, flat(3), absorbing_path(NoiseClock::log_linear),
                sampler_of(SamplerKind::threshold, order % 2 == 0 ? with(values, few) : values));
  }
}

void entropy_bound(void **) {
  const Table model(of_three, HeadForm::posterior, 79, 1), four(of_four, HeadForm::posterior, 80, 2);
  tally.sweep("entropy bound .7", model, absorbing_path(), sampler_of(SamplerKind::entropy_bound, {{P::entropy_bound, .7}}), 2);
  tally.check("entropy bound .9", four, flat(3), absorbing_path(NoiseClock::log_linear),
              sampler_of(SamplerKind::entropy_bound, with(warm, {{P::entropy_bound, .9}})));
  tally.check("entropy bound .5", four, slide(3, 4), absorbing_path(),
              sampler_of(SamplerKind::entropy_bound, {{P::entropy_bound, .5}}));
  tally.check("entropy bound .7", model, pauses(), absorbing_path(),
              sampler_of(SamplerKind::entropy_bound, {{P::entropy_bound, .7}}));
}

// Where one token is left of a row, it is certain: exactly enough, for all at once.
void just_enough(void **) {
  for (const uint32_t seed : {61U, 62U, 63U}) {
    const Table model({3, 4}, HeadForm::posterior, seed, 3);
    tally.check("threshold, just enough", model, flat(3), absorbing_path(),
                sampler_of(SamplerKind::threshold, {{P::order, 1}, {P::top_k, 1}, {P::threshold, 1}}));
    tally.check("entropy bound, just enough", model, flat(3), absorbing_path(),
                sampler_of(SamplerKind::entropy_bound, {{P::top_k, 1}, {P::entropy_bound, 0}}));
  }
}

// Other heads, a path with uniform noise, and a mask that the published program draws.
void others(void **) {
  Table carried(of_three, HeadForm::posterior, 85, 2);
  carried.description.carry_over = true;
  const Table plugged(of_three, HeadForm::leave_one_out, 82, 3), published(of_three, HeadForm::posterior, 83, 1, 2.5F, .5F);
  tally.sweep("threshold, leave-one-out", plugged, epsilon_path(), sampler_of(SamplerKind::threshold, {{P::threshold, .6}}));
  tally.sweep("threshold, carried over", carried, absorbing_path(NoiseClock::log_linear),
              sampler_of(SamplerKind::threshold, {{P::threshold, .5}}));
  tally.sweep("published threshold", published, absorbing_path(),
              sampler_of(SamplerKind::threshold, {{P::compat, 1}, {P::threshold, .5}}));
  tally.close();
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(threshold), cmocka_unit_test(factor), cmocka_unit_test(entropy_bound),
                              cmocka_unit_test(just_enough), cmocka_unit_test(others)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
