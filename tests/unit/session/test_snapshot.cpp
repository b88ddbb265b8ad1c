// SPDX-License-Identifier: Apache-2.0
// Going on from a state: saved bytes and forks give the same tokens as never having stopped; bytes that were
// tampered with are refused or harmless.
#include "support/lab.h"

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

Hyperschedule made(Result<Hyperschedule> schedule) { return require(std::move(schedule), "schedule"); }

std::vector<ModelChoice> models() {
  std::vector<ModelChoice> list = every_context();
  for (const char *family : {"gpt2", "sdar", "hdlm-gamma"}) {
    ModelChoice model;
    model.family = family;
    list.push_back(model);
  }
  return list;
}

SessionChoice some_rows() {
  SessionChoice choice;
  choice.rows = 2;
  choice.length = 21;
  choice.prompts = {some_tokens(6, 18, 1), some_tokens(3, 18, 2)};
  return choice;
}

std::vector<std::vector<int32_t>> all_tokens(const Session &session) {
  std::vector<std::vector<int32_t>> rows;
  for (int32_t i = 0; i < session.rows(); ++i) {
    const Sequence &row = session.row(i);
    rows.emplace_back(row.tokens.begin(), row.tokens.begin() + row.settled);
  }
  return rows;
}

void finish(Session &session) {
  StepReport report;
  while (!report.done) require(session.step(report), "step");
}

void test_go_on(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  for (const ModelChoice &model : models()) {
    const Subject subject = open_subject(runtime, model);
    std::vector<Hyperschedule> schedules = {made(Hyperschedule::quench())};
    if (!subject.spec().autoregressive) {
      schedules.push_back(made(Hyperschedule::block(4, 3)));
      schedules.push_back(made(Hyperschedule::slide(4, 4)));
    }
    for (const Hyperschedule &schedule : schedules) {
      std::unique_ptr<Session> whole = make_session(subject, schedule, some_rows());
      finish(*whole);
      const auto expected = all_tokens(*whole);
      for (const int stop_after : {0, 1, 5, 9}) {
        std::unique_ptr<Session> first = make_session(subject, schedule, some_rows());
        StepReport report;
        for (int i = 0; i < stop_after; ++i) require(first->step(report), "step");
        const auto bytes = require(Snapshot::save(*first), "save");

        SessionChoice empty = some_rows();
        empty.prompts.clear();
        empty.seed = 1234;
        std::unique_ptr<Session> second = make_session(subject, schedule, empty);
        require(Snapshot::restore(*second, bytes), "restore");
        const int64_t rows_before = first->figures().rows_computed;
        std::unique_ptr<Session> fork = require(Snapshot::fork(*first, 7), "fork"),
                                 other = require(Snapshot::fork(*first, 8), "fork");
        finish(*second);
        finish(*fork);
        finish(*other);
        finish(*first);
        if (all_tokens(*second) != expected || all_tokens(*fork) != expected || all_tokens(*first) != expected)
          fail_msg("%s, %s: other tokens after call %d", model.family.c_str(), schedule.describe().c_str(), stop_after);
        // A fork computes what its origin computes, no row more.
        assert_int_equal(fork->figures().rows_computed, first->figures().rows_computed);
        assert_true(rows_before <= fork->figures().rows_computed);
        if (stop_after == 1) assert_true(all_tokens(*other) != expected);
        // What comes out of the copy is only what wasn't read yet, the same as of the original.
        assert_true(emitted(*fork, 0) == emitted(*first, 0));
      }
    }
  }
}

