// SPDX-License-Identifier: Apache-2.0
// Whole runs of the published HDLM samplers (shared reference: sampler_traces), call by call: a session that is put
// into the state before a call - settled tokens as its prompt, the window as its draft - asks the model for the same
// logits as the published program did, and its levels mean the same times.
#include "support/lab.h"
#include "support/shared.h"

#include "session/defaults.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
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

std::shared_ptr<Runtime> runtime;
ReferenceCases traces;

std::shared_ptr<const Model> open(const std::string &name, const SpecOverrides &overrides) {
  Checkpoint checkpoint = require(open_checkpoint(reference_folder(name), overrides), name.c_str());
  std::shared_ptr<Device> device = require(runtime->open_device("reference"), "reference");
  return require(Model::create(std::move(device), std::move(checkpoint), Storage::f32), "model");
}

// The state before one call. Positions from `settled` on have a level each; `next` is what they come down to.
struct State {
  std::vector<int32_t> tokens;
  int64_t settled = 0;
  int32_t levels = 1;
  std::vector<int32_t> now, next;
};

// What the published program had from the network, by position; empty where nothing is known.
struct Published {
  int64_t columns = 0;
  std::vector<std::vector<float>> logits;
  std::string what;
  int64_t compared = 0;
  double worst = 0;
};

void compare(void *user, int32_t, int64_t position, std::span<const float> logits) {
  Published &published = *static_cast<Published *>(user);
  const std::vector<float> &theirs = published.logits[static_cast<size_t>(position)];
  if (theirs.empty()) return;
  assert_int_equal(logits.size(), theirs.size());
  for (size_t z = 0; z < theirs.size(); ++z)
    published.worst = std::max(published.worst, std::abs(static_cast<double>(logits[z]) - static_cast<double>(theirs[z])));
  ++published.compared;
}

// One call of a session from this state. Every position of the window is asked for, the visible ones too.
void follow(const std::shared_ptr<const Model> &model, const State &state, const NoiseParameters &noise,
            Published &published) {
  const size_t count = state.tokens.size() - static_cast<size_t>(state.settled);
  // From pure noise to the state in a call in which nothing of the draft comes down, then the call itself.
  std::vector<int32_t> rows(count, state.levels);
  rows.insert(rows.end(), state.now.begin(), state.now.end());
  rows.insert(rows.end(), state.next.begin(), state.next.end());
  rows.insert(rows.end(), count, 0);
  const Hyperschedule schedule =
      require(Hyperschedule::table(rows.data(), 3, static_cast<int64_t>(count), state.levels), "table");
  const Sampler sampler = require(Sampler::create(SamplerKind::edit, Sampler::defaults(SamplerKind::edit)), "sampler");
  std::unique_ptr<Session> session =
      require(Session::create({model, schedule, require(Noise::create(noise), "noise"), sampler}, 1,
                              static_cast<int64_t>(state.tokens.size()), 7),
              "session");
  SessionOptions options = session->frame().options;
  options.end_tokens.clear();
  require(session->set_options(options), "options");
  const std::span<const int32_t> tokens = state.tokens;
  if (state.settled > 0) require(session->setup(0).prompt(tokens.first(static_cast<size_t>(state.settled))), "prompt");
  require(session->setup(0).draft(tokens.subspan(static_cast<size_t>(state.settled)), state.now, false), "draft");
  session->hooks().tap = {compare, &published};
  StepReport report;
  const int64_t before = published.compared;
  published.worst = 0;
  require(session->step(report), published.what.c_str());
  assert_int_equal(report.model_calls, 1);
  if (published.compared == before) fail_msg("%s: nothing was asked for", published.what.c_str());
  if (!(published.worst < 2e-4)) fail_msg("%s: logits are %g apart", published.what.c_str(), published.worst);
}

std::vector<float> row_of(const std::vector<float> &all, size_t row, size_t columns) {
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(row * columns);
  return {first, first + static_cast<std::ptrdiff_t>(columns)};
}

