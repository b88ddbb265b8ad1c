// SPDX-License-Identifier: Apache-2.0
// The exact chain, drawn in two ways (ancestral, analytic), on every path: whole sequences have the distribution
// that enumeration gives, with one large step as with many small ones.
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

void posterior(void **) {
  const Table model({3, 3}, HeadForm::posterior, 1, 3);
  for (const NamedPath &path : {absorbing_path(), uniform_path(), epsilon_path(), gamma_path(.3), gidd_path()}) {
    tally.sweep("ancestral, posterior", model, path, sampler_of(SamplerKind::ancestral, {}), 2);
    tally.sweep("analytic, posterior", model, path, sampler_of(SamplerKind::analytic, {}));
  }
}

// Other clocks, mixtures and sizes.
void variations(void **) {
  const Table small({2, 4}, HeadForm::posterior, 6, 1), wide({6, 2}, HeadForm::leave_one_out, 7, 6),
      longer({2, 5}, HeadForm::leave_one_out, 8, 2), four({4, 3}, HeadForm::posterior, 9, 4);
  const Sampler ancestral = sampler_of(SamplerKind::ancestral, {}), analytic = sampler_of(SamplerKind::analytic, {});
  tally.sweep("ancestral", small, absorbing_path(NoiseClock::cosine), ancestral);
  tally.sweep("analytic", longer, epsilon_path(.4, NoiseClock::log_linear), analytic);
  tally.sweep("ancestral", wide, gamma_path(1, NoiseClock::linear), ancestral);
  tally.sweep("ancestral", longer, gidd_path(.05), ancestral);
  tally.sweep("analytic", four, gidd_path(.5), analytic);
  tally.close();
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(posterior), cmocka_unit_test(variations)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
