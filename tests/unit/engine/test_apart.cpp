// SPDX-License-Identifier: Apache-2.0
// Whole generations and scores on a backend whose memory isn't the host's: the tokens of the reference, whether logits
// are downloaded and answered here, or answered by the backend itself.
#include "support/apart.h"
#include "support/lab.h"

#include "answer/answer.h"
#include "engine/evaluator.h"
#include "runtime/device.h"
#include "session/snapshot.h"

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

int64_t answered = 0, downloads = 0;

int32_t counted_download(temper_device *device, void *to, const void *from, size_t size) {
  ++downloads;
  return temper_backend_apart(TEMPER_BACKEND_ABI)->download(device, to, from, size);
}

// As a backend would that can do it where the logits are; this one fetches them for itself.
temper_device *answering_device = nullptr;
int32_t answer(temper_stream *, const float *logits, int64_t columns, const int32_t *rows,
               const temper_question *questions, int32_t count, temper_answer *answers) {
  Workspace workspace = require(Workspace::create(static_cast<int32_t>(columns)), "workspace");
  std::vector<float> row(static_cast<size_t>(columns));
  for (int32_t i = 0; i < count; ++i) {
    const temper_backend &apart = *temper_backend_apart(TEMPER_BACKEND_ABI);
    const int32_t code = apart.download(answering_device, row.data(), logits + rows[i] * columns, row.size() * sizeof(float));
    if (code != TEMPER_OK) return code;
    answers[i] = answer_row(questions[i], row, workspace);
    ++answered;
  }
  return TEMPER_OK;
}

temper_backend table_of(bool answers) {
  temper_backend table = *temper_backend_apart(TEMPER_BACKEND_ABI);
  table.download = counted_download;
  table.answer = answers ? answer : nullptr;
  return table;
}
const temper_backend tables[] = {table_of(false), table_of(true)};

Subject subject_on(const std::shared_ptr<Runtime> &runtime, const ModelChoice &choice, const temper_backend &table) {
  const RandomModel random = random_model(choice);
  SpecOverrides overrides;
  if (random.mask_token >= 0) overrides.mask_token = random.mask_token;
  const auto config = std::as_bytes(std::span(random.config.data(), random.config.size()));
  Checkpoint checkpoint =
      require(open_checkpoint_memory(config, *random.weights, random.weights, overrides), choice.family.c_str());
  std::shared_ptr<Device> device = require(Device::open(runtime, require(Module::linked(&table, "a test"), "module")), "device");
  answering_device = device->handle();
  return {require(Model::create(std::move(device), std::move(checkpoint), Storage::f32), "model"), nullptr};
}

int32_t louder(void *, temper_logits *row) {
  row->logits[1] += 0.5F;
  return 0;
}

// Tokens of two rows, with what a session may have beside; and of a fork half way.
std::vector<std::vector<int32_t>> generate(const Subject &subject, const Hyperschedule &schedule, SamplerKind sampler,
                                           bool guided, bool hook) {
  SessionChoice choice;
  choice.rows = 2;
  choice.sampler = sampler;
  choice.options.ignore_end = true;
  choice.options.prefill_rows = 4;
  choice.options.guided = guided;
  choice.options.guidance = 0.5;
  choice.prompts = {some_tokens(11, 18, 1), some_tokens(2, 18, 2)};
  std::unique_ptr<Session> session = make_session(subject, schedule, choice);
  if (hook) session->hooks().logits = {louder, nullptr};
  StepReport report;
  for (int i = 0; i < 3; ++i) require(session->step(report), "step");
  std::unique_ptr<Session> fork = require(Snapshot::fork(*session, 9), "fork");
  std::vector<std::vector<int32_t>> all = run_to_end(*session);
  for (std::vector<int32_t> &tokens : run_to_end(*fork)) all.push_back(std::move(tokens));
  return all;
}

void test_tokens(void **) {
  struct Case {
    const char *family;
    Result<Hyperschedule> schedule;
    SamplerKind sampler;
  };
  const Case cases[] = {{"hdlm-epsilon", Hyperschedule::slide(6, 3), SamplerKind::acs},
                        {"hdlm-gamma", Hyperschedule::block(4, 4), SamplerKind::ancestral},
                        {"sedd", Hyperschedule::flat(6), SamplerKind::analytic},
                        {"gidd", Hyperschedule::flat(6), SamplerKind::self_correct},
                        {"llada", Hyperschedule::block(8, 4), SamplerKind::confidence},
                        {"sdar", Hyperschedule::block(4, 4), SamplerKind::threshold},
                        {"gpt2", Hyperschedule::quench(), SamplerKind::ancestral},
                        {"llama", Hyperschedule::quench(), SamplerKind::greedy}};
  const std::shared_ptr<Runtime> runtime = make_runtime(2);
  for (const Case &entry : cases)
    for (const bool guided : {false, true})
      for (const bool hook : {false, true}) {
        ModelChoice choice;
        choice.family = entry.family;
        const Hyperschedule schedule = require(Result<Hyperschedule>(entry.schedule), "schedule");
        const Subject plain = open_subject(runtime, choice, {}, "reference", false);
        if (guided && plain.spec().mask_token < 0) continue;
        const auto expected = generate(plain, schedule, entry.sampler, guided, hook);
        for (const temper_backend &table : tables) {
          answered = downloads = 0;
          const auto tokens = generate(subject_on(runtime, choice, table), schedule, entry.sampler, guided, hook);
          if (tokens != expected) fail_msg("%s: other tokens", entry.family);
          // Where the backend answers, no row of logits leaves it, unless somebody has to see whole rows. (The fork has no
          // function to show them to.)
          if (table.answer == nullptr || guided) assert_true(answered == 0 && downloads > 0);
          else assert_true(answered > 0 && (downloads > 0) == hook);
        }
      }
}

void test_evaluator(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime(1);
  for (const std::string &family : random_families()) {
    ModelChoice choice;
    choice.family = family;
    const Subject plain = open_subject(runtime, choice, {}, "reference", false);
    const Subject apart = subject_on(runtime, choice, tables[0]);
    std::vector<temper_x_row> rows(5);
    for (size_t i = 0; i < rows.size(); ++i) {
      rows[i].token = static_cast<int32_t>(2 + i);
      rows[i].position = static_cast<int32_t>(2 * i);
      rows[i].visible_end = static_cast<int32_t>(rows.size());
      rows[i].want_logits = 1;
      rows[i].condition = 0.2 + 0.1 * static_cast<double>(i % 3);
    }
    std::vector<float> expected(rows.size() * static_cast<size_t>(plain.spec().columns)), logits(expected.size());
    require(require(Evaluator::create(plain.model, 1, 5, 5), "one")->run(rows, expected.data(), expected.size()), "run");
    require(require(Evaluator::create(apart.model, 1, 5, 5), "other")->run(rows, logits.data(), logits.size()), "run");
    if (logits != expected) fail_msg("%s: other logits", family.c_str());
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(test_tokens), cmocka_unit_test(test_evaluator)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
