// SPDX-License-Identifier: Apache-2.0
// What a caller says of single positions: fixed ones (infilling), drafts (editing in place), weights, allowed
// tokens. Under all of them the model's logits are still those of a plain recomputation.
#include "support/comparison.h"

#include <algorithm>
#include <cmath>
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

std::vector<Hyperschedule> schedules() {
  return {made(Hyperschedule::flat(4)), made(Hyperschedule::block(4, 3)), made(Hyperschedule::slide(4, 4)),
          made(Hyperschedule::slide(6, 2)), made(Hyperschedule::hybrid(3, 2))};
}

struct Case {
  std::string name;
  ModelChoice model;
};

std::vector<Case> models() {
  std::vector<Case> list;
  for (const ModelChoice &model : every_context())
    list.push_back({"hdlm " + model.context + (model.shifted ? " shifted" : " aligned"), model});
  for (const char *family : {"llada", "dream", "bd3lm", "sdar"}) {
    ModelChoice model;
    model.family = family;
    list.push_back({family, model});
  }
  return list;
}

SessionChoice two_rows() {
  SessionChoice choice;
  choice.rows = 2;
  choice.length = 19;
  choice.prompts = {some_tokens(2, 18, 1), some_tokens(5, 18, 2)};
  return choice;
}

// The definition once more, without the library's classes: a position stands at the lower of its bent level
// and the level that it starts from.
int32_t bent(const Hyperschedule &schedule, const std::vector<int32_t> &starts, const std::vector<double> &weights,
             int64_t call, int64_t position) {
  const int32_t top = schedule.levels();
  int32_t level = schedule.level(call, position);
  const auto at = static_cast<size_t>(position);
  if (at < weights.size())
    level = std::max(0, top - static_cast<int32_t>(std::floor(weights[at] * (top - level) + 1e-9)));
  return at < starts.size() ? std::min(level, starts[at]) : level;
}

void test_infill(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  Tally tally;
  for (const Case &entry : models()) {
    const Subject subject = open_subject(runtime, entry.model);
    for (const Hyperschedule &schedule : schedules()) {
      const std::string what = entry.name + ", " + schedule.describe();
      std::unique_ptr<Session> session = make_session(subject, schedule, two_rows());
      const std::vector<std::vector<int64_t>> positions = {{4, 5, 11, 18}, {5, 6, 7, 15}};
      const std::vector<int32_t> tokens = {3, 7, 11, 2};
      std::vector<std::vector<int32_t>> starts(2);
      for (int32_t row = 0; row < 2; ++row) {
        require(session->setup(row).fix(positions[static_cast<size_t>(row)], tokens), what.c_str());
        auto &mine = starts[static_cast<size_t>(row)];
        mine.assign(19, schedule.levels());
        for (const int64_t p : positions[static_cast<size_t>(row)])
          mine[static_cast<size_t>(p - session->row(row).prompt)] = 0;
      }
      const auto levels = [&](int32_t row, int64_t call, int64_t i) {
        return bent(schedule, starts[static_cast<size_t>(row)], {}, call, i);
      };
      const auto out = run_and_compare(subject, schedule, *session, what, tally, levels);
      for (size_t row = 0; row < 2; ++row) {
        const int64_t prompt = session->row(static_cast<int32_t>(row)).prompt;
        assert_int_equal(out[row].size(), 19 - prompt);
        for (size_t i = 0; i < tokens.size(); ++i) {
          assert_int_equal(out[row][static_cast<size_t>(positions[row][i] - prompt)], tokens[i]);
          const Sequence &sequence = session->row(static_cast<int32_t>(row));
          const TokenRecord &record = sequence.records[static_cast<size_t>(positions[row][i])];
          assert_true(record.set == -1 && record.settled == -1 && record.changes == 0);
        }
      }
    }
  }
  print_message("infill: %lld logits, largest difference %.2g\n", static_cast<long long>(tally.compared), tally.worst);
  assert_true(tally.compared > 10000);
}

