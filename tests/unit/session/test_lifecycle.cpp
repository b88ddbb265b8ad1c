// SPDX-License-Identifier: Apache-2.0
// Where rows end, what can be read when, cancelling, starting again, and rows without an end.
#include "support/lab.h"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <thread>
extern "C" {
#include <cmocka.h>
}

using namespace temper;
using namespace temper::test;

namespace {

ModelChoice hdlm(const char *context = "causal", bool shifted = false) {
  ModelChoice model;
  model.context = context;
  model.shifted = shifted;
  return model;
}

Hyperschedule made(Result<Hyperschedule> schedule) { return require(std::move(schedule), "schedule"); }

std::vector<Hyperschedule> streaming_schedules() {
  return {made(Hyperschedule::quench()), made(Hyperschedule::block(4, 3)), made(Hyperschedule::slide(4, 2))};
}

// The reports of all steps.
std::vector<StepReport> all_steps(Session &session) {
  std::vector<StepReport> reports;
  for (StepReport report;;) {
    require(session.step(report), "step");
    if (report.done) return reports;
    reports.push_back(report);
  }
}

void test_end_tokens(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  for (const char *context : {"causal", "block_causal", "full"})
    for (const bool shifted : {false, true}) {
      const Subject subject = open_subject(runtime, hdlm(context, shifted));
      for (const Hyperschedule &schedule : streaming_schedules()) {
        SessionChoice choice;
        choice.rows = 3;
        choice.length = 40;
        choice.prompts = {some_tokens(2, 19, 1), some_tokens(5, 19, 2), some_tokens(3, 19, 3)};
        choice.options.ignore_end = true;
        std::unique_ptr<Session> whole = make_session(subject, schedule, choice);
        const auto complete = run_to_end(*whole);
        // A token of the middle of row 1 that comes first there.
        const int32_t end = complete[1][complete[1].size() / 2];
        choice.options.ignore_end = false;
        choice.options.end_tokens = {end};
        std::unique_ptr<Session> session = make_session(subject, schedule, choice);
        const std::vector<StepReport> reports = all_steps(*session);
        int64_t settled = 0;
        for (const StepReport &report : reports) settled += report.settled;
        int64_t emitted_tokens = 0;
        for (int32_t row = 0; row < 3; ++row) {
          const std::vector<int32_t> &full = complete[static_cast<size_t>(row)];
          const auto at = std::find(full.begin(), full.end(), end);
          const bool ends = at != full.end();
          const std::vector<int32_t> right(full.begin(), ends ? at + 1 : full.end());
          const std::vector<int32_t> tokens = emitted(*session, row);
          assert_true(tokens == right);
          emitted_tokens += static_cast<int64_t>(tokens.size());
          assert_int_equal(session->row(row).finished, ends ? TEMPER_ROW_END_TOKEN : TEMPER_ROW_LENGTH);
          const Sequence &sequence = session->row(row);
          assert_int_equal(sequence.settled, sequence.prompt + static_cast<int64_t>(right.size()));
          assert_int_equal(sequence.window_end, sequence.settled);
        }
        assert_int_equal(settled, emitted_tokens);
        assert_int_equal(session->row(1).finished, TEMPER_ROW_END_TOKEN);
        // A row that has ended is computed no more.
        assert_true(session->figures().rows_computed < whole->figures().rows_computed);
        for (const StepReport &report : reports) assert_true(report.rows_running >= 0 && report.rows_running <= 3);
        assert_int_equal(reports.back().rows_running, 0);
      }
    }
}

// A row that has ended costs nothing: the other's steps are as if it were alone.
// A model whose visible tokens stay is done with a row as soon as an end token is visible and nothing before it
// is undecided: padding isn't computed. What comes out is what would have come out.
void test_early_end(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  ModelChoice model;
  model.family = "llada";
  const Subject subject = open_subject(runtime, model);
  const Hyperschedule schedule = made(Hyperschedule::flat(24));
  int earlier = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SessionChoice choice;
    choice.length = 30;
    choice.seed = seed;
    choice.options.ignore_end = true;
    const auto complete = run_to_end(*make_session(subject, schedule, choice))[0];
    const int32_t end = complete[3];
    choice.options.ignore_end = false;
    choice.options.end_tokens = {end};
    std::unique_ptr<Session> session = make_session(subject, schedule, choice);
    const auto stopped = run_to_end(*session)[0];
    const auto first = std::find(complete.begin(), complete.end(), end);
    assert_true(stopped == std::vector<int32_t>(complete.begin(), first + 1));
    assert_int_equal(session->row(0).finished, TEMPER_ROW_END_TOKEN);
    earlier += session->figures().steps < 24 ? 1 : 0;
  }
  print_message("%d of 12 rows ended before their last call\n", earlier);
  assert_true(earlier > 3);
}

