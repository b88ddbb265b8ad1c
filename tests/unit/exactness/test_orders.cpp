// SPDX-License-Identifier: Apache-2.0
// Samplers that look at one position after the other, or take the most probable token: first hitting, greedy.
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

Tally tally;

void first_hitting(void **) {
  Table carried({3, 3}, HeadForm::posterior, 41, 3), four({2, 4}, HeadForm::posterior, 42, 0);
  carried.description.carry_over = true;
  const Sampler sampler = sampler_of(SamplerKind::first_hitting, {});
  tally.sweep("first hitting", carried, absorbing_path(), sampler, 3);
  tally.sweep("first hitting", four, absorbing_path(NoiseClock::log_linear), sampler, 2);
  tally.check("first hitting", four, {"flat(1)", Hyperschedule::flat(1).value()}, absorbing_path(), sampler);
  tally.check("first hitting, shaped", four, {"flat(2)", Hyperschedule::flat(2).value()}, absorbing_path(),
              sampler_of(SamplerKind::first_hitting, {{SamplerParameter::temperature, .5}}));
}

void greedy(void **) {
  const Table full({3, 3}, HeadForm::posterior, 43, 3), plugged({3, 3}, HeadForm::leave_one_out, 44, 3);
  const Sampler sampler = sampler_of(SamplerKind::greedy, {});
  tally.sweep("greedy, posterior", full, absorbing_path(), sampler);
  tally.sweep("greedy, leave-one-out", plugged, uniform_path(), sampler);
  tally.sweep("greedy, posterior", full, epsilon_path(), sampler);
  tally.sweep("greedy, leave-one-out", plugged, gamma_path(.3), sampler);
  tally.sweep("greedy, posterior", full, gidd_path(), sampler);
  tally.close();
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(first_hitting), cmocka_unit_test(greedy)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