void test_single_positions(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const Subject subject = open_subject(runtime, ModelChoice());
  const Hyperschedule schedule = made(Hyperschedule::slide(4, 4));
  auto prepared = [&] {
    std::unique_ptr<Session> session = make_session(subject, schedule, some_rows());
    const std::vector<int64_t> at = {10, 12};
    const std::vector<int32_t> tokens = {1, 2};
    require(session->setup(0).fix(at, tokens), "fix");
    require(session->setup(1).weights(std::vector<float>{1, 2, 1, 3}), "weights");
    require(session->setup(1).allow(11, std::vector<int32_t>{4, 5}), "allow");
    require(session->setup(1).draft(some_tokens(4, 18, 4), std::vector<int32_t>{1, 2, 3, 0}, true), "draft");
    return session;
  };
  std::unique_ptr<Session> whole = prepared();
  finish(*whole);
  for (const int stop_after : {0, 3, 8}) {
    std::unique_ptr<Session> first = prepared();
    StepReport report;
    for (int i = 0; i < stop_after; ++i) require(first->step(report), "step");
    const auto bytes = require(Snapshot::save(*first), "save");
    std::unique_ptr<Session> second = make_session(subject, schedule, some_rows());
    require(Snapshot::restore(*second, bytes), "restore");
    finish(*second);
    assert_true(all_tokens(*second) == all_tokens(*whole));
    std::unique_ptr<Session> fork = require(Snapshot::fork(*first, 7), "fork");
    finish(*fork);
    assert_true(all_tokens(*fork) == all_tokens(*whole));
  }
}

void test_refusals(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const Subject subject = open_subject(runtime, ModelChoice());
  const Hyperschedule schedule = made(Hyperschedule::slide(4, 4));
  std::unique_ptr<Session> session = make_session(subject, schedule, some_rows());
  StepReport report;
  for (int i = 0; i < 6; ++i) require(session->step(report), "step");
  const auto bytes = require(Snapshot::save(*session), "save");

  std::unique_ptr<Session> other = make_session(subject, made(Hyperschedule::slide(4, 2)), some_rows());
  assert_int_equal(Snapshot::restore(*other, bytes).code(), TEMPER_E_ARGUMENT);
  SessionChoice longer = some_rows();
  longer.length = 22;
  other = make_session(subject, schedule, longer);
  assert_int_equal(Snapshot::restore(*other, bytes).code(), TEMPER_E_ARGUMENT);

  // Cut off anywhere: refused, and the session is as it was.
  std::unique_ptr<Session> target = make_session(subject, schedule, some_rows());
  for (size_t size = 0; size < bytes.size(); size += 7)
    assert_true(!Snapshot::restore(*target, std::span(bytes).first(size)).ok());
  // Any byte changed: refused, or a session that runs to its end.
  int taken = 0;
  for (size_t at = 0; at < bytes.size(); ++at)
    for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
      std::vector<std::byte> wrong = bytes;
      wrong[at] ^= static_cast<std::byte>(flip);
      if (at % 5 != 0 && flip != 0x80U) continue;
      if (!Snapshot::restore(*target, wrong).ok()) continue;
      ++taken;
      for (int step = 0; step < 60; ++step) {
        StepReport outcome;
        if (!target->step(outcome).ok() || outcome.done) break;
      }
      target->reset(1);
      for (int32_t row = 0; row < 2; ++row) require(target->setup(row).prompt(some_tokens(3, 18, 1)), "prompt");
    }
  print_message("%d of the changed states were taken\n", taken);
  require(Snapshot::restore(*target, bytes), "restore");
  finish(*target);
  finish(*session);
  assert_true(all_tokens(*target) == all_tokens(*session));
}

