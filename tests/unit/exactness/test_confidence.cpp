// SPDX-License-Identifier: Apache-2.0
// As many positions a call as the levels give, the most confident first: every order, and what the published programs
// do with a mask that was drawn.
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

// Every order, both ways of rounding; predictions shaped in several ways.
void orders(void **) {
  Table carried(of_three, HeadForm::posterior, 71, 3);
  carried.description.carry_over = true;
  const Table four(of_four, HeadForm::leave_one_out, 72, 1);
  for (int order = 5; order >= 0; --order) {
    const std::string name = std::string("confidence, ") + order_names[order];
    const bool first = order % 2 == 0;
    tally.sweep(name, carried, absorbing_path(),
                sampler_of(SamplerKind::confidence, with(first ? few : warm, {{P::order, order}, {P::rule, first ? 0 : 1}})));
    tally.check(name, four, flat(3), absorbing_path(first ? NoiseClock::cosine : NoiseClock::log_linear),
                sampler_of(SamplerKind::confidence, with(first ? warm : Values(), {{P::order, order}, {P::rule, first ? 1 : 0}})));
  }
}

// Several positions at levels of their own: what becomes final, and others.
void windows(void **) {
  const Table longer({2, 5}, HeadForm::posterior, 73, 2), score(of_three, HeadForm::score_exact, 81, 2, .6F);
  tally.check("confidence", longer, slide(4, 3), absorbing_path(NoiseClock::cosine), sampler_of(SamplerKind::confidence, {}));
  tally.check("confidence, floor", longer, slide(4, 3), absorbing_path(), sampler_of(SamplerKind::confidence, {{P::rule, 1}}));
  tally.check("confidence", score, pauses(), absorbing_path(), sampler_of(SamplerKind::confidence, {}));
  // On a path with uniform noise, too, tokens stay what they were drawn as.
  tally.check("confidence, score", score, flat(2), gamma_path(.3), sampler_of(SamplerKind::confidence, {{P::order, 1}}));
}

// A draw without replacement, with weights.
void weighted(void **) {
  const Table model(of_three, HeadForm::posterior, 74, 0), four(of_four, HeadForm::posterior, 75, 2);
  const double temperatures[] = {.2, .1, .3, .25, .1, 1};
  for (int order = 0; order < 6; ++order) {
    const Values values = {{P::order, order}, {P::order_temperature, temperatures[order]}};
    const std::string name = std::string("weighted, ") + order_names[order];
    if (order % 2 != 0) tally.check(name, four, flat(3), absorbing_path(), sampler_of(SamplerKind::confidence, values));
    else tally.check(name, model, schedules()[static_cast<size_t>(4 + order / 2)], absorbing_path(NoiseClock::log_linear),
                     sampler_of(SamplerKind::confidence, with(values, warm)));
  }
}

// Nothing is left to chance, and the first of equals is taken.
void certain(void **) {
  const Table model(of_three, HeadForm::posterior, 76, 3);
  for (int order = 0; order < 4; ++order)
    tally.check(std::string("the most probable, ") + order_names[order], model, flat(3), absorbing_path(),
                sampler_of(SamplerKind::confidence, {{P::temperature, 0}, {P::order, order}}));
  // The one token that is left of a row is certain: all are equal.
  for (int order = 1; order < 4; ++order)
    tally.check(std::string("equals, ") + order_names[order], model, flat(3), absorbing_path(),
                sampler_of(SamplerKind::confidence, {{P::top_k, 1}, {P::order, order}}));
}

// The mask has its place in the prediction; drawing it takes up one of the number, and some may be left in the end.
void published(void **) {
  const Table model(of_three, HeadForm::posterior, 83, 1, 2.5F, .5F), four(of_four, HeadForm::posterior, 84, 2, 2.5F, -.5F);
  const Values compat = {{P::compat, 1}};
  tally.sweep("published confidence", model, absorbing_path(), sampler_of(SamplerKind::confidence, compat));
  // Calls that reveal nothing are among these.
  tally.check("published confidence, floor", four, flat(5), absorbing_path(NoiseClock::log_linear),
              sampler_of(SamplerKind::confidence, with(with(compat, warm), {{P::rule, 1}, {P::order, 1}})));
  tally.check("published confidence, weighted", four, flat(3), absorbing_path(),
              sampler_of(SamplerKind::confidence, with(compat, {{P::order, 3}, {P::order_temperature, .3}})));
  tally.close();
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(orders), cmocka_unit_test(windows), cmocka_unit_test(weighted),
                              cmocka_unit_test(certain), cmocka_unit_test(published)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
