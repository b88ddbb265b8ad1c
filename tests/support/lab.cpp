// SPDX-License-Identifier: Apache-2.0
#include "support/lab.h"

#include "session/defaults.h"

#include <algorithm>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
extern "C" {
#include <cmocka.h>
}

namespace temper::test {

void require(const Status &status, const char *what) {
  if (!status.ok()) fail_msg("%s: %d, %s", what, static_cast<int>(status.code()), status.message().c_str());
}

std::shared_ptr<Runtime> make_runtime(int threads, const temper_allocator *allocator) {
  std::shared_ptr<Runtime> runtime = require(Runtime::create(allocator), "runtime");
  require(runtime->set_threads(threads), "threads");
  return runtime;
}

std::vector<std::string> usable_backends() {
  std::vector<std::string> names = {"reference"};
  const std::shared_ptr<Runtime> runtime = require(Runtime::create(nullptr), "runtime");
  const BackendRegistry &backends = runtime->backends();
  for (int32_t i = 0; i < backends.count(); ++i)
    if (backends.info(i).score > 0 && backends.name(i) != "reference") names.push_back(backends.name(i));
  return names;
}

Subject open_subject(const std::shared_ptr<Runtime> &runtime, const ModelChoice &choice, SpecOverrides overrides,
                     const std::string &backend, bool plain) {
  const RandomModel random = random_model(choice);
  if (random.mask_token >= 0 && !overrides.mask_token) overrides.mask_token = random.mask_token;
  const auto config = std::as_bytes(std::span(random.config.data(), random.config.size()));
  Checkpoint checkpoint =
      require(open_checkpoint_memory(config, *random.weights, random.weights, overrides), choice.family.c_str());
  Subject subject;
  if (plain) subject.plain = std::make_shared<PlainModel>(checkpoint.spec, checkpoint.weights);
  std::shared_ptr<Device> device = require(runtime->open_device(backend), backend.c_str());
  subject.model = require(Model::create(std::move(device), std::move(checkpoint), Storage::f32), "model");
  return subject;
}

std::vector<ModelChoice> every_context() {
  std::vector<ModelChoice> list;
  for (const char *context : {"causal", "block_causal", "full"})
    for (const bool shifted : {false, true}) {
      ModelChoice model;
      model.context = context;
      model.shifted = shifted;
      list.push_back(model);
    }
  return list;
}

Result<std::unique_ptr<Session>> try_session(const Subject &subject, const Hyperschedule &schedule,
                                             const SessionChoice &choice) {
  TEMPER_ASSIGN(Noise noise, Noise::create(default_noise(subject.spec())));
  SamplerParameters parameters = Sampler::defaults(choice.sampler);
  parameters.temperature = choice.temperature;
  if (choice.eta > 0.0) parameters.eta = choice.eta;
  TEMPER_ASSIGN(Sampler sampler, Sampler::create(choice.sampler, parameters));
  TEMPER_ASSIGN(std::unique_ptr<Session> session,
                Session::create({subject.model, schedule, noise, sampler}, choice.rows, choice.length, choice.seed));
  SessionOptions options = choice.options;
  const std::vector<int32_t> &ends = session->frame().options.end_tokens;
  options.end_tokens.insert(options.end_tokens.end(), ends.begin(), ends.end());
  TEMPER_TRY(session->set_options(options));
  for (size_t i = 0; i < choice.ids.size(); ++i)
    TEMPER_TRY(session->setup(static_cast<int32_t>(i)).set_id(choice.ids[i]));
  for (size_t i = 0; i < choice.prompts.size(); ++i)
    TEMPER_TRY(session->setup(static_cast<int32_t>(i)).prompt(choice.prompts[i]));
  return session;
}

std::unique_ptr<Session> make_session(const Subject &subject, const Hyperschedule &schedule,
                                      const SessionChoice &choice) {
  return require(try_session(subject, schedule, choice), "session");
}

std::vector<int32_t> emitted(Session &session, int32_t row) {
  std::vector<int32_t> tokens;
  int32_t part[64];
  for (size_t n = 0; (n = session.read(row, part)) > 0;) tokens.insert(tokens.end(), part, part + n);
  return tokens;
}

std::vector<std::vector<int32_t>> run_to_end(Session &session) {
  StepReport report;
  while (!report.done) require(session.step(report), "step");
  std::vector<std::vector<int32_t>> all;
  for (int32_t row = 0; row < session.rows(); ++row) all.push_back(emitted(session, row));
  return all;
}

std::vector<int32_t> some_tokens(size_t count, int32_t tokens, uint32_t seed) {
  std::vector<int32_t> list(count);
  uint32_t state = seed * 2654435761U + 12345U;
  for (int32_t &token : list) {
    state = state * 1664525U + 1013904223U;
    token = static_cast<int32_t>((state >> 8) % static_cast<uint32_t>(tokens));
  }
  return list;
}

}  // namespace temper::test
