// SPDX-License-Identifier: Apache-2.0
// Whole runs of the published samplers at temperature 0, state by state where the reference has them: LLaDA, Dream,
// SDAR and Fast-dLLM v2, each as a hyperschedule and a sampler of this library.
#include "support/lab.h"
#include "support/shared.h"

#include "session/defaults.h"

#include <algorithm>
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

std::shared_ptr<const Model> open(const std::string &name, const std::string &backend, SpecOverrides overrides = {}) {
  Checkpoint checkpoint = require(open_checkpoint(reference_folder(name), overrides), name.c_str());
  std::shared_ptr<Device> device = require(runtime->open_device(backend), backend.c_str());
  return require(Model::create(std::move(device), std::move(checkpoint), Storage::f32), "model");
}

ReferenceCases cases_of(const std::string &name) {
  ReferenceCases cases;
  assert_true(cases.open(name));
  return cases;
}

// "generate.0", "generate.1", ...: as many as there are.
std::vector<std::string> runs_of(const ReferenceCases &cases) {
  std::vector<std::string> names;
  while (cases.has("generate." + std::to_string(names.size()) + ".prompt")) names.push_back("generate." + std::to_string(names.size()));
  assert_true(!names.empty());
  return names;
}

using P = SamplerParameter;
Sampler make(SamplerKind kind, std::initializer_list<std::pair<P, double>> values) {
  SamplerParameters parameters = Sampler::defaults(kind);
  require(Sampler::set(kind, parameters, P::temperature, 0), "temperature");
  for (const auto &[key, value] : values) require(Sampler::set(kind, parameters, key, value), "parameter");
  return require(Sampler::create(kind, parameters), "sampler");
}

std::unique_ptr<Session> begin(const std::shared_ptr<const Model> &model, const Hyperschedule &schedule,
                               const Sampler &sampler, NoiseParameters noise, const std::vector<int32_t> &prompt,
                               int64_t length) {
  const Noise path = require(Noise::create(noise), "noise");
  std::unique_ptr<Session> session = require(Session::create({model, schedule, path, sampler}, 1, length, 7), "session");
  SessionOptions options = session->frame().options;
  options.end_tokens.clear();
  require(session->set_options(options), "options");
  require(session->setup(0).prompt(prompt), "prompt");
  return session;
}

std::vector<int32_t> row(const std::vector<int32_t> &states, size_t index, size_t length) {
  const auto begin = states.begin() + static_cast<std::ptrdiff_t>(index * length);
  return {begin, begin + static_cast<std::ptrdiff_t>(length)};
}

// Tokens as the reference writes them: what isn't there yet is the mask.
std::vector<int32_t> tokens_of(const Session &session, int32_t mask, size_t length) {
  std::vector<int32_t> tokens(length, mask);
  const Sequence &sequence = session.row(0);
  for (size_t i = 0; i < length; ++i)
    if (sequence.tokens[i] >= 0) tokens[i] = sequence.tokens[i];
  return tokens;
}

// The states change from call to call as the reference says; calls in which nothing is revealed may be left out.
void follow(Session &session, const std::vector<int32_t> &states, size_t length, int32_t mask, const char *what) {
  const size_t count = states.size() / length;
  size_t at = 0;
  for (StepReport report;;) {
    require(session.step(report), what);
    if (report.done) break;
    const std::vector<int32_t> now = tokens_of(session, mask, length);
    if (now == row(states, at, length)) continue;
    while (at + 1 < count && row(states, at + 1, length) == row(states, at, length)) ++at;
    ++at;
    if (at >= count || now != row(states, at, length)) fail_msg("%s: another state after call %zu", what, at);
  }
  assert_true(tokens_of(session, mask, length) == row(states, count - 1, length));
}