void test_ended_row_costs_nothing(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const Subject subject = open_subject(runtime, hdlm());
  SessionChoice choice;
  choice.rows = 2;
  choice.length = 30;
  choice.options.ignore_end = true;
  choice.prompts = {some_tokens(29, 19, 1), some_tokens(2, 19, 2)};
  const Hyperschedule schedule = made(Hyperschedule::block(4, 3));
  std::unique_ptr<Session> both = make_session(subject, schedule, choice);
  const std::vector<StepReport> together = all_steps(*both);
  choice.rows = 1;
  choice.prompts = {some_tokens(2, 19, 2)};
  choice.ids = {1};
  std::unique_ptr<Session> alone = make_session(subject, schedule, choice);
  const std::vector<StepReport> single = all_steps(*alone);
  assert_int_equal(together.size(), single.size());
  for (size_t i = 3; i < single.size(); ++i) assert_int_equal(together[i].rows_computed, single[i].rows_computed);
}

void test_limits(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  ModelChoice model = hdlm();
  model.positions = 20;
  const Subject subject = open_subject(runtime, model);
  for (const Hyperschedule &schedule : streaming_schedules()) {
    SessionChoice choice;
    choice.options.ignore_end = true;
    for (const int64_t length : {20, 21, 500}) {
      choice.length = length;
      std::unique_ptr<Session> session = make_session(subject, schedule, choice);
      const std::vector<StepReport> reports = all_steps(*session);
      for (size_t i = 0; i < reports.size(); ++i)
        assert_int_equal(reports[i].length_limit, length > 20 && i + 1 == reports.size());
      assert_int_equal(session->row(0).finished, length > 20 ? TEMPER_ROW_MODEL_LIMIT : TEMPER_ROW_LENGTH);
      assert_int_equal(emitted(*session, 0).size(), 20);
    }
    // A prompt that leaves no place.
    choice.length = 20;
    choice.prompts = {some_tokens(20, 19, 1)};
    std::unique_ptr<Session> session = make_session(subject, schedule, choice);
    StepReport report;
    require(session->step(report), "step");
    assert_true(report.done);
    assert_int_equal(session->row(0).finished, TEMPER_ROW_LENGTH);
    choice.length = 19;
    assert_int_equal(try_session(subject, schedule, choice).status().code(), TEMPER_E_ARGUMENT);
  }
}

// Reading as one goes gives all tokens once, in order; the window is what comes after.
void test_reading(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const Subject subject = open_subject(runtime, hdlm());
  SessionChoice choice;
  choice.length = 31;
  choice.options.ignore_end = true;
  choice.prompts = {some_tokens(3, 19, 1)};
  std::unique_ptr<Session> session = make_session(subject, made(Hyperschedule::slide(6, 3)), choice);
  int32_t place[7];
  assert_int_equal(session->read(0, place), 0);
  std::vector<int32_t> tokens;
  StepReport report;
  const auto mask = static_cast<int32_t>(subject.spec().mask_token);
  for (size_t capacity = 1;; capacity = capacity % 7 + 1) {
    require(session->step(report), "step");
    if (report.done) break;
    const Sequence &sequence = session->row(0);
    const std::vector<int32_t> settled(sequence.tokens.begin(), sequence.tokens.begin() + sequence.settled);
    for (const int32_t token : settled) assert_true(token >= 0 && token != mask);
    assert_true(sequence.window_end >= sequence.settled && sequence.window_end <= 31);
    assert_true(sequence.window_end - sequence.settled <= 6);
    const size_t count = session->read(0, std::span(place).first(capacity));
    tokens.insert(tokens.end(), place, place + count);
    assert_true(3 + static_cast<int64_t>(tokens.size()) <= sequence.settled);
    for (size_t i = 0; i < tokens.size(); ++i) assert_int_equal(tokens[i], settled[i + 3]);
  }
  const std::vector<int32_t> rest = emitted(*session, 0);
  tokens.insert(tokens.end(), rest.begin(), rest.end());
  assert_int_equal(tokens.size(), 28);
  assert_int_equal(session->read(0, place), 0);
  std::unique_ptr<Session> again = make_session(subject, made(Hyperschedule::slide(6, 3)), choice);
  assert_true(run_to_end(*again).front() == tokens);
}