// The caller's tokens at full noise are no draft at all; at level 0 they are the answer; between, nothing else
// than a start from there.
void test_drafts(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  Tally tally;
  for (const Case &entry : models()) {
    const Subject subject = open_subject(runtime, entry.model);
    for (const Hyperschedule &schedule : schedules()) {
      const std::string what = "draft, " + entry.name + ", " + schedule.describe();
      const int32_t top = schedule.levels();
      const SessionChoice choice = two_rows();
      const auto draft = some_tokens(14, 18, 9);

      std::unique_ptr<Session> plain = make_session(subject, schedule, choice);
      std::unique_ptr<Session> noise = make_session(subject, schedule, choice);
      require(noise->setup(0).draft(draft, std::vector<int32_t>(14, top), true), what.c_str());
      require(noise->setup(1).draft(draft, std::vector<int32_t>(14, top), true), what.c_str());
      assert_true(run_to_end(*plain) == run_to_end(*noise));

      std::unique_ptr<Session> kept = make_session(subject, schedule, choice);
      require(kept->setup(1).draft(draft, std::vector<int32_t>(14, 0), true), what.c_str());
      assert_true(run_to_end(*kept)[1] == draft);

      std::unique_ptr<Session> session = make_session(subject, schedule, choice);
      std::vector<std::vector<int32_t>> starts(2, std::vector<int32_t>(14));
      for (size_t i = 0; i < 14; ++i) {
        starts[0][i] = static_cast<int32_t>(i) % (top + 1);
        starts[1][i] = std::min(1, top - 1) + static_cast<int32_t>(i % 2);
      }
      for (int32_t row = 0; row < 2; ++row)
        require(session->setup(row).draft(draft, starts[static_cast<size_t>(row)], row == 0), what.c_str());
      const auto out = run_and_compare(subject, schedule, *session, what, tally, [&](int32_t row, int64_t call, int64_t i) {
        return bent(schedule, starts[static_cast<size_t>(row)], {}, call, i);
      });
      for (size_t i = 0; i < 14; ++i)
        if (starts[0][i] == 0) assert_int_equal(out[0][i], draft[i]);
    }
  }
  assert_true(tally.compared > 10000);
}

// A draft is noised as the forward process says: masked with probability m at its level.
void test_draft_noise(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  ModelChoice model;
  model.family = "llada";
  const Subject subject = open_subject(runtime, model);
  const Hyperschedule schedule = made(Hyperschedule::flat(4));
  SessionChoice choice;
  choice.rows = 64;
  choice.length = 80;
  std::unique_ptr<Session> session = make_session(subject, schedule, choice);
  const auto draft = some_tokens(80, 18, 3);
  for (int32_t row = 0; row < 64; ++row) require(session->setup(row).draft(draft, std::vector<int32_t>(80, 3), true), "draft");
  struct Count {
    int64_t masked = 0, kept = 0;
  } count;
  // Before the first call: the tokens that the first call sees.
  session->hooks().logits = {[](void *user, temper_logits *row) {
                             auto &counted = *static_cast<Count *>(user);
                             if (row->call == 0 && counted.masked + counted.kept < 64 * 80 && row->row * 80 == counted.masked + counted.kept) {
                               for (int64_t i = 0; i < row->count; ++i)
                                 ++(row->tokens[i] == 19 ? counted.masked : counted.kept);
                             }
                             return 0;
                           },
                           &count};
  StepReport report;
  require(session->step(report), "step");
  const double n = static_cast<double>(count.masked + count.kept), share = static_cast<double>(count.masked) / n;
  print_message("masked %.4f of %g\n", share, n);
  assert_true(n == 64 * 80);
  assert_true(std::fabs(share - 0.75) < 4 * std::sqrt(0.75 * 0.25 / n));
}