// What a file says of itself is held against the rest of it.
void test_impossible_states(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const Subject subject = open_subject(runtime, ModelChoice());
  const Hyperschedule schedule = made(Hyperschedule::slide(4, 4));
  std::unique_ptr<Session> session = make_session(subject, schedule, some_rows());
  StepReport report;
  for (int i = 0; i < 4; ++i) require(session->step(report), "step");
  const auto bytes = require(Snapshot::save(*session), "save");
  std::unique_ptr<Session> target = make_session(subject, schedule, some_rows());
  const auto refused = [&](const auto &change) {
    SavedSession saved = require(decode(bytes), "decode");
    change(saved, saved.sequences[0]);
    assert_int_equal(Snapshot::restore(*target, encode(saved)).code(), TEMPER_E_FORMAT);
  };
  refused([](SavedSession &saved, SequenceState &) { saved.counts.steps = INT64_MAX; });
  refused([](SavedSession &saved, SequenceState &) { saved.counts.rows_computed = INT64_MAX; });
  refused([](SavedSession &saved, SequenceState &) { saved.counts.calls = INT64_MAX; });
  refused([](SavedSession &, SequenceState &state) { state.window_memory.held = INT64_MAX; });
  refused([](SavedSession &, SequenceState &state) { state.window_memory.rounds = INT32_MAX; });
  refused([](SavedSession &, SequenceState &state) { state.window_memory.waiting = INT32_MAX; });
  refused([](SavedSession &, SequenceState &state) { state.memories.back().stable = INT32_MAX; });
  refused([](SavedSession &, SequenceState &state) { state.records.back().changes = INT32_MAX; });
  // Fixed, and nobody knows to what: ahead of all tokens, among them, and to the mask.
  const auto mask = static_cast<int32_t>(subject.spec().mask_token);
  const auto start_at = [](SequenceState &state, size_t position) {
    state.wishes.set_start(static_cast<int64_t>(position) - state.prompt, 0, 4);
  };
  refused([&](SavedSession &, SequenceState &state) { start_at(state, 20); });
  for (const int32_t token : {-1, mask})
    refused([&](SavedSession &, SequenceState &state) {
      state.tokens.back() = token;
      start_at(state, state.tokens.size() - 1);
    });
  // What has settled is a token, and the window has no gaps.
  refused([&](SavedSession &, SequenceState &state) {
    assert_true(state.settled > state.prompt);
    state.tokens[static_cast<size_t>(state.prompt)] = mask;
  });
  refused([](SavedSession &, SequenceState &state) {
    assert_true(state.materialized > state.settled);
    state.tokens[static_cast<size_t>(state.settled)] = -1;
  });
  refused([](SavedSession &, SequenceState &state) { state.wishes.weights = {1.0F, 1e-40F}; });
  require(Snapshot::restore(*target, bytes), "restore");
  finish(*target);
  finish(*session);
  assert_true(all_tokens(*target) == all_tokens(*session));
}

int32_t no_value(void *, const temper_candidates *, double *) { return 0; }

// A state with fixed positions makes room for them, however it came by them.
void test_room_for_single_positions(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const Subject subject = open_subject(runtime, ModelChoice());
  const Hyperschedule schedule = made(Hyperschedule::slide(4, 4));
  std::unique_ptr<Session> session = make_session(subject, schedule, some_rows());
  SavedSession saved = require(decode(require(Snapshot::save(*session), "save")), "decode");
  SequenceState &state = saved.sequences[0];
  for (int64_t position = 12; position < 21; ++position) state.wishes.set_start(position - state.prompt, 0, 4);
  state.tokens.resize(21, -1);
  std::fill(state.tokens.begin() + 12, state.tokens.end(), 3);
  state.records.resize(21);
  state.memories.resize(21);
  std::unique_ptr<Session> target = make_session(subject, schedule, some_rows());
  require(target->set_value({no_value, nullptr, 1}, 3, false), "value");
  require(Snapshot::restore(*target, encode(saved)), "restore");
  assert_true(target->frame().options.single_positions);
  finish(*target);
  for (size_t position = 12; position < 21; ++position) assert_int_equal(target->row(0).tokens[position], 3);
}

// Tables are told apart wherever they differ.
void test_other_table(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const Subject subject = open_subject(runtime, ModelChoice());
  SessionChoice choice;
  choice.length = 70;
  const auto session_of = [&](int32_t late) {
    // One position after another; the last one is half way from call `late` on.
    std::vector<int32_t> levels;
    for (int32_t step = 0; step <= 70; ++step)
      for (int32_t p = 0; p < 70; ++p) {
        const int32_t ahead = p - step;
        levels.push_back(ahead < 0 ? 0 : p == 69 && step >= late ? 1 : 2);
      }
    return make_session(subject, made(Hyperschedule::table(levels.data(), 70, 70, 2)), choice);
  };
  const auto bytes = require(Snapshot::save(*session_of(50)), "save");
  require(Snapshot::restore(*session_of(50), bytes), "restore");
  assert_int_equal(Snapshot::restore(*session_of(51), bytes).code(), TEMPER_E_ARGUMENT);
}