void test_order_of_calls(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const Subject subject = open_subject(runtime, hdlm());
  const Hyperschedule schedule = made(Hyperschedule::block(4, 2));
  SessionChoice choice;
  std::unique_ptr<Session> session = make_session(subject, schedule, choice);
  const std::vector<int32_t> good = some_tokens(3, 19, 1);
  const std::vector<int32_t> bad = {1, 20};
  assert_int_equal(session->setup(0).prompt(bad).code(), TEMPER_E_ARGUMENT);
  require(session->setup(0).prompt(some_tokens(9, 19, 2)), "prompt");
  require(session->setup(0).prompt(good), "another prompt");
  StepReport report;
  require(session->step(report), "step");
  assert_int_equal(session->row(0).prompt, 3);
  assert_int_equal(session->setup(0).prompt(good).code(), TEMPER_E_STATE);
  assert_int_equal(session->setup(0).set_id(5).code(), TEMPER_E_STATE);
  assert_int_equal(session->set_options(session->frame().options).code(), TEMPER_E_STATE);
  // The prompt survives a change of options.
  choice.prompts = {good};
  std::unique_ptr<Session> later = make_session(subject, schedule, choice);
  SessionOptions options = later->frame().options;
  options.skip_idle = true;
  require(later->set_options(options), "options");
  std::unique_ptr<Session> plain = make_session(subject, schedule, choice);
  assert_true(run_to_end(*later) == run_to_end(*plain));
}

void test_reset(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  for (const char *family : {"hdlm-epsilon", "llama", "llada"}) {
    ModelChoice model;
    model.family = family;
    const Subject subject = open_subject(runtime, model);
    const Hyperschedule schedule =
        std::string(family) == "llama" ? made(Hyperschedule::quench()) : made(Hyperschedule::block(4, 3));
    SessionChoice choice;
    choice.rows = 2;
    choice.prompts = {some_tokens(3, 19, 1), some_tokens(7, 19, 2)};
    std::unique_ptr<Session> session = make_session(subject, schedule, choice);
    const auto first = run_to_end(*session);
    const int64_t rows = session->figures().rows_computed;
    // From the end, and from the middle.
    for (int i = 0; i < 2; ++i) {
      session->reset(choice.seed);
      assert_int_equal(session->figures().rows_computed, 0);
      assert_int_equal(session->figures().steps, 0);
      int32_t place[4];
      assert_int_equal(session->read(0, place), 0);
      for (int32_t row = 0; row < 2; ++row)
        require(session->setup(row).prompt(choice.prompts[static_cast<size_t>(row)]), "prompt");
      if (i == 0) {
        StepReport report;
        for (int step = 0; step < 5; ++step) require(session->step(report), "step");
        continue;
      }
      assert_true(run_to_end(*session) == first);
      assert_int_equal(session->figures().rows_computed, rows);
    }
    session->reset(choice.seed + 1);
    for (int32_t row = 0; row < 2; ++row)
      require(session->setup(row).prompt(choice.prompts[static_cast<size_t>(row)]), "prompt");
    assert_true(run_to_end(*session) != first);
  }
}

void test_skip_idle(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  ModelChoice model = hdlm();
  model.mix = 0.0;
  const Subject subject = open_subject(runtime, model);
  SessionChoice choice;
  choice.length = 40;
  choice.options.ignore_end = true;
  const Hyperschedule schedule = made(Hyperschedule::slide(4, 16));
  std::unique_ptr<Session> full = make_session(subject, schedule, choice);
  choice.options.skip_idle = true;
  std::unique_ptr<Session> lazy = make_session(subject, schedule, choice);
  const std::vector<StepReport> reports = all_steps(*lazy);
  const auto idle = std::count_if(reports.begin(), reports.end(), [](const StepReport &r) { return r.idle; });
  assert_true(idle > 10);
  for (const StepReport &report : reports)
    if (report.idle) assert_true(report.rows_computed == 0 && report.model_calls == 0 && report.changed == 0);
  assert_true(run_to_end(*full).front() == emitted(*lazy, 0));
  assert_true(lazy->figures().rows_computed < full->figures().rows_computed);
}