void test_weights(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  Tally tally;
  for (const Case &entry : models()) {
    const Subject subject = open_subject(runtime, entry.model);
    for (const Hyperschedule &schedule : schedules()) {
      const std::string what = "weights, " + entry.name + ", " + schedule.describe();
      const SessionChoice choice = two_rows();
      std::unique_ptr<Session> plain = make_session(subject, schedule, choice);
      std::unique_ptr<Session> equal = make_session(subject, schedule, choice);
      require(equal->setup(0).weights(std::vector<float>(14, 2.5F)), what.c_str());
      assert_true(run_to_end(*plain) == run_to_end(*equal));

      std::unique_ptr<Session> session = make_session(subject, schedule, choice);
      const std::vector<double> weights = {1, 2, 1, 3, 1, 1.5, 1, 1, 4, 1, 1, 2, 1};
      require(session->setup(0).weights(std::vector<float>(weights.begin(), weights.end())), what.c_str());
      run_and_compare(subject, schedule, *session, what, tally, [&](int32_t row, int64_t call, int64_t i) {
        return row == 0 ? bent(schedule, {}, weights, call, i) : schedule.level(call, i);
      });
    }
  }
  // As far apart as floats are: the heavy positions settle in the first step, none keeps a mask.
  for (const Case &entry : models()) {
    const Subject subject = open_subject(runtime, entry.model);
    for (const Hyperschedule &schedule : schedules()) {
      std::unique_ptr<Session> session = make_session(subject, schedule, two_rows());
      std::vector<float> weights(14, 1e-30F);
      for (size_t i = 0; i < weights.size(); i += 3) weights[i] = 3e38F;
      require(session->setup(0).weights(weights), "weights");
      const int32_t mask = describe_head(subject.spec()).mask_token;
      const auto rows = run_to_end(*session);
      for (const int32_t token : rows[0]) assert_true(token >= 0 && token != mask);
    }
  }
  // Positions of more weight have their last token earlier.
  ModelChoice model;
  model.family = "llada";
  const Subject subject = open_subject(runtime, model);
  SessionChoice choice;
  choice.rows = 32;
  choice.length = 40;
  std::unique_ptr<Session> session = make_session(subject, made(Hyperschedule::flat(12)), choice);
  std::vector<float> weights(40, 1.0F);
  for (size_t i = 0; i < 40; i += 2) weights[i] = 3.0F;
  for (int32_t row = 0; row < 32; ++row) require(session->setup(row).weights(weights), "weights");
  run_to_end(*session);
  double heavy = 0, light = 0;
  for (int32_t row = 0; row < 32; ++row)
    for (size_t i = 0; i < 40; ++i) (i % 2 == 0 ? heavy : light) += session->row(row).records[i].set;
  print_message("mean call of the last change: weight 3 %.2f, weight 1 %.2f\n", heavy / 640, light / 640);
  assert_true(heavy * 2 < light);
}

void test_allowed(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  for (const Case &entry : models()) {
    const Subject subject = open_subject(runtime, entry.model);
    for (const Hyperschedule &schedule : schedules()) {
      const SessionChoice choice = two_rows();
      std::unique_ptr<Session> session = make_session(subject, schedule, choice);
      require(session->setup(0).allow(6, std::vector<int32_t>{4}), "one");
      require(session->setup(0).allow(9, std::vector<int32_t>{1, 2, 2}), "two");
      require(session->setup(1).allow(9, std::vector<int32_t>{1}), "replaced");
      require(session->setup(1).allow(9, std::vector<int32_t>{5}), "replaced");
      const auto out = run_to_end(*session);
      assert_int_equal(out[0][4], 4);
      assert_true(out[0][7] == 1 || out[0][7] == 2);
      assert_int_equal(out[1][4], 5);
    }
  }
}

