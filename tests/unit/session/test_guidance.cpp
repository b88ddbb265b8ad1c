// SPDX-License-Identifier: Apache-2.0
// Guidance by a second prompt, by a caller's value, and by a caller's hand on the logits.
#include "noise/posterior.h"
#include "support/lab.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <tuple>
extern "C" {
#include <cmocka.h>
}

using namespace temper;
using namespace temper::test;

namespace {

Hyperschedule made(Result<Hyperschedule> schedule) { return require(std::move(schedule), "schedule"); }

std::vector<ModelChoice> models() {
  std::vector<ModelChoice> list = every_context();
  for (const char *family : {"llada", "gpt2", "sedd", "hdlm-gamma"}) {
    ModelChoice model;
    model.family = family;
    list.push_back(model);
  }
  return list;
}

std::vector<Hyperschedule> schedules(const Subject &subject) {
  std::vector<Hyperschedule> list = {made(Hyperschedule::quench())};
  if (!subject.spec().autoregressive) {
    list.push_back(made(Hyperschedule::flat(3)));
    list.push_back(made(Hyperschedule::block(4, 3)));
    list.push_back(made(Hyperschedule::slide(4, 4)));
  }
  return list;
}

using Rows = std::map<std::pair<int64_t, int64_t>, std::vector<float>>;  // call, position

int32_t record(void *user, temper_logits *row) {
  (*static_cast<Rows *>(user))[{row->call, row->position}] = std::vector<float>(row->logits, row->logits + row->columns);
  return 0;
}

std::unique_ptr<Session> guided(const Subject &subject, const Hyperschedule &schedule, const SessionChoice &choice,
                                double scale, const std::vector<int32_t> &other) {
  std::unique_ptr<Session> session = make_session(subject, schedule, choice);
  SessionOptions options = session->frame().options;
  options.guided = true;
  options.guidance = scale;
  require(session->set_options(options), "options");
  require(session->setup(0).unconditional(other), "prompt");
  return session;
}

// w = -1 is the run without the prompt, token for token, with every cache rule; w = 0 is the one with it.
void test_scales(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  for (const ModelChoice &model : models()) {
    const Subject subject = open_subject(runtime, model);
    for (const Hyperschedule &schedule : schedules(subject)) {
      SessionChoice choice;
      choice.length = 17;
      choice.prompts = {some_tokens(5, 18, 1)};
      const std::vector<int32_t> other = some_tokens(5, 18, 8);
      SessionChoice without = choice;
      without.prompts = {other};
      const auto with_prompt = run_to_end(*make_session(subject, schedule, choice));
      const auto without_prompt = run_to_end(*make_session(subject, schedule, without));
      if (run_to_end(*guided(subject, schedule, choice, -1, other)) != without_prompt)
        fail_msg("%s, %s: w = -1 isn't the other prompt's run", model.family.c_str(), schedule.describe().c_str());
      if (run_to_end(*guided(subject, schedule, choice, 0, other)) != with_prompt)
        fail_msg("%s, %s: w = 0 isn't the prompt's run", model.family.c_str(), schedule.describe().c_str());
    }
  }
}

// The combined logits of the first call are those of the two single runs combined.
void test_formula(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  ModelChoice model;
  model.family = "llada";
  const Subject subject = open_subject(runtime, model);
  const Hyperschedule schedule = made(Hyperschedule::flat(2));
  SessionChoice choice;
  choice.length = 14;
  choice.prompts = {some_tokens(4, 18, 1)};
  const std::vector<int32_t> masks(4, 19);
  SessionChoice without = choice;
  without.prompts = {masks};
  StepReport report;
  Rows c, u, g;
  auto one = [&](std::unique_ptr<Session> session, Rows &rows) {
    session->hooks().logits = {record, &rows};
    require(session->step(report), "step");
  };
  one(make_session(subject, schedule, choice), c);
  one(make_session(subject, schedule, without), u);
  std::unique_ptr<Session> session = make_session(subject, schedule, choice);
  SessionOptions options = session->frame().options;
  options.guided = true;
  options.guidance = 1.5;
  require(session->set_options(options), "options");
  one(std::move(session), g);  // its own prompt masked
  assert_true(g.size() > 1);
  for (const auto &[key, row] : g)
    for (size_t id = 0; id < row.size(); ++id) {
      const double expected = u[key][id] + 2.5 * (static_cast<double>(c[key][id]) - u[key][id]);
      assert_true(std::fabs(row[id] - expected) < 1e-4);
    }
}

// Shorter other prompts move the second run's positions.
void test_other_length(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  ModelChoice model;
  model.family = "gpt2";
  const Subject subject = open_subject(runtime, model);
  const Hyperschedule schedule = made(Hyperschedule::quench());
  SessionChoice choice;
  choice.length = 17;
  choice.prompts = {some_tokens(5, 18, 1)};
  const std::vector<int32_t> other = some_tokens(2, 18, 8);
  SessionChoice without = choice;
  without.length = 14;
  without.prompts = {other};
  // Positions differ, so draws do: the greedy tokens are compared.
  choice.temperature = without.temperature = 0;
  assert_true(run_to_end(*guided(subject, schedule, choice, -1, other)) ==
              run_to_end(*make_session(subject, schedule, without)));
}

int32_t no_value(void *, const temper_candidates *candidates, double *values) {
  for (int32_t m = 0; m < candidates->count; ++m) values[m] = 0;
  return 0;
}

int32_t prefer_low(void *, const temper_candidates *candidates, double *values) {
  for (int32_t m = 0; m < candidates->count; ++m) {
    values[m] = 0;
    for (int64_t i = 0; i < candidates->width; ++i) values[m] -= candidates->tokens[m * candidates->width + i];
  }
  return 0;
}

int32_t stop(void *, const temper_candidates *, double *) { return 1; }

double mean_token(const std::vector<std::vector<int32_t>> &rows) {
  double sum = 0, count = 0;
  for (const auto &row : rows) {
    sum = std::accumulate(row.begin(), row.end(), sum);
    count += static_cast<double>(row.size());
  }
  return sum / count;
}

void test_value(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  for (const char *family : {"hdlm-epsilon", "llada", "gidd"}) {
    ModelChoice model;
    model.family = family;
    const Subject subject = open_subject(runtime, model);
    for (const Hyperschedule &schedule : {made(Hyperschedule::flat(4)), made(Hyperschedule::slide(4, 4))}) {
      SessionChoice choice;
      choice.rows = 16;
      choice.length = 20;
      const auto plain = run_to_end(*make_session(subject, schedule, choice));
      auto run = [&](temper_value_fn function, int32_t candidates, double alpha, bool clean) {
        std::unique_ptr<Session> session = make_session(subject, schedule, choice);
        require(session->set_value({function, nullptr, alpha}, candidates, clean), "value");
        return run_to_end(*session);
      };
      // One candidate: token for token.
      assert_true(run(prefer_low, 1, 0, false) == plain);
      double last = mean_token(plain);
      for (const int32_t candidates : {4, 16}) {
        const double mean = mean_token(run(prefer_low, candidates, 0, true));
        print_message("%s, %s: M %d, mean token %.2f after %.2f\n", family, schedule.describe().c_str(), candidates, mean,
                      last);
        assert_true(mean < last);
        last = mean;
      }
      // Large alpha: the unguided law, though not its draws.
      const double indifferent = mean_token(run(no_value, 4, 1, false));
      assert_true(std::fabs(indifferent - mean_token(plain)) < 1.5);
    }
  }
}

// A call that is left out because no token could change in it chooses as it would have, alone and in company.
void test_idle_calls(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const Subject subject = open_subject(runtime, ModelChoice());
  int64_t idle = 0;
  for (const SamplerKind kind : {SamplerKind::ancestral, SamplerKind::gibbs})
    for (const Hyperschedule &schedule : {made(Hyperschedule::block(3, 4)), made(Hyperschedule::block(3, 8)),
                                          made(Hyperschedule::hybrid(3, 4))}) {
      const auto run = [&](bool skip, int32_t rows) {
        SessionChoice choice;
        choice.rows = rows;
        choice.length = 25;
        choice.prompts = {some_tokens(2, 18, 1), some_tokens(7, 18, 2)};
        choice.prompts.resize(static_cast<size_t>(rows));
        choice.sampler = kind;
        choice.options.skip_idle = skip;
        std::unique_ptr<Session> session = make_session(subject, schedule, choice);
        require(session->set_value({prefer_low, nullptr, 0.2}, 3, false), "value");
        StepReport report;
        for (int step = 0; !report.done; ++step) {
          require(session->step(report), "step");
          idle += report.idle ? 1 : 0;
          if (step > 1000) fail_msg("%s doesn't end", schedule.describe().c_str());
        }
        return emitted(*session, 0);
      };
      const std::vector<int32_t> tokens = run(false, 1);
      if (run(true, 1) != tokens) fail_msg("%s: other tokens", schedule.describe().c_str());
      if (run(true, 2) != tokens) fail_msg("%s: other tokens in company", schedule.describe().c_str());
    }
  assert_true(idle > 0);
}

// What the hook and the value function saw of one row, step by step.
struct Watch {
  const Session *session = nullptr;
  std::vector<std::tuple<int64_t, std::vector<int32_t>, std::vector<float>>> previews;  // position, draft, row
  int64_t previewed = -1;       // the call they are of
  std::vector<int32_t> shown;   // the first candidate, which is the one that is taken
  int64_t shown_at = 0;
  int checked = 0;

