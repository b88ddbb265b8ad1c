// SPDX-License-Identifier: Apache-2.0
// "Cached equals recomputed": at every step of every context rule, schedule and alignment, the logits that
// the sampler is given are those of the plain model run over all positions that exist at that step, under
// the mask written down from the definitions. And the tokens don't depend on the cache or on skipped calls.
#include "support/comparison.h"

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

struct Named {
  std::string name;
  Hyperschedule schedule;
};

std::vector<Named> schedules() {
  std::vector<Named> list;
  const auto add = [&](Result<Hyperschedule> made) {
    Hyperschedule schedule = require(std::move(made), "schedule");
    std::string name = schedule.describe();
    list.push_back({std::move(name), std::move(schedule)});
  };
  add(Hyperschedule::quench());
  add(Hyperschedule::flat(3));
  add(Hyperschedule::block(4, 4));
  add(Hyperschedule::block(4, 2));
  add(Hyperschedule::block(3, 5));
  add(Hyperschedule::slide(4, 4));
  add(Hyperschedule::slide(6, 2));
  add(Hyperschedule::slide(3, 6));
  add(Hyperschedule::slide_jump(4, 2));
  add(Hyperschedule::slide_jump(2, 4));
  add(Hyperschedule::hybrid(4, 3));
  return list;
}

// Levels that pause, jump, and settle out of order: not a prefix.
Named gaps() {
  const std::vector<int32_t> values = {
      3, 3, 3, 3, 3, 3, 3, 3, 3, 3,  //
      3, 1, 3, 2, 3, 3, 3, 3, 3, 3,  //
      3, 0, 3, 2, 3, 3, 0, 3, 3, 3,  // held tokens at 1 and 6
      2, 0, 3, 2, 3, 3, 0, 3, 2, 3,  //
      2, 0, 3, 2, 3, 3, 0, 3, 2, 3,  // a useless call
      0, 0, 1, 1, 3, 3, 0, 3, 1, 3,  //
      0, 0, 0, 0, 2, 2, 0, 3, 1, 2,  //
      0, 0, 0, 0, 1, 0, 0, 2, 0, 2,  //
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  return {"gaps", require(Hyperschedule::table(values.data(), 8, 10, 3), "table")};
}

// Every schedule with one model; with several rows whose prompts are of different lengths.
void examine(const Subject &subject, const std::string &name, Tally &tally) {
  const auto vocabulary = static_cast<int32_t>(subject.spec().columns) - 1;
  std::vector<Named> list = schedules();
  list.push_back(gaps());
  for (const Named &entry : list) {
    SessionChoice choice;
    const bool table = entry.name == "gaps";
    choice.rows = table ? 2 : 4;
    choice.length = table ? 12 : 17;
    if (table)
      choice.prompts = {some_tokens(2, vocabulary, 1), some_tokens(4, vocabulary, 2)};
    else
      choice.prompts = {{}, some_tokens(3, vocabulary, 3), some_tokens(5, vocabulary, 4), some_tokens(8, vocabulary, 5)};
    const bool mask_only = subject.spec().carry_over;
    choice.sampler = mask_only ? SamplerKind::ancestral : SamplerKind::acs;
    choice.eta = 0.4;
    if (!try_session(subject, entry.schedule, choice).ok()) {
      choice.sampler = SamplerKind::ancestral;
      choice.eta = 0.0;
    }
    const Result<std::unique_ptr<Session>> tried = try_session(subject, entry.schedule, choice);
    if (!tried.ok()) {
      // Only a model that sees the past alone may refuse a window.
      const Spec &spec = subject.spec();
      const bool past = spec.context == Context::causal && spec.window == Window::causal && spec.shifted;
      if (!past || entry.schedule.kind() == ScheduleKind::quench) require(tried.status(), (name + ", " + entry.name).c_str());
      assert_int_equal(tried.status().code(), TEMPER_E_UNSUPPORTED);
      continue;
    }
    const std::string what = name + ", " + entry.name;
    const auto cached = run_and_compare(subject, entry.schedule, choice, what, tally);
    for (const bool skip : {false, true})
      for (const bool cache : {true, false}) {
        SessionChoice other = choice;
        other.options.cache = cache;
        other.options.skip_idle = skip;
        std::unique_ptr<Session> session = make_session(subject, entry.schedule, other);
        if (run_to_end(*session) != cached)
          fail_msg("%s: other tokens with cache %d, skip idle %d", what.c_str(), cache, skip);
      }
    SessionChoice chunked = choice;
    chunked.options.prefill_rows = 4;
    std::unique_ptr<Session> session = make_session(subject, entry.schedule, chunked);
    if (run_to_end(*session) != cached) fail_msg("%s: other tokens with a chunked prompt", what.c_str());
  }
}

void examine_family(const ModelChoice &choice, const std::string &name) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  Tally tally;
  for (const int keys : {-1, 0, 1}) {
    SpecOverrides overrides;
    if (keys >= 0) overrides.noise_keys = keys != 0;
    const Subject subject = open_subject(runtime, choice, overrides);
    if (keys >= 0 && subject.spec().autoregressive && keys == 1) continue;  // it has no token for them
    examine(subject, name + (keys < 0 ? "" : keys != 0 ? ", noise keys" : ", no noise keys"), tally);
  }
  print_message("%s: %lld logits compared, largest difference %.2g\n", name.c_str(),
                static_cast<long long>(tally.compared), tally.worst);
  assert_true(tally.compared > 1000);
}