void test_refusals(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  ModelChoice model;
  const Subject hdlm = open_subject(runtime, model);
  const Hyperschedule block = made(Hyperschedule::block(4, 3));
  SessionChoice choice = two_rows();
  std::unique_ptr<Session> session = make_session(hdlm, block, choice);
  const auto refused = [](const Status &status, temper_status code) {
    assert_int_equal(status.code(), code);
    assert_true(!status.message().empty());
  };
  const std::vector<int64_t> in_prompt = {1}, beyond = {19}, good = {7};
  const std::vector<int32_t> token = {3}, mask = {19}, unknown = {77}, low = {-1}, high = {4};
  refused(session->setup(0).fix(in_prompt, token), TEMPER_E_ARGUMENT);
  refused(session->setup(0).fix(beyond, token), TEMPER_E_ARGUMENT);
  refused(session->setup(0).fix(good, mask), TEMPER_E_ARGUMENT);
  refused(session->setup(0).fix(good, unknown), TEMPER_E_ARGUMENT);
  refused(session->setup(0).draft(token, low, true), TEMPER_E_ARGUMENT);
  refused(session->setup(0).draft(token, high, true), TEMPER_E_ARGUMENT);
  refused(session->setup(0).draft(mask, std::vector<int32_t>{0}, true), TEMPER_E_ARGUMENT);
  refused(session->setup(0).draft(some_tokens(18, 18, 1), std::vector<int32_t>(18, 1), true), TEMPER_E_ARGUMENT);
  refused(session->setup(0).weights(std::vector<float>{1, 0}), TEMPER_E_ARGUMENT);
  refused(session->setup(0).weights(std::vector<float>{NAN}), TEMPER_E_ARGUMENT);
  refused(session->setup(0).allow(7, mask), TEMPER_E_ARGUMENT);
  refused(session->setup(0).allow(1, token), TEMPER_E_ARGUMENT);
  StepReport report;
  require(session->step(report), "step");
  refused(session->setup(0).fix(good, token), TEMPER_E_STATE);
  refused(session->setup(0).draft(token, std::vector<int32_t>{1}, true), TEMPER_E_STATE);
  refused(session->setup(0).weights(std::vector<float>{1}), TEMPER_E_STATE);
  refused(session->setup(0).allow(7, token), TEMPER_E_STATE);

  // A model of the past alone can't know what is fixed ahead.
  ModelChoice past;
  past.family = "gpt2";
  const Subject gpt2 = open_subject(runtime, past);
  choice.prompts = {some_tokens(2, 18, 1)};
  std::unique_ptr<Session> quench = make_session(gpt2, made(Hyperschedule::quench()), choice);
  refused(quench->setup(0).fix(good, token), TEMPER_E_UNSUPPORTED);
  // The refusal left it as it was.
  assert_int_equal(run_to_end(*quench)[0].size(), 17);

  SessionChoice endless;
  endless.length = 0;
  endless.options.look_back = 8;
  std::unique_ptr<Session> stream = make_session(hdlm, block, endless);
  refused(stream->setup(0).fix(good, token), TEMPER_E_UNSUPPORTED);
}

// What is refused leaves no trace: neither room for it nor a begin token.
void test_refused_without_trace(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  ModelChoice model;
  model.shifted = true;
  const Subject subject = open_subject(runtime, model);
  SessionChoice choice = two_rows();
  choice.prompts.clear();
  std::unique_ptr<Session> session = make_session(subject, made(Hyperschedule::block(4, 3)), choice);
  const int64_t bytes = session->figures().bytes;
  const std::vector<int64_t> beyond = {19}, first = {0};
  const std::vector<int32_t> token = {3}, unknown = {77};
  assert_int_equal(session->setup(0).fix(beyond, token).code(), TEMPER_E_ARGUMENT);
  // The begin token would be there.
  assert_int_equal(session->setup(0).fix(first, token).code(), TEMPER_E_ARGUMENT);
  assert_int_equal(session->setup(0).draft(unknown, token, true).code(), TEMPER_E_ARGUMENT);
  assert_int_equal(session->setup(0).weights(std::vector<float>{0}).code(), TEMPER_E_ARGUMENT);
  assert_int_equal(session->setup(0).allow(0, token).code(), TEMPER_E_ARGUMENT);
  assert_false(session->frame().options.single_positions);
  assert_int_equal(session->figures().bytes, bytes);
  assert_int_equal(session->row(0).prompt, 0);
}