void llada(void **) {
  const ReferenceCases cases = cases_of("llada");
  for (const std::string &backend : usable_backends()) {
    const auto model = open("llada", backend);
    const auto mask = static_cast<int32_t>(model->spec().mask_token);
    for (const std::string &name : runs_of(cases)) {
      const std::vector<int32_t> prompt = cases.integers(name + ".prompt");
      const auto block = static_cast<int64_t>(cases.number(name + ".block_length"));
      const auto generated = static_cast<int64_t>(cases.number(name + ".gen_length"));
      const auto steps = static_cast<int32_t>(cases.number(name + ".steps") / static_cast<double>(generated / block));
      const int64_t length = static_cast<int64_t>(prompt.size()) + generated;
      std::unique_ptr<Session> session =
          begin(model, require(Hyperschedule::block(block, steps), "schedule"), make(SamplerKind::confidence, {{P::compat, 1}}),
                default_noise(model->spec()), prompt, length);
      follow(*session, cases.integers(name + ".states"), static_cast<size_t>(length), mask, name.c_str());
    }
  }
}

void dream(void **) {
  const ReferenceCases cases = cases_of("dream");
  for (const std::string &backend : usable_backends()) {
    const auto model = open("dream", backend);
    const auto mask = static_cast<int32_t>(model->spec().mask_token);
    for (const std::string &name : runs_of(cases)) {
      const std::vector<int32_t> prompt = cases.integers(name + ".prompt");
      const int64_t length = cases.shape(name + ".states")[1];
      NoiseParameters noise = default_noise(model->spec());
      noise.grid = NoiseGrid::dream;
      const double order = cases.number(name + ".order");  // maskgit_plus, topk_margin, entropy
      std::unique_ptr<Session> session =
          begin(model, require(Hyperschedule::flat(static_cast<int32_t>(cases.number(name + ".steps"))), "schedule"),
                make(SamplerKind::confidence, {{P::compat, 1}, {P::rule, 1}, {P::order, order + 1}}), noise, prompt, length);
      follow(*session, cases.integers(name + ".states"), static_cast<size_t>(length), mask, name.c_str());
    }
  }
}

// A table by which the listed positions come down in each call, from T to 0 unless said otherwise.
class Table {
 public:
  Table(size_t positions, int32_t levels) : levels_(levels), now_(positions, levels) { push(); }
  void settle(size_t first, size_t end) {
    for (size_t i = first; i < end && i < now_.size(); ++i) now_[i] = 0;
    push();
  }
  void lower(size_t first, size_t end) {
    for (size_t i = first; i < end && i < now_.size(); ++i)
      if (now_[i] > 0) --now_[i];
    push();
  }
  Hyperschedule make() const {
    const auto positions = static_cast<int64_t>(now_.size());
    return require(Hyperschedule::table(rows_.data(), static_cast<int64_t>(rows_.size()) / positions - 1, positions, levels_),
                   "table");
  }

 private:
  void push() { rows_.insert(rows_.end(), now_.begin(), now_.end()); }
  int32_t levels_;
  std::vector<int32_t> now_, rows_;
};

void sdar(void **) {
  const ReferenceCases cases = cases_of("sdar");
  for (const std::string &backend : usable_backends())
    for (const std::string &name : runs_of(cases)) {
      const std::vector<int32_t> prompt = cases.integers(name + ".prompt"), output = cases.integers(name + ".output");
      const auto block = static_cast<size_t>(cases.number(name + ".block_length"));
      const auto steps = static_cast<size_t>(cases.number(name + ".denoising_steps"));
      SpecOverrides overrides;
      overrides.block = static_cast<int64_t>(block);
      const auto model = open("sdar", backend, overrides);
      const bool sequential = cases.number(name + ".strategy") == 0;
      // Sequential is a hyperschedule: so many positions a call, from the left, the rest of their block waiting.
      Table table(output.size() - prompt.size(), 1);
      for (size_t begins = prompt.size() / block * block; begins < output.size(); begins += block) {
        size_t next = std::max(begins, prompt.size());
        for (size_t step = 0; step < steps && next < begins + block; ++step) {
          const size_t quota = block / steps + (step < block % steps ? 1 : 0);
          table.settle(next - prompt.size(), std::min(next + quota, begins + block) - prompt.size());
          next += quota;
        }
      }
      const Hyperschedule schedule =
          sequential ? table.make() : require(Hyperschedule::block(static_cast<int64_t>(block), static_cast<int32_t>(steps)), "schedule");
      const Sampler sampler =
          sequential ? make(SamplerKind::confidence, {{P::compat, 1}})
                     : make(SamplerKind::threshold, {{P::compat, 1}, {P::temperature, 1}, {P::top_k, 1}, {P::order, 1}, {P::threshold, 0.85}});
      std::unique_ptr<Session> session =
          begin(model, schedule, sampler, default_noise(model->spec()), prompt, static_cast<int64_t>(output.size()));
      StepReport report;
      int calls = 0;
      for (;; ++calls) {
        require(session->step(report), name.c_str());
        if (report.done) break;
      }
      const auto mask = static_cast<int32_t>(model->spec().mask_token);
      if (tokens_of(*session, mask, output.size()) != output) fail_msg("%s on %s: other tokens", name.c_str(), backend.c_str());
      // Theirs stores each block in a call of its own, and reads whole blocks of the prompt in one.
      const int stores = static_cast<int>(output.size() / block - prompt.size() / block);
      const int prefill = prompt.size() >= block ? 1 : 0;
      print_message("%s: %d calls, published %g of which %d store\n", name.c_str(), calls, cases.number(name + ".model_calls"), stores);
      assert_int_equal(calls + stores + prefill, cases.number(name + ".model_calls"));
    }
}

