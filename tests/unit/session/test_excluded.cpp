// SPDX-License-Identifier: Apache-2.0
// Ids that no token has are never drawn: not by any kind of sampler, not as uniform noise, not in a draft's noise.
#include "support/lab.h"

#include "session/defaults.h"
#include "session/snapshot.h"

#include <algorithm>
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

// Of 19 tokens: one alone, two side by side, and padding at the end. The mask, where there is one, is 19.
const std::vector<int32_t> holes = {3, 7, 8, 17, 18};

bool is_hole(int32_t token) { return std::binary_search(holes.begin(), holes.end(), token); }

struct Kind {
  SamplerKind kind = SamplerKind::ancestral;
  int32_t compat = 0;
  double temperature = 1;
};

Result<std::unique_ptr<Session>> session_of(const Subject &subject, const Kind &kind, bool excluded, uint64_t seed) {
  SamplerParameters parameters = Sampler::defaults(kind.kind);
  parameters.compat = kind.compat;
  parameters.temperature = kind.temperature;
  TEMPER_ASSIGN(Sampler sampler, Sampler::create(kind.kind, parameters));
  NoiseParameters path = default_noise(subject.spec());
  path.terminal_clamp = kind.compat == 0;  // the published programs have none
  TEMPER_ASSIGN(Noise noise, Noise::create(path));
  TEMPER_ASSIGN(Hyperschedule schedule, make_default_schedule(subject.spec()));
  TEMPER_ASSIGN(std::unique_ptr<Session> session,
                Session::create({subject.model, schedule, noise, sampler,
                                 excluded ? std::make_shared<const std::vector<int32_t>>(holes) : nullptr},
                                2, 28, seed));
  SessionOptions options = session->frame().options;
  options.ignore_end = true;
  TEMPER_TRY(session->set_options(options));
  return session;
}

// Tokens of `holes` among all that a session has shown, the window before it settled included; -1: a step failed.
int64_t count_holes(Session &session) {
  int64_t count = 0;
  StepReport report;
  while (!report.done) {
    if (!session.step(report).ok()) return -1;
    for (int32_t row = 0; row < session.rows(); ++row) {
      const Sequence &sequence = session.row(row);
      for (int64_t p = sequence.prompt; p < sequence.materialized; ++p) count += is_hole(sequence.token(p)) ? 1 : 0;
    }
  }
  return count;
}

std::vector<ModelChoice> models() {
  std::vector<ModelChoice> list(7);
  const char *families[] = {"mdlm", "hdlm-epsilon", "hdlm-gamma", "sedd", "sedd", "gidd", "llama"};
  for (size_t i = 0; i < list.size(); ++i) list[i].family = families[i];
  list[4].uniform = true;
  return list;
}

void no_kind_draws_them(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const int32_t last = static_cast<int32_t>(SamplerKind::edit);
  std::vector<int> ran(static_cast<size_t>(last) + 1, 0);
  int64_t without = 0;
  for (const ModelChoice &model : models()) {
    const Subject subject = open_subject(runtime, model, {}, "reference", false);
    for (int32_t number = 0; number <= last; ++number)
      for (const Kind &variant : {Kind{}, Kind{{}, 1, 1}, Kind{{}, 0, 0}}) {
        Kind kind = variant;
        kind.kind = static_cast<SamplerKind>(number);
        // Not every kind is for every model, or has such a mode.
        auto free = session_of(subject, kind, false, 5);
        const int64_t drawn = free.ok() ? count_holes(*free.value()) : -1;
        if (drawn < 0) continue;
        if (kind.temperature > 0) without += drawn;
        ++ran[static_cast<size_t>(number)];
        char what[100];
        std::snprintf(what, sizeof what, "%s, sampler %d, compat %d, temperature %g", model.family.c_str(), number,
                      kind.compat, kind.temperature);
        const int64_t count = count_holes(*require(session_of(subject, kind, true, 5), what));
        if (count != 0) fail_msg("%s %s", what, count > 0 ? "draws an id without a token" : "fails");
      }
  }
  for (int32_t number = 0; number <= last; ++number)
    if (ran[static_cast<size_t>(number)] == 0) fail_msg("sampler %d wasn't tried", number);
  // Otherwise these models draw them all the time.
  assert_true(without > 1000);
}

void uniform_noise_has_none(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  ModelChoice choice;
  choice.family = "sedd";
  choice.uniform = true;
  const Subject subject = open_subject(runtime, choice, {}, "reference", false);
  std::vector<int32_t> draft;
  for (int i = 0; i < 24; ++i) draft.push_back(i % 3);
  const int32_t top = default_schedule(subject.spec()).levels;
  const std::vector<int32_t> levels(draft.size(), top - 1);
  std::vector<int> seen(19, 0);
  for (uint64_t seed = 0; seed < 80; ++seed) {
    std::unique_ptr<Session> session = require(session_of(subject, {}, true, seed), "session");
    for (int32_t row = 0; row < session->rows(); ++row) require(session->setup(row).draft(draft, levels, true), "draft");
    StepReport report;
    require(session->step(report), "step");
    for (int32_t row = 0; row < session->rows(); ++row)
      for (int64_t p = 0; p < session->row(row).materialized; ++p) ++seen[static_cast<size_t>(session->row(row).token(p))];
  }
  for (int32_t token = 0; token < 19; ++token)
    if (const int times = seen[static_cast<size_t>(token)]; (times > 0) == is_hole(token))
      fail_msg("token %d: %d times", token, times);
}

// A visible id without a token may stand in a prompt or a draft; it isn't made more of.
void what_the_caller_puts_stays(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  for (const char *family : {"hdlm-epsilon", "gidd", "mdlm"}) {
    ModelChoice choice;
    choice.family = family;
    const Subject subject = open_subject(runtime, choice, {}, "reference", false);
    std::unique_ptr<Session> session = require(session_of(subject, {}, true, 2), "session");
    require(session->setup(0).prompt(std::vector<int32_t>{1, 7, 2}), "prompt");
    require(session->setup(0).fix(std::vector<int64_t>{5, 6}, std::vector<int32_t>{17, 3}), "fix");
    std::vector<std::vector<int32_t>> rows = run_to_end(*session);
    int64_t found = 0;
    for (const int32_t token : rows[0]) found += is_hole(token) ? 1 : 0;
    assert_true(found == 2);
    assert_int_equal(rows[0].at(2), 17);
  }
}

// Two sessions go on with each other's state only when they draw from the same ids.
void saved_state_knows(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const Subject subject = open_subject(runtime, {}, {}, "reference", false);
  std::unique_ptr<Session> with = require(session_of(subject, {}, true, 1), "session");
  std::unique_ptr<Session> without = require(session_of(subject, {}, false, 1), "session");
  StepReport report;
  require(with->step(report), "step");
  const std::vector<std::byte> bytes = require(Snapshot::save(*with), "save");
  assert_false(Snapshot::restore(*without, bytes).ok());
  require(Snapshot::restore(*require(session_of(subject, {}, true, 1), "session"), bytes), "restore");
  assert_int_equal(count_holes(*require(Snapshot::fork(*with, 9), "fork")), 0);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(no_kind_draws_them),
      cmocka_unit_test(uniform_noise_has_none),
      cmocka_unit_test(what_the_caller_puts_stays),
      cmocka_unit_test(saved_state_knows),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
