// SPDX-License-Identifier: Apache-2.0
// The same through the step engine: sessions of small random models whose logits the caller's function replaces by a
// toy's, thousands of rows at once.
#include "cases.h"
#include "session/defaults.h"
#include "support/lab.h"

#include <cstdlib>
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

constexpr int32_t rows = 4096;
// The models take their time: fewer draws, but where the environment asks for all.
const uint64_t seeds = std::getenv("TEMPER_ALL_CASES") != nullptr ? (draw_count + rows - 1) / rows : 6;
constexpr int length = 3, token_count = 3;

Tally tally;

int rank_of(const HeadDescription &head, int32_t token) {
  if (token < 0 || token == head.mask_token) return token_count;
  return token - (head.mask_token >= 0 && token > head.mask_token ? 1 : 0);
}

int32_t replace(void *user, temper_logits *row) {
  const Table &model = *static_cast<const Table *>(user);
  size_t state = model.places.begin();
  for (int i = 0; i < static_cast<int>(row->count); ++i) {
    const int32_t token = row->tokens[row->first + i];
    state = model.places.with(state, i, rank_of(model.description, token));
  }
  const std::span<const float> logits = model.row(state, static_cast<int>(row->position));
  std::copy(logits.begin(), logits.end(), row->logits);
  return 0;
}

void compare(const char *family, const Named &schedule, const Sampler &sampler, const char *name) {
  const std::shared_ptr<Runtime> runtime = make_runtime(1);
  ModelChoice choice;
  choice.family = family;
  choice.tokens = token_count;
  choice.positions = 16;
  const Subject subject = open_subject(runtime, choice, {}, "reference", false);
  const HeadDescription head = Sampler::converted(describe_head(subject.spec()));
  assert_int_equal(head.tokens(), token_count);
  assert_int_equal(head.columns, token_count + 1);
  Table model({token_count, length}, head.kind, 61, head.mask_token);
  model.description = head;

  const Noise noise = Noise::create(default_noise(subject.spec())).value();
  const std::vector<double> expected = expected_of(model, schedule.schedule, noise, sampler);
  const std::unique_ptr<Session> session =
      require(Session::create({subject.model, schedule.schedule, noise, sampler}, rows, length, 1), family);
  SessionOptions options = session->frame().options;
  options.ignore_end = true;
  require(session->set_options(options), "options");
  session->hooks().logits = {replace, &model};
  std::vector<int> counts(expected.size() + 1);
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    session->reset(seed);
    StepReport report;
    while (!report.done) require(session->step(report), "step");
    for (int32_t row = 0; row < rows; ++row) {
      size_t state = model.places.begin();
      for (int i = 0; i < length; ++i)
        state = model.places.with(state, i, rank_of(head, session->row(row).tokens[static_cast<size_t>(i)]));
      const std::ptrdiff_t sequence = model.places.sequence_of(state);
      ++counts[sequence < 0 ? model.places.sequences() : static_cast<size_t>(sequence)];
    }
  }
  tally.add(std::string(name) + ", " + family + ", " + describe_path(default_noise(subject.spec())) + ", " + schedule.name,
            fit(counts, expected));
}

void causal_windows(void **) {
  compare("hdlm-epsilon", {"block(2,2)", Hyperschedule::block(2, 2).value()}, sampler_of(SamplerKind::ancestral, {}), "ancestral");
  compare("hdlm-gamma", {"slide(2,2)", Hyperschedule::slide(2, 2).value()}, sampler_of(SamplerKind::remask, {}), "remask");
  // Calls beyond the hyperschedule's, and fewer.
  compare("hdlm-epsilon", slide(2, 3),
          sampler_of(SamplerKind::edit, {{P::threshold, .6}, {P::edit_threshold, .6}, {P::extra_steps, 1}}), "edit");
  // A window that looks settled while a position inside it hasn't taken part yet.
  static constexpr int32_t waits[] = {1, 1, 1, 0, 1, 0, 0, 0, 0};
  compare("hdlm-epsilon", {"table", Hyperschedule::table(waits, 2, 3, 1).value()}, sampler_of(SamplerKind::confidence, {}),
          "confidence");
  compare("hdlm-epsilon", pauses(), sampler_of(SamplerKind::threshold, {{P::threshold, .3}}), "threshold");
}

void everything_at_once(void **) {
  compare("mdlm", {"flat(1)", Hyperschedule::flat(1).value()}, sampler_of(SamplerKind::first_hitting, {}), "first hitting");
  compare("mdlm", flat(2), sampler_of(SamplerKind::confidence, {{P::order, 4}}), "confidence");
  compare("mdlm", flat(3), sampler_of(SamplerKind::remdm, {{P::rule, 2}}), "remdm conf");
  compare("gidd", {"flat(2)", Hyperschedule::flat(2).value()}, sampler_of(SamplerKind::gibbs, {}), "gibbs");
  tally.close();
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(causal_windows), cmocka_unit_test(everything_at_once)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