void fast_dllm(void **) {
  const ReferenceCases cases = cases_of("fast_dllm_v2");
  for (const std::string &backend : usable_backends())
    for (const std::string &name : runs_of(cases)) {
      // Its cache inside a block keeps stale keys on purpose.
      if (cases.number(name + ".use_block_cache") != 0) continue;
      const std::vector<int32_t> prompt = cases.integers(name + ".prompt"), output = cases.integers(name + ".output");
      const auto block = static_cast<size_t>(cases.number(name + ".block_size"));
      const auto small = static_cast<size_t>(cases.number(name + ".small_block_size"));
      SpecOverrides overrides;
      overrides.block = static_cast<int64_t>(block);
      overrides.mask_token = static_cast<int64_t>(cases.number(name + ".mask_id"));
      const auto model = open("fast_dllm_v2", backend, overrides);
      const size_t known = prompt.size();
      Table table(output.size() - known, static_cast<int32_t>(small));
      for (size_t begins = known / block * block; begins < output.size(); begins += block) {
        // A block's first token comes from the last row of the block before, ahead of the others.
        if (begins >= known) table.settle(begins - known, begins - known + 1);
        for (size_t part = begins; part < begins + block && part < output.size(); part += small) {
          const size_t first = std::max({part, known, begins + (begins >= known ? 1 : 0)});
          const size_t end = std::min(part + small, output.size());
          if (first >= end) continue;
          for (size_t step = 0; step < small; ++step) table.lower(first - known, end - known);
        }
      }
      const Sampler sampler =
          make(SamplerKind::threshold, {{P::compat, 1}, {P::threshold, cases.number(name + ".threshold")}});
      std::unique_ptr<Session> session =
          begin(model, table.make(), sampler, default_noise(model->spec()), prompt, static_cast<int64_t>(output.size()));
      run_to_end(*session);
      const auto mask = static_cast<int32_t>(model->spec().mask_token);
      const std::vector<int32_t> got = tokens_of(*session, mask, output.size());
      if (got != output) {
        const auto at = std::mismatch(got.begin(), got.end(), output.begin()).first - got.begin();
        fail_msg("%s on %s: token %d is another", name.c_str(), backend.c_str(), static_cast<int>(at));
      }
    }
}

}  // namespace

int main() {
  for (const char *name : {"llada", "dream", "sdar", "fast_dllm_v2"})
    if (reference_folder(name).empty()) {
      std::printf("skipped: no shared/reference/%s (set TEMPER_SHARED)\n", name);
      return 77;
    }
  runtime = make_runtime();
  const CMUnitTest tests[] = {cmocka_unit_test(llada), cmocka_unit_test(dream), cmocka_unit_test(sdar),
                              cmocka_unit_test(fast_dllm)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
