// SPDX-License-Identifier: Apache-2.0
// What tests of the step engine need again and again: a random model on a backend with its plain twin,
// a session with the noise it was trained on, and its tokens when all is done.
#pragma once

#include "model/model.h"
#include "runtime/runtime.h"
#include "session/session.h"
#include "support/plain_model.h"
#include "support/random_model.h"

#include <memory>
#include <string>
#include <vector>

namespace temper::test {

// Ends the test with the message when the status isn't ok.
void require(const Status &status, const char *what);
template <typename T>
T require(Result<T> result, const char *what) {
  require(result.ok() ? Status() : result.status(), what);
  return std::move(result.value());
}

std::shared_ptr<Runtime> make_runtime(int threads = 1, const temper_allocator *allocator = nullptr);

// Names of the backends that can be used here, the reference first.
std::vector<std::string> usable_backends();

struct Subject {
  std::shared_ptr<const Model> model;
  std::shared_ptr<const PlainModel> plain;  // null when not asked for
  const Spec &spec() const { return model->spec(); }
};

Subject open_subject(const std::shared_ptr<Runtime> &runtime, const ModelChoice &choice,
                     SpecOverrides overrides = {}, const std::string &backend = "reference", bool plain = true);

// HDLM with every context rule, aligned and shifted.
std::vector<ModelChoice> every_context();

struct SessionChoice {
  int32_t rows = 1;
  int64_t length = 24;
  uint64_t seed = 7;
  SamplerKind sampler = SamplerKind::ancestral;
  double temperature = 1.0;
  double eta = 0.0;
  SessionOptions options;
  std::vector<std::vector<int32_t>> prompts;  // of the first rows
  std::vector<uint32_t> ids;                  // of the first rows
};

Result<std::unique_ptr<Session>> try_session(const Subject &subject, const Hyperschedule &schedule,
                                             const SessionChoice &choice);
std::unique_ptr<Session> make_session(const Subject &subject, const Hyperschedule &schedule,
                                      const SessionChoice &choice);

// Steps to the end and gives each row's emitted tokens.
std::vector<std::vector<int32_t>> run_to_end(Session &session);
std::vector<int32_t> emitted(Session &session, int32_t row);

// `count` tokens below `tokens`, from a seed.
std::vector<int32_t> some_tokens(size_t count, int32_t tokens, uint32_t seed);

}  // namespace temper::test