void test_cancel(void **) {
  for (const std::string &backend : usable_backends()) {
    const std::shared_ptr<Runtime> runtime = make_runtime(2);
    ModelChoice model = hdlm();
    model.positions = 400;
    const Subject subject = open_subject(runtime, model, {}, backend, false);
    SessionChoice choice;
    choice.rows = 3;
    choice.length = 300;
    choice.options.ignore_end = true;
    choice.prompts = {some_tokens(100, 19, 1), some_tokens(3, 19, 2), some_tokens(50, 19, 3)};
    const Hyperschedule schedule = made(Hyperschedule::slide(8, 4));
    std::unique_ptr<Session> calm = make_session(subject, schedule, choice);
    const auto right = run_to_end(*calm);
    std::unique_ptr<Session> session = make_session(subject, schedule, choice);
    session->cancel();
    StepReport report;
    assert_int_equal(session->step(report).code(), TEMPER_E_CANCELLED);
    std::atomic<bool> stop{false};
    Session *const target = session.get();
    std::thread other([&stop, target] {
      while (!stop.load()) {
        target->cancel();
        std::this_thread::sleep_for(std::chrono::microseconds(150));
      }
    });
    int cancelled = 0, wrong = 0;
    for (int64_t guard = 0; guard < 1000000; ++guard) {
      const Status status = session->step(report);
      if (status.code() == TEMPER_E_CANCELLED) {
        // Under a storm of requests nothing would ever be done.
        if (++cancelled == 200) stop.store(true);
      } else if (!status.ok()) {
        ++wrong;
        break;
      } else if (report.done) {
        break;
      }
    }
    stop.store(true);
    other.join();
    assert_int_equal(wrong, 0);
    assert_true(cancelled > 0);
    for (int32_t row = 0; row < 3; ++row) assert_true(emitted(*session, row) == right[static_cast<size_t>(row)]);
    print_message("%s: cancelled %d times\n", backend.c_str(), cancelled);
  }
}

// A long stream: the tokens of a finite row with the same sliding context, in memory that doesn't grow.
void test_unbounded(void **) {
  constexpr int64_t long_run = 9500;  // beyond what is held of a row
  const std::shared_ptr<Runtime> runtime = make_runtime();
  for (const char *context : {"causal", "block_causal"}) {
    const bool shifted = std::string(context) == "block_causal";
    const Subject subject = open_subject(runtime, hdlm(context, shifted));
    for (const Hyperschedule &schedule : streaming_schedules()) {
      SessionChoice choice;
      choice.rows = 2;
      choice.length = 0;
      choice.options.ignore_end = true;
      choice.options.look_back = 8;
      choice.prompts = {some_tokens(3, 19, 1), some_tokens(700, 19, 2)};
      std::unique_ptr<Session> session = make_session(subject, schedule, choice);
      const int64_t bytes = session->figures().bytes;
      assert_int_equal(session->figures().steps_total, -1);
      std::vector<std::vector<int32_t>> tokens(2);
      StepReport report;
      while (tokens[0].size() < static_cast<size_t>(long_run)) {
        require(session->step(report), "step of a stream");
        for (int32_t row = 0; row < 2; ++row) {
          const std::vector<int32_t> part = emitted(*session, row);
          std::vector<int32_t> &all = tokens[static_cast<size_t>(row)];
          all.insert(all.end(), part.begin(), part.end());
        }
      }
      assert_int_equal(session->figures().bytes, bytes);
      choice.rows = 1;
      for (size_t row = 0; row < 2; ++row) {
        choice.length = long_run + 900;
        std::vector<std::vector<int32_t>> prompts = {row == 0 ? some_tokens(3, 19, 1) : some_tokens(700, 19, 2)};
        choice.prompts = prompts;
        choice.ids = {static_cast<uint32_t>(row)};
        std::unique_ptr<Session> finite = make_session(subject, schedule, choice);
        const std::vector<int32_t> right = run_to_end(*finite).front();
        const size_t common = std::min(right.size(), tokens[row].size()) - 16;
        if (!std::equal(right.begin(), right.begin() + static_cast<std::ptrdiff_t>(common), tokens[row].begin()))
          fail_msg("%s shifted %d %s: row %zu of the stream differs", context, shifted, schedule.describe().c_str(),
                   row);
      }
    }
  }
}