// A first step that is refused for one row begins none: what is saved then can be restored.
void test_refused_beginning(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const Subject subject = open_subject(runtime, ModelChoice());
  // Enough positions for the row with the longer prompt alone.
  std::vector<int32_t> levels;
  for (int32_t step = 0; step <= 15; ++step)
    for (int32_t p = 0; p < 15; ++p) levels.push_back(p < step ? 0 : 1);
  const Hyperschedule schedule = made(Hyperschedule::table(levels.data(), 15, 15, 1));
  std::unique_ptr<Session> session = make_session(subject, schedule, some_rows());
  StepReport report;
  assert_int_equal(session->step(report).code(), TEMPER_E_ARGUMENT);
  assert_int_equal(session->row(0).settled, 0);
  require(Snapshot::restore(*session, require(Snapshot::save(*session), "save")), "restore");
}

void test_sliding(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const Subject subject = open_subject(runtime, ModelChoice());
  SessionChoice choice;
  choice.length = 0;
  choice.options.look_back = 8;
  std::unique_ptr<Session> session = make_session(subject, made(Hyperschedule::block(4, 3)), choice);
  StepReport report;
  std::vector<int32_t> a, b;
  for (int i = 0; i < 100; ++i) {
    require(session->step(report), "step");
    emitted(*session, 0);
  }
  assert_int_equal(Snapshot::save(*session).status().code(), TEMPER_E_UNSUPPORTED);
  std::unique_ptr<Session> fork = require(Snapshot::fork(*session, 7), "fork");
  for (int i = 0; i < 100; ++i) {
    require(session->step(report), "step");
    require(fork->step(report), "step");
    for (const int32_t token : emitted(*session, 0)) a.push_back(token);
    for (const int32_t token : emitted(*fork, 0)) b.push_back(token);
  }
  assert_true(a.size() > 50 && a == b);
}

// Forks of a long row hold what it has frozen only once. What one of them does then, a new prompt or its end,
// changes nothing for the others.
void test_shared_cache(void **) {
  for (const std::string &backend : usable_backends()) {
    const std::shared_ptr<Runtime> runtime = make_runtime(2);
    ModelChoice model;
    model.positions = 400;
    const Subject subject = open_subject(runtime, model, {}, backend, false);
    const Spec &spec = subject.spec();
    SessionChoice choice;
    choice.length = 400;
    choice.options.ignore_end = true;
    choice.prompts = {some_tokens(300, 18, 1)};
    const Hyperschedule schedule = made(Hyperschedule::slide(4, 4));
    std::unique_ptr<Session> whole = make_session(subject, schedule, choice);
    finish(*whole);
    const auto expected = all_tokens(*whole);

    std::unique_ptr<Session> origin = make_session(subject, schedule, choice);
    StepReport report;
    for (int i = 0; i < 5; ++i) require(origin->step(report), "step");
    std::unique_ptr<Session> forks[3];
    for (std::unique_ptr<Session> &fork : forks) fork = require(Snapshot::fork(*origin, 7), "fork");
    // Four fifths of 300 slots at the least.
    const int64_t slot = spec.layers * spec.kv_heads * spec.head_dim * 2 * static_cast<int64_t>(sizeof(float));
    assert_true(origin->figures().bytes - forks[0]->figures().bytes > 240 * slot);
    std::unique_ptr<Session> of_fork = require(Snapshot::fork(*forks[0], 7), "fork");
    assert_int_equal(of_fork->figures().bytes, forks[0]->figures().bytes);

    forks[1]->reset(7);
    require(forks[1]->setup(0).prompt(some_tokens(300, 18, 2)), "prompt");
    finish(*forks[1]);
    assert_true(all_tokens(*forks[1]) != expected);
    forks[1]->reset(7);
    require(forks[1]->setup(0).prompt(choice.prompts[0]), "prompt");
    finish(*forks[1]);
    assert_true(all_tokens(*forks[1]) == expected);
    finish(*forks[0]);
    assert_true(all_tokens(*forks[0]) == expected);
    forks[0].reset();
    origin.reset();
    finish(*forks[2]);
    finish(*of_fork);
    assert_true(all_tokens(*forks[2]) == expected && all_tokens(*of_fork) == expected);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_go_on),
      cmocka_unit_test(test_single_positions),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_impossible_states),
      cmocka_unit_test(test_room_for_single_positions),
      cmocka_unit_test(test_other_table),
      cmocka_unit_test(test_refused_beginning),
      cmocka_unit_test(test_sliding),
      cmocka_unit_test(test_shared_cache),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