  const Sequence &row() const { return session->row(0); }
};

// What the model would have at a position, of its row of logits (MATH 2.1 to 2.3).
int32_t most_probable(const Session &session, int32_t token, int32_t level, const std::vector<float> &logits) {
  const HeadDescription head = describe_head(session.frame().parts.model->spec());
  const int32_t top = session.frame().parts.schedule.levels();
  const Transition step = session.frame().parts.noise.transition(level, 0, top);
  const auto n = static_cast<size_t>(head.tokens());
  const auto dense = [&](int32_t id) { return head.mask_token >= 0 && id > head.mask_token ? id - 1 : id; };
  std::vector<double> p;
  for (int32_t id = 0; id < head.vocabulary; ++id)
    if (id != head.mask_token) p.push_back(std::exp(static_cast<double>(logits[static_cast<size_t>(id)])));
  normalise(n, p.data());
  if (token >= 0 && token != head.mask_token) {
    if (head.carry_over || step.visible_fixed) return token;
    const HeadForm form = Sampler::converted(head).kind;
    if (form == HeadForm::leave_one_out) posterior_from_leave_one_out(step.kappa_t, n, dense(token), p.data(), p.data());
    else if (!std::isnan(head.kappa_eff))
      recalibrate_posterior(head.kappa_eff, step.kappa_t, n, dense(token), p.data(), p.data());
  }
  const auto best = static_cast<int32_t>(std::max_element(p.begin(), p.end()) - p.begin());
  return head.mask_token >= 0 && best >= head.mask_token ? best + 1 : best;
}

int32_t watch_logits(void *user, temper_logits *row) {
  Watch &watch = *static_cast<Watch *>(user);
  std::vector<float> logits(row->logits, row->logits + row->columns);
  if (row->call == watch.row().calls_done + 1) {
    if (watch.previewed != row->call) watch.previews.clear();
    watch.previewed = row->call;
    watch.previews.emplace_back(row->position, std::vector<int32_t>(row->tokens, row->tokens + row->count),
                                std::move(logits));
    return 0;
  }
  // The draft that was taken was previewed: the same bits.
  const std::vector<int32_t> draft(row->tokens, row->tokens + row->count);
  int same = 0;
  for (const auto &[position, tokens, previewed] : watch.previews)
    if (position == row->position && tokens == draft && previewed == logits) ++same;
  const int64_t at = row->position - watch.shown_at;
  if (!watch.shown.empty() && at >= 0 && at < static_cast<int64_t>(watch.shown.size())) {
    const int32_t want = most_probable(*watch.session, row->tokens[row->position - row->first], row->level, logits);
    assert_int_equal(watch.shown[static_cast<size_t>(at)], want);
    assert_true(same > 0);
    ++watch.checked;
  }
  return 0;
}

int32_t watch_values(void *user, const temper_candidates *candidates, double *values) {
  Watch &watch = *static_cast<Watch *>(user);
  watch.shown.assign(candidates->tokens, candidates->tokens + candidates->width);
  watch.shown_at = candidates->first + candidates->settled_count;
  for (int32_t m = 0; m < candidates->count; ++m) values[m] = 0;
  // All that was previewed of this row has a clean token.
  for (int64_t i = 0; i < candidates->width * candidates->count; ++i) assert_true(candidates->tokens[i] >= 0);
  return 0;
}

// A candidate's clean window is what the model says in the next step, were it taken: the same logits to the bit,
// and looking ahead leaves no trace in what is generated.
void test_preview(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  std::vector<ModelChoice> list = models();
  for (const char *family : {"gidd", "sdar", "mdlm"}) {
    ModelChoice model;
    model.family = family;
    list.push_back(model);
  }
  ModelChoice uniform;
  uniform.family = "sedd";
  uniform.uniform = true;
  list.push_back(uniform);
  int checked = 0;
  for (const ModelChoice &model : list)
    for (const bool guide : {false, true}) {
      const Subject subject = open_subject(runtime, model, {}, "reference", false);
      const bool mask = describe_head(subject.spec()).mask_token >= 0;
      if (guide && !mask) continue;
      for (const Hyperschedule &schedule : schedules(subject)) {
        SessionChoice choice;
        choice.length = 17;
        choice.prompts = {some_tokens(5, 18, 1)};
        const auto make = [&] {
          std::unique_ptr<Session> session = make_session(subject, schedule, choice);
          SessionOptions options = session->frame().options;
          options.guided = guide;
          options.guidance = 0.7;
          options.ignore_end = true;
          require(session->set_options(options), "options");
          return session;
        };
        const auto plain = run_to_end(*make());
        std::unique_ptr<Session> session = make();
        Watch watch;
        watch.session = session.get();
        require(session->set_value({watch_values, &watch, 0}, 3, true), "value");
        session->hooks().logits = {watch_logits, &watch};
        StepReport report;
        while (!report.done) {
          require(session->step(report), "step");
          if (!report.done) assert_true(report.model_calls <= 4);
        }
        if (emitted(*session, 0) != plain[0])
          fail_msg("%s, %s: looking ahead changed the tokens", model.family.c_str(), schedule.describe().c_str());
        checked += watch.checked;
        if (schedule.levels() > 1) assert_true(watch.checked > 0);
      }
    }
  print_message("%d rows\n", checked);
  assert_true(checked > 500);
}

// The same where slots are let go of, and where caches are approximate: no trace in the tokens.
void test_preview_leaves_no_trace(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const auto run = [&](const char *family, const Hyperschedule &schedule, const SessionOptions &options, int64_t length,
                       bool preview) {
    ModelChoice model;
    model.family = family;
    SessionChoice choice;
    choice.length = length;
    choice.options = options;
    choice.options.ignore_end = true;
    choice.prompts = {some_tokens(9, 18, 1)};
    const Subject subject = open_subject(runtime, model, {}, "reference", false);
    std::unique_ptr<Session> session = make_session(subject, schedule, choice);
    require(session->set_value({no_value, nullptr, 0}, 3, preview), "value");
    std::vector<int32_t> tokens;
    StepReport report;
    for (int step = 0; step < 150 && !report.done; ++step) {
      require(session->step(report), "step");
      for (const int32_t token : emitted(*session, 0)) tokens.push_back(token);
    }
    return tokens;
  };
  SessionOptions sliding, kept;
  sliding.look_back = 8;
  for (const Hyperschedule &schedule : {made(Hyperschedule::block(4, 3)), made(Hyperschedule::slide(6, 3))}) {
    const auto tokens = run("hdlm-epsilon", schedule, sliding, 0, true);
    assert_true(tokens.size() > 100 && tokens == run("hdlm-epsilon", schedule, sliding, 0, false));
  }
  for (const int32_t refresh : {0, 3}) {
    kept.approximation = Approximation::prefix;
    kept.refresh = refresh;
    kept.measure = refresh > 0;
    const Hyperschedule schedule = made(Hyperschedule::block(6, 4));
    const auto tokens = run("llada", schedule, kept, 40, true);
    assert_true(tokens.size() == 31 && tokens == run("llada", schedule, kept, 40, false));
  }
  // What the dual cache keeps behind the window would be lost.
  ModelChoice model;
  model.family = "llada";
  const Subject subject = open_subject(runtime, model, {}, "reference", false);
  SessionChoice choice;
  choice.options.approximation = Approximation::dual;
  std::unique_ptr<Session> session = make_session(subject, made(Hyperschedule::block(6, 4)), choice);
  assert_int_equal(session->set_value({no_value, nullptr, 0}, 3, true).code(), TEMPER_E_UNSUPPORTED);
  require(session->set_value({no_value, nullptr, 0}, 3, false), "value");
  // One candidate isn't looked at, whatever it would look like.
  require(session->set_value({no_value, nullptr, 0}, 1, true), "value");
}

// The longest prompt that a stream takes leaves room for what is looked at.
void test_preview_of_long_prompt(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  const Subject subject = open_subject(runtime, ModelChoice(), {}, "reference", false);
  SessionChoice choice;
  choice.length = 0;
  choice.options.look_back = 8;
  choice.options.ignore_end = true;
  std::unique_ptr<Session> session = make_session(subject, made(Hyperschedule::block(6, 2)), choice);
  require(session->set_value({no_value, nullptr, 0}, 2, true), "value");
  size_t most = 9000;
  while (!session->setup(0).prompt(some_tokens(most, 18, 1)).ok()) --most;
  assert_true(most > 8000);
  StepReport report;
  for (int step = 0; step < 4; ++step) require(session->step(report), "step after the longest prompt");
}

// The law with equal values is the base law: the first token of many rows, chi-square.
void test_indifferent(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  ModelChoice model;
  model.family = "llada";
  model.tokens = 5;
  model.sharpness = 3;
  const Subject subject = open_subject(runtime, model);
  SessionChoice choice;
  choice.rows = 2000;
  choice.length = 2;
  const Hyperschedule schedule = made(Hyperschedule::flat(2));
  std::array<std::array<double, 25>, 2> counts{};
  for (int which = 0; which < 2; ++which)
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      choice.seed = seed + static_cast<uint64_t>(which) * 100;
      std::unique_ptr<Session> session = make_session(subject, schedule, choice);
      if (which == 1) require(session->set_value({no_value, nullptr, 1}, 5, false), "value");
      for (const auto &row : run_to_end(*session)) counts[static_cast<size_t>(which)][static_cast<size_t>(row[0] * 5 + row[1])] += 1;
    }
  double chi = 0;
  int cells = 0;
  for (size_t i = 0; i < 25; ++i) {
    const double sum = counts[0][i] + counts[1][i];
    if (sum < 10) continue;
    ++cells;
    chi += (counts[0][i] - counts[1][i]) * (counts[0][i] - counts[1][i]) / sum;
  }
  print_message("chi-square %.1f of %d cells\n", chi, cells);
  assert_true(cells > 8 && chi < cells - 1 + 4 * std::sqrt(2.0 * (cells - 1)));
}