// The whole text at once, no mask of attention: the levels of flat(T).
void test_full(void **) {
  SpecOverrides overrides;
  overrides.context = Context::full;
  const auto model = open("hdlm_epsilon", overrides);
  NoiseParameters noise = default_noise(model->spec());
  noise.grid = NoiseGrid::even;
  int runs = 0;
  for (const std::string &key : traces.names()) {
    const size_t end = key.rfind(".timesteps");
    if (key.rfind("full_diff.", 0) != 0 || end == std::string::npos) continue;
    const std::string name = key.substr(0, end);
    const std::vector<double> times = traces.numbers(key);
    const std::vector<int64_t> shape = traces.shape(name + ".logits");  // [steps, batch, positions, columns]
    const auto steps = static_cast<int32_t>(shape[0]);
    const auto batch = static_cast<size_t>(shape[1]), length = static_cast<size_t>(shape[2]), columns = static_cast<size_t>(shape[3]);
    const int64_t prompt = traces.shape(name + ".prompt")[1];
    const std::vector<int32_t> states = traces.integers(name + ".x");
    const std::vector<float> logits = traces.floats(name + ".logits");
    const Noise path = require(Noise::create(noise), "noise");
    Published published;
    for (int32_t k = 0; k < steps; ++k) {
      assert_true(std::abs(path.time(steps - k, steps) - times[static_cast<size_t>(k)]) < 2e-5);
      for (size_t b = 0; b < batch; ++b) {
        const size_t at = static_cast<size_t>(k) * batch + b;
        State state;
        state.tokens.assign(states.begin() + static_cast<std::ptrdiff_t>(at * length),
                            states.begin() + static_cast<std::ptrdiff_t>((at + 1) * length));
        state.settled = prompt;
        state.levels = steps;
        state.now.assign(length - static_cast<size_t>(prompt), steps - k);
        state.next.assign(state.now.size(), steps - k - 1);
        published.logits.clear();
        for (size_t i = 0; i < length; ++i) published.logits.push_back(row_of(logits, at * length + i, columns));
        published.what = name + ", step " + std::to_string(k) + ", row " + std::to_string(b);
        follow(model, state, noise, published);
      }
    }
    print_message("%s: %d rows of logits\n", name.c_str(), static_cast<int>(published.compared));
    ++runs;
  }
  assert_true(runs > 0);
}

// Who sees how much: the number of columns that are open to a row.
std::vector<int64_t> open_columns(const std::vector<uint8_t> &blocked, size_t first, size_t length) {
  std::vector<int64_t> open(length, 0);
  for (size_t r = 0; r < length; ++r)
    for (size_t c = 0; c < length; ++c) open[r] += blocked[first + r * length + c] == 0 ? 1 : 0;
  return open;
}

// By blocks, each row predicting the position behind it.
void test_shifted(void **) {
  const std::string name = "semi_diff_shifted";
  const std::vector<int64_t> shape = traces.shape(name + ".logits");
  const auto calls = static_cast<size_t>(shape[0]), batch = static_cast<size_t>(shape[1]), length = static_cast<size_t>(shape[2]),
             columns = static_cast<size_t>(shape[3]);
  const std::vector<int32_t> states = traces.integers(name + ".x");
  const std::vector<float> logits = traces.floats(name + ".logits");
  const std::vector<uint8_t> blocked = traces.get<uint8_t>(name + ".attn_mask");
  // The last call has most settled rows: the first one sees itself alone if the context is causal.
  SpecOverrides overrides;
  overrides.shifted = true;
  overrides.context = open_columns(blocked, (calls - 1) * length * length, length)[0] == 1 ? Context::causal : Context::block_causal;
  overrides.block = traces.integers(name + ".width_tau")[0] + 1;  // of a shifted context
  const auto model = open("hdlm_epsilon", overrides);
  Published published;
  for (size_t k = 0; k < calls; ++k)
    for (size_t b = 0; b < batch; ++b) {
      const std::vector<int64_t> open = open_columns(blocked, k * length * length, length);
      const int64_t end = *std::max_element(open.begin(), open.end());
      const size_t at = k * batch + b;
      State state;
      state.tokens.assign(states.begin() + static_cast<std::ptrdiff_t>(at * length),
                          states.begin() + static_cast<std::ptrdiff_t>((at + 1) * length));
      // The row of the last settled token is the first that sees the window.
      state.settled = 1 + (std::find(open.begin(), open.end(), end) - open.begin());
      state.levels = 2;
      for (auto i = state.settled; i < static_cast<int64_t>(length); ++i) {
        state.now.push_back(i < end ? 1 : 2);
        state.next.push_back(i < end ? 0 : 2);
      }
      published.logits.assign(1, {});
      for (size_t i = 1; i < length; ++i) published.logits.push_back(row_of(logits, at * length + i - 1, columns));
      published.what = name + ", call " + std::to_string(k) + ", row " + std::to_string(b);
      follow(model, state, default_noise(model->spec()), published);
    }
  print_message("%s: %d rows of logits\n", name.c_str(), static_cast<int>(published.compared));
}