// Nobody reads: the step says so, and goes on once somebody does. Slow readers lose nothing.
void test_unread_stream(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const Subject subject = open_subject(runtime, hdlm());
  SessionChoice choice;
  choice.length = 0;
  choice.options.ignore_end = true;
  choice.options.look_back = 4;
  const Hyperschedule schedule = made(Hyperschedule::block(8, 1));
  std::unique_ptr<Session> session = make_session(subject, schedule, choice);
  StepReport report;
  std::vector<int32_t> tokens;
  int full = 0;
  for (int step = 0; step < 4000; ++step) {
    const Status status = session->step(report);
    if (!status.ok()) {
      assert_int_equal(status.code(), TEMPER_E_CAPACITY);
      ++full;
    }
    // Slower than the tokens come.
    int32_t place[3];
    const size_t count = session->read(0, place);
    tokens.insert(tokens.end(), place, place + count);
  }
  assert_true(full > 100);
  const std::vector<int32_t> rest = emitted(*session, 0);
  tokens.insert(tokens.end(), rest.begin(), rest.end());
  choice.length = 25000;
  std::unique_ptr<Session> finite = make_session(subject, schedule, choice);
  const std::vector<int32_t> right = run_to_end(*finite).front();
  assert_true(tokens.size() > 8000 && tokens.size() < right.size());
  assert_true(std::equal(tokens.begin(), tokens.end(), right.begin()));
  // The longest prompt that an endless row takes, and one more.
  choice.length = 0;
  choice.prompts.clear();
  std::unique_ptr<Session> stream = make_session(subject, schedule, choice);
  size_t most = 100000;
  while (!stream->setup(0).prompt(some_tokens(most, 19, 1)).ok()) --most;
  for (int step = 0; step < 5; ++step) require(stream->step(report), "step after the longest prompt");
}

void test_what_cannot_slide(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const auto code_of = [&](const ModelChoice &model, int64_t length, int64_t look_back) {
    const Subject subject = open_subject(runtime, model, {}, "reference", false);
    SessionChoice choice;
    choice.length = length;
    choice.options.look_back = look_back;
    const Hyperschedule schedule =
        subject.spec().autoregressive ? made(Hyperschedule::quench()) : made(Hyperschedule::block(4, 2));
    return try_session(subject, schedule, choice).status().code();
  };
  ModelChoice gpt2, llama, llada;
  gpt2.family = "gpt2";
  llama.family = "llama";
  llada.family = "llada";
  assert_int_equal(code_of(gpt2, 0, 8), TEMPER_E_UNSUPPORTED);   // learned positions
  assert_int_equal(code_of(llada, 0, 8), TEMPER_E_UNSUPPORTED);  // attends everywhere
  assert_int_equal(code_of(llama, 0, 8), TEMPER_OK);
  assert_int_equal(code_of(llama, 500, 8), TEMPER_OK);
  assert_int_equal(code_of(llama, 0, 97), TEMPER_E_ARGUMENT);    // beyond the trained length
  // Without a sliding context an endless row can't begin.
  const Subject subject = open_subject(runtime, llama, {}, "reference", false);
  SessionChoice choice;
  choice.length = 0;
  std::unique_ptr<Session> session = make_session(subject, made(Hyperschedule::quench()), choice);
  StepReport report;
  assert_int_equal(session->step(report).code(), TEMPER_E_STATE);
  // Flat has no bounded window.
  choice.options.look_back = 8;
  const Subject other = open_subject(runtime, hdlm(), {}, "reference", false);
  assert_int_equal(try_session(other, made(Hyperschedule::flat(4)), choice).status().code(), TEMPER_E_UNSUPPORTED);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_end_tokens),    cmocka_unit_test(test_early_end), cmocka_unit_test(test_ended_row_costs_nothing),
      cmocka_unit_test(test_limits),        cmocka_unit_test(test_reading),
      cmocka_unit_test(test_order_of_calls), cmocka_unit_test(test_reset),
      cmocka_unit_test(test_skip_idle),     cmocka_unit_test(test_cancel),
      cmocka_unit_test(test_unbounded),     cmocka_unit_test(test_unread_stream),
      cmocka_unit_test(test_what_cannot_slide),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
