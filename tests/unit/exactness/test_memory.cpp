// SPDX-License-Identifier: Apache-2.0
// Samplers that remember: editing counts its calls, ReMDM's rule conf how probable a token was when it was revealed.
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

// Visible tokens give way while the window isn't whole, and in a few more calls.
void edit(void **) {
  const Table model(of_three, HeadForm::posterior, 91, 3), plugged(of_three, HeadForm::leave_one_out, 92, 0),
      longer({2, 4}, HeadForm::posterior, 93, 1);
  const auto sampler = [](const Values &values) {
    Values all = {{P::threshold, .7}, {P::edit_threshold, .75}, {P::extra_steps, 2}};
    all.insert(all.end(), values.begin(), values.end());
    return sampler_of(SamplerKind::edit, all);
  };
  tally.sweep("edit", model, absorbing_path(), sampler({}), 2);
  for (const int extra : {0, 1, 16})
    tally.check("edit, " + std::to_string(extra) + " more calls", plugged, block(2, 2), absorbing_path(NoiseClock::log_linear),
                sampler({{P::extra_steps, extra}}));
  tally.check("edit, slowly", longer, flat(5), absorbing_path(), sampler({{P::threshold, 1}, {P::extra_steps, 3}}));
  // How sure a better token is doesn't depend on the temperature, nor on the order.
  tally.sweep("edit, shaped", model, absorbing_path(), sampler({{P::temperature, .4}, {P::top_k, 2}}));
  tally.check("edit, the most probable", model, flat(3), absorbing_path(), sampler({{P::temperature, 0}}));
  tally.check("edit, filtered, factor", model, flat(3), absorbing_path(),
              sampler({{P::temperature, 1.5}, {P::order, 1}, {P::factor, 1.4}}));
  tally.sweep("edit, margin", model, absorbing_path(), sampler({{P::order, 2}, {P::threshold, .4}}));
  tally.sweep("edit, entropy", plugged, epsilon_path(), sampler({{P::order, 3}}));
  tally.check("edit, random", longer, flat(3), absorbing_path(), sampler({{P::order, 4}}));
  tally.check("edit", model, pauses(), absorbing_path(), sampler({}));
  tally.sweep("edit, position", plugged, absorbing_path(), sampler({{P::order, 5}}));
}

// Tokens that were drawn with very different probabilities, and few calls, tell the rule from equal shares.
void conf(void **) {
  Table model(of_three, HeadForm::posterior, 81, 3, 4.0F);
  const Table sharp({2, 3}, HeadForm::posterior, 8, 0, 7.0F), pair({3, 2}, HeadForm::leave_one_out, 5, 0, 4.0F),
      later({2, 3}, HeadForm::leave_one_out, 11, 0, 7.0F);
  model.description.carry_over = true;
  const auto sampler = [](Values values) {
    values.insert(values.begin(), {P::rule, 2});
    return sampler_of(SamplerKind::remdm, values);
  };
  tally.check("remdm conf", model, flat(3), absorbing_path(), sampler({}));
  tally.check("remdm conf", sharp, flat(3), absorbing_path(NoiseClock::log_linear), sampler({}));
  tally.check("remdm conf", sharp, flat(4), absorbing_path(NoiseClock::cosine), sampler({}));
  tally.check("remdm conf", sharp, flat(12), absorbing_path(), sampler({}));
  tally.sweep("remdm conf", model, absorbing_path(), sampler({}));
  tally.check("remdm conf", later, slide(3, 5), absorbing_path(), sampler({}));
  tally.check("remdm conf", model, pauses(), absorbing_path(), sampler({}));
  tally.check("remdm conf, cold", pair, flat(3), absorbing_path(), sampler({{P::temperature, .3}}));
  tally.check("remdm conf, shaped", model, block(2, 4), absorbing_path(), sampler({{P::temperature, 1.6}, {P::top_k, 2}}));
  tally.close();
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(edit), cmocka_unit_test(conf)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