int32_t force_three(void *, temper_logits *row) {
  for (int32_t id = 0; id < row->columns; ++id) row->logits[id] = id == 3 ? 0 : -HUGE_VALF;
  return 0;
}
int32_t forbid_all(void *, temper_logits *row) {
  for (int32_t id = 0; id < row->columns; ++id) row->logits[id] = -HUGE_VALF;
  return 0;
}
int32_t stop_logits(void *, temper_logits *) { return 7; }

void test_logits_function(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  for (const ModelChoice &model : models()) {
    const Subject subject = open_subject(runtime, model);
    SessionChoice choice;
    choice.length = 14;
    choice.prompts = {some_tokens(4, 18, 1)};
    const Hyperschedule schedule = schedules(subject).back();
    std::unique_ptr<Session> session = make_session(subject, schedule, choice);
    session->hooks().logits = {force_three, nullptr};
    const auto out = run_to_end(*session)[0];
    // Noise that replaces tokens may still do so where the path has it.
    if (!subject.spec().carry_over) continue;
    assert_true(std::all_of(out.begin(), out.end(), [](int32_t token) { return token == 3; }));
  }
  const Subject subject = open_subject(runtime, ModelChoice());
  SessionChoice choice;
  std::unique_ptr<Session> session = make_session(subject, made(Hyperschedule::block(4, 2)), choice);
  const auto untouched = run_to_end(*make_session(subject, made(Hyperschedule::block(4, 2)), choice));
  StepReport report;
  session->hooks().logits = {forbid_all, nullptr};
  assert_int_equal(session->step(report).code(), TEMPER_E_UNSUPPORTED);
  session->hooks().logits = {stop_logits, nullptr};
  assert_int_equal(session->step(report).code(), TEMPER_E_CANCELLED);
  session->hooks().logits = {};
  require(session->set_value({}, 1, false).ok() ? Status() : Status(), "value");
  // Nothing had changed.
  assert_true(run_to_end(*session) == untouched);

  std::unique_ptr<Session> valued = make_session(subject, made(Hyperschedule::block(4, 2)), choice);
  require(valued->set_value({stop, nullptr, 1}, 3, false), "value");
  assert_int_equal(valued->step(report).code(), TEMPER_E_CANCELLED);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_scales), cmocka_unit_test(test_formula),     cmocka_unit_test(test_other_length),
      cmocka_unit_test(test_value),  cmocka_unit_test(test_indifferent), cmocka_unit_test(test_logits_function),
      cmocka_unit_test(test_preview), cmocka_unit_test(test_preview_leaves_no_trace),
      cmocka_unit_test(test_preview_of_long_prompt), cmocka_unit_test(test_idle_calls),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