ModelChoice family(const char *name) {
  ModelChoice choice;
  choice.family = name;
  return choice;
}

void test_hdlm(const char *name, bool shifted, std::initializer_list<const char *> windows) {
  for (const char *context : {"causal", "block_causal", "full"})
    for (const char *window : windows) {
      ModelChoice choice = family(name);
      choice.context = context;
      choice.window = window;
      choice.shifted = shifted;
      if (std::string(context) == "full" && std::string(window) == "causal") continue;  // nobody trains that
      examine_family(choice, std::string(name) + (shifted ? " shifted " : " aligned ") + context + "/" + window);
    }
}

void test_hdlm_epsilon_aligned(void **) { test_hdlm("hdlm-epsilon", false, {"full", "causal"}); }
void test_hdlm_epsilon_shifted(void **) { test_hdlm("hdlm-epsilon", true, {"full", "causal"}); }
void test_hdlm_gamma(void **) {
  test_hdlm("hdlm-gamma", false, {"full"});
  ModelChoice choice = family("hdlm-gamma");
  choice.shifted = true;
  examine_family(choice, "hdlm-gamma shifted causal/full");
}

void test_bidirectional(void **) {
  for (const char *name : {"mdlm", "sedd", "gidd", "llada", "dream", "diffugpt"})
    examine_family(family(name), name);
  ModelChoice timed = family("mdlm");
  timed.timed = true;
  examine_family(timed, "mdlm with time");
  ModelChoice uniform = family("sedd");
  uniform.uniform = true;
  examine_family(uniform, "sedd uniform");
}

void test_blocks(void **) {
  for (const char *name : {"bd3lm", "sdar", "fast-dllm-v2"}) examine_family(family(name), name);
  ModelChoice timed = family("bd3lm");
  timed.timed = true;
  timed.block = 3;
  examine_family(timed, "bd3lm with time, blocks of 3");
}

void test_autoregressive(void **) {
  for (const char *name : {"gpt2", "llama"}) examine_family(family(name), name);
}

// Rules that no published family has, but that the overrides allow.
void test_overridden_rules(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  Tally tally;
  for (const Context context : {Context::causal, Context::block_causal, Context::full})
    for (const Window window : {Window::full, Window::causal, Window::block})
      for (const bool shifted : {false, true})
        for (const bool keys : {false, true}) {
          SpecOverrides overrides;
          overrides.context = context;
          overrides.window = window;
          overrides.shifted = shifted;
          overrides.noise_keys = keys;
          overrides.block = 3;
          if (context == Context::full && window == Window::causal) continue;
          const Subject subject = open_subject(runtime, family("llada"), overrides);
          char name[80];
          std::snprintf(name, sizeof name, "llada with context %d, window %d, shifted %d, noise keys %d",
                        static_cast<int>(context), static_cast<int>(window), shifted, keys);
          examine(subject, name, tally);
        }
  assert_true(tally.compared > 10000);
}

// A context that slides equals recomputation under the windowed mask.
void test_sliding(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  Tally tally;
  for (const char *context : {"causal", "block_causal"})
    for (const bool shifted : {false, true})
      for (const bool keys : {false, true}) {
        ModelChoice model = family("hdlm-epsilon");
        model.context = context;
        model.shifted = shifted;
        SpecOverrides overrides;
        overrides.noise_keys = keys;
        const Subject subject = open_subject(runtime, model, overrides);
        for (const Named &entry : schedules())
          for (const int64_t look_back : {1, 6}) {
            const std::string &kind = entry.name;
            if (kind != "quench" && kind != "block(4, 2)" && kind != "slide(3, 6)" && kind != "slide_jump(4, 2)") continue;
            SessionChoice choice;
            choice.rows = 2;
            choice.length = 130;  // beyond the slots, so that they move
            choice.prompts = {some_tokens(3, 19, 1), some_tokens(90, 19, 2)};
            choice.options.look_back = look_back;
            const std::string what = std::string("sliding ") + context + (shifted ? " shifted " : " aligned ") +
                                     entry.name + ", look back " + std::to_string(look_back);
            const auto tokens = run_and_compare(subject, entry.schedule, choice, what, tally);
            choice.options.cache = false;
            std::unique_ptr<Session> session = make_session(subject, entry.schedule, choice);
            if (run_to_end(*session) != tokens) fail_msg("%s: other tokens without cache", what.c_str());
          }
      }
  print_message("sliding: %lld logits compared, largest difference %.2g\n", static_cast<long long>(tally.compared),
                tally.worst);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_hdlm_epsilon_aligned), cmocka_unit_test(test_hdlm_epsilon_shifted),
      cmocka_unit_test(test_hdlm_gamma),           cmocka_unit_test(test_bidirectional),
      cmocka_unit_test(test_blocks),               cmocka_unit_test(test_autoregressive),
      cmocka_unit_test(test_overridden_rules),     cmocka_unit_test(test_sliding),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