// A row can't become shorter than what was said of it, and what was said last is all that is kept.
void test_room_for_what_was_said(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const Subject subject = open_subject(runtime, ModelChoice());  // trained on 96 positions
  SessionChoice choice;
  choice.length = 150;
  choice.options.look_back = 8;
  choice.options.ignore_end = true;
  std::unique_ptr<Session> session = make_session(subject, made(Hyperschedule::block(4, 3)), choice);
  const std::vector<int64_t> far = {140};
  const std::vector<int32_t> token = {3};
  require(session->setup(0).fix(far, token), "fix");
  SessionOptions narrow = session->frame().options;
  narrow.look_back = 0;
  assert_int_equal(session->set_options(narrow).code(), TEMPER_E_ARGUMENT);
  assert_int_equal(session->frame().options.look_back, 8);
  assert_int_equal(run_to_end(*session)[0][140], 3);

  const std::vector<int32_t> two = {4, 5}, three = {9, 7, 8};
  session = make_session(subject, made(Hyperschedule::block(4, 3)), choice);
  for (int i = 0; i < 10; ++i) {
    require(session->setup(0).allow(30, i % 2 == 0 ? two : three), "allow");
    require(session->setup(0).allow(20, three), "allow");
    require(session->setup(0).allow(25, two), "allow");
  }
  assert_int_equal(session->row(0).allowed_ids.size(), 8);
  require(session->setup(0).allow(20, {}), "allow all");
  assert_int_equal(session->row(0).allowed_ids.size(), 5);
  const auto out = run_to_end(*session)[0];
  assert_true(out[25] == 4 || out[25] == 5);
  assert_true(out[30] >= 7 && out[30] <= 9);
}

// Blocks of models with block windows are those of absolute positions: a prompt of 5 leaves 3 of the first block.
void test_alignment(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  ModelChoice model;
  model.family = "sdar";
  const Subject subject = open_subject(runtime, model);
  for (const Choice align : {Choice::automatic, Choice::on, Choice::off}) {
    SessionChoice choice;
    choice.length = 16;
    choice.prompts = {some_tokens(5, 18, 1)};
    choice.options.align = align;
    std::unique_ptr<Session> session = make_session(subject, made(Hyperschedule::block(4, 2)), choice);
    std::vector<int64_t> frontiers;
    for (StepReport report;;) {
      require(session->step(report), "step");
      if (report.done) break;
      if (report.settled > 0) frontiers.push_back(session->row(0).settled);
    }
    assert_true(frontiers == (align == Choice::off ? std::vector<int64_t>{9, 13, 16} : std::vector<int64_t>{8, 12, 16}));
  }
}

// Everything fixed: nothing is left to do.
void test_all_fixed(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const Subject subject = open_subject(runtime, ModelChoice());
  SessionChoice choice;
  choice.length = 6;
  std::unique_ptr<Session> session = make_session(subject, made(Hyperschedule::block(2, 2)), choice);
  const std::vector<int64_t> positions = {0, 1, 2, 3, 4, 5};
  const std::vector<int32_t> tokens = {5, 4, 3, 2, 1, 0};
  require(session->setup(0).fix(positions, tokens), "fix");
  assert_true(run_to_end(*session)[0] == tokens);
  assert_true(session->figures().steps <= 1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_infill),  cmocka_unit_test(test_drafts),   cmocka_unit_test(test_draft_noise),
      cmocka_unit_test(test_weights), cmocka_unit_test(test_allowed),  cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_all_fixed), cmocka_unit_test(test_alignment),
      cmocka_unit_test(test_refused_without_trace), cmocka_unit_test(test_room_for_what_was_said),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