// The gamma programs: the window's rows of log-scores, each told the noise of its own time.
void test_gamma(void **) {
  int runs = 0;
  for (const std::string &key : traces.names()) {
    const size_t end = key.rfind(".step1.t");
    if (end == std::string::npos || end + 8 != key.size()) continue;
    const std::string name = key.substr(0, end);
    int64_t steps = 0;
    while (traces.has(name + ".step" + std::to_string(steps + 1) + ".t")) ++steps;
    const std::string last = name + ".step" + std::to_string(steps);
    const auto whole = static_cast<size_t>(traces.shape(last + ".attn_mask")[0]);
    SpecOverrides overrides;
    overrides.context =
        open_columns(traces.get<uint8_t>(last + ".attn_mask"), 0, whole)[0] == 1 ? Context::causal : Context::block_causal;
    const auto model = open("hdlm_gamma", overrides);
    NoiseParameters noise = default_noise(model->spec());
    noise.grid = NoiseGrid::official;
    const Noise path = require(Noise::create(noise), "noise");
    Published published;
    int left_out = 0;
    for (int64_t k = 1; k <= steps; ++k) {
      const std::string step = name + ".step" + std::to_string(k);
      const std::vector<double> t = traces.numbers(step + ".t"), dt = traces.numbers(step + ".dt");
      const std::vector<int32_t> index = traces.integers(step + ".active_index");
      // A call of theirs takes one interval of the grid between t = 10 eps and 1 - 10 eps off every position.
      const double interval = *std::max_element(dt.begin(), dt.end());
      State state;
      state.tokens = traces.integers(step + ".x");
      state.settled = index.front();
      state.levels = 1 + static_cast<int32_t>(std::lround(0.998 / interval));
      bool known = true;
      for (size_t i = static_cast<size_t>(state.settled); i < t.size(); ++i) {
        const bool active = std::find(index.begin(), index.end(), static_cast<int32_t>(i)) != index.end();
        int32_t level = state.levels;
        while (active && level > 1 && std::abs(path.time(level, state.levels) - t[i]) > 1e-5) --level;
        if (active) assert_true(std::abs(path.time(level, state.levels) - t[i]) < 1e-5);
        // A draft is thrown away at the level of pure noise, where theirs may hold a token that was drawn at first.
        if (active && level == state.levels && state.tokens[i] != model->spec().mask_token) known = false;
        state.now.push_back(level);
        state.next.push_back(active ? level - 1 : level);
      }
      if (!known) {
        ++left_out;
        continue;
      }
      const std::vector<float> scores = traces.floats(step + ".active_log_score");
      const auto columns = static_cast<size_t>(traces.shape(step + ".active_log_score")[1]);
      published.logits.assign(state.tokens.size(), {});
      for (size_t n = 0; n < index.size(); ++n)
        published.logits[static_cast<size_t>(index[n])] = row_of(scores, n, columns);
      published.what = step;
      follow(model, state, noise, published);
    }
    print_message("%s: %d rows of logits, %d calls left out\n", name.c_str(), static_cast<int>(published.compared), left_out);
    assert_true(published.compared > 0);
    ++runs;
  }
  assert_true(runs > 0);
}

}  // namespace

int main() {
  if (!traces.open("sampler_traces") || reference_folder("hdlm_epsilon").empty() || reference_folder("hdlm_gamma").empty()) {
    std::printf("skipped: no shared/reference/sampler_traces, hdlm_epsilon or hdlm_gamma (set TEMPER_SHARED)\n");
    return 77;
  }
  runtime = make_runtime();
  const CMUnitTest tests[] = {cmocka_unit_test(test_full), cmocka_unit_test(test_shifted), cmocka_unit_test(test_gamma)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
