// SPDX-License-Identifier: Apache-2.0
// What models say about visible tokens in all its forms (MATH 2), and predictions that were shaped first.
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

void both(const char *name, const Table &model, const std::vector<NamedPath> &paths, const Values &values = {}) {
  size_t turn = 0;
  for (const NamedPath &path : paths) {
    const bool first = turn++ % 2 == 0;
    const SamplerKind kind = first ? SamplerKind::ancestral : SamplerKind::analytic;
    tally.sweep(std::string(first ? "ancestral, " : "analytic, ") + name, model, path, sampler_of(kind, values));
  }
}

void leave_one_out(void **) {
  const Table model({3, 3}, HeadForm::leave_one_out, 2, 1);
  both("leave-one-out", model, {gidd_path(), absorbing_path(), uniform_path(), epsilon_path(), gamma_path(.3)});
}

void scores(void **) {
  const Table model({3, 3}, HeadForm::score_exact, 3, 3, .6F);
  both("score", model, {absorbing_path(), uniform_path(), gamma_path(.1), epsilon_path(), gidd_path()});
  const Table official({3, 3}, HeadForm::score_official_gamma, 4, 2, .6F);
  both("official score", official, {gamma_path(.1), gamma_path(.1)});
}

// A posterior of another noise than the chain's (MATH 2.1, (9)).
void tilted(void **) {
  Table model({3, 3}, HeadForm::posterior, 5, 0);
  model.description.kappa_eff = .5;
  both("tilted", model, {epsilon_path(), gidd_path()});
}

void shaped(void **) {
  const Table posterior({4, 3}, HeadForm::posterior, 9, 4), leave_one_out({4, 2}, HeadForm::leave_one_out, 10, 2);
  const Values warm = {{SamplerParameter::temperature, .6}}, few = {{SamplerParameter::top_k, 2}},
               wild = {{SamplerParameter::temperature, 1.7}, {SamplerParameter::top_k, 3}};
  both("temperature .6", posterior, {gidd_path(.3), gidd_path(.3)}, warm);
  both("top 2", leave_one_out, {gamma_path(.3)}, few);
  both("temperature 1.7, top 3", leave_one_out, {uniform_path()}, wild);
  tally.close();
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(leave_one_out), cmocka_unit_test(scores), cmocka_unit_test(tilted),
                              cmocka_unit_test(shaped)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
