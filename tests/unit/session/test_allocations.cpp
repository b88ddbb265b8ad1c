// SPDX-License-Identifier: Apache-2.0
// A step allocates nothing, on any backend: every way to memory of this program is counted.
#include "support/lab.h"

#include "session/defaults.h"
#include "session/snapshot.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
extern "C" {
#include <cmocka.h>
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define TEMPER_CANNOT_COUNT 1
#endif

namespace {

std::atomic<bool> counting{false};
std::atomic<long> allocations{0};

void note() noexcept {
  if (counting.load(std::memory_order_relaxed)) allocations.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

#ifndef TEMPER_CANNOT_COUNT
extern "C" {
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

// These replace the C library's for the whole process, libraries and backend modules included; operator
// new calls malloc.
void *malloc(size_t size) {
  note();
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  note();
  return __libc_calloc(count, size);
}
void *realloc(void *memory, size_t size) {
  note();
  return __libc_realloc(memory, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  note();
  return __libc_memalign(alignment, size);
}
void *memalign(size_t alignment, size_t size) {
  note();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void **out, size_t alignment, size_t size) {
  note();
  *out = __libc_memalign(alignment, size);
  return *out == nullptr ? 12 : 0;
}
}
#endif

using namespace temper;
using namespace temper::test;

namespace {

void *allocate(void *, size_t size, size_t alignment) {
  note();
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}
void release(void *, void *memory, size_t) { std::free(memory); }

void test_counting_works(void **) {
  allocations = 0;
  counting = true;
  int *volatile number = new int(1);
  void *volatile block = std::malloc(10);
  counting = false;
  std::free(block);
  delete number;
  assert_int_equal(allocations.load(), 2);
}

void test_steps(void **) {
  struct Case {
    const char *family, *context;
    Result<Hyperschedule> schedule;
    int64_t length, look_back;
  };
  const Case cases[] = {{"hdlm-epsilon", "causal", Hyperschedule::slide(6, 3), 60, 0},
                        {"hdlm-epsilon", "causal", Hyperschedule::block(4, 4), 0, 8},
                        {"hdlm-epsilon", "block_causal", Hyperschedule::hybrid(4, 4), 60, 0},
                        {"hdlm-gamma", "causal", Hyperschedule::slide(4, 4), 60, 0},
                        {"sedd", "", Hyperschedule::flat(16), 40, 0},
                        {"gidd", "", Hyperschedule::flat(16), 40, 0},
                        {"llada", "", Hyperschedule::block(8, 8), 60, 0},
                        {"sdar", "", Hyperschedule::block(4, 4), 60, 0},
                        {"gpt2", "", Hyperschedule::quench(), 60, 0},
                        {"llama", "", Hyperschedule::quench(), 0, 16}};
  for (const std::string &backend : usable_backends())
    for (const int threads : {1, 2}) {
      const temper_allocator allocator = {nullptr, allocate, release};
      const std::shared_ptr<Runtime> runtime = make_runtime(threads, &allocator);
      for (const Case &entry : cases) {
        ModelChoice model;
        model.family = entry.family;
        model.context = entry.context;
        const Subject subject = open_subject(runtime, model, {}, backend, false);
        SessionChoice choice;
        choice.rows = 3;
        choice.length = entry.length;
        choice.options.look_back = entry.look_back;
        choice.options.ignore_end = true;
        choice.options.prefill_rows = 8;
        choice.prompts = {some_tokens(3, 19, 1), some_tokens(20, 19, 2), some_tokens(7, 19, 3)};
        std::unique_ptr<Session> session =
            make_session(subject, require(Result<Hyperschedule>(entry.schedule), "schedule"), choice);
        StepReport report;
        allocations = 0;
        long worst = 0;
        for (int step = 0; step < 300 && !report.done; ++step) {
          counting = true;
          const Status status = session->step(report);
          counting = false;
          require(status, "step");
          for (int32_t row = 0; row < 3; ++row) (void)emitted(*session, row);
          worst = std::max(worst, allocations.exchange(0));
          // A fork goes on in the origin's place; only letting go of slots that both hold may take memory.
          if (step == 9 && entry.look_back == 0) session = require(Snapshot::fork(*session, 3), "fork");
          allocations = 0;
          if (worst != 0)
            fail_msg("%s, %s, %d threads: step %d allocated %ld times", backend.c_str(), entry.family, threads, step,
                     worst);
        }
      }
    }
}

int32_t look(void *, temper_logits *row) {
  row->logits[0] += 0.1F;
  return 0;
}
int32_t value(void *, const temper_candidates *candidates, double *values) {
  for (int32_t m = 0; m < candidates->count; ++m) values[m] = candidates->tokens[m * candidates->width];
  return 0;
}

// The same for everything that a caller may add to a session.
void test_features(void **) {
  struct Case {
    const char *name, *family;
    SamplerKind sampler;
    Result<Hyperschedule> schedule;
  };
  const Case cases[] = {
      {"guidance", "hdlm-epsilon", SamplerKind::ancestral, Hyperschedule::slide(6, 3)},
      {"value", "llada", SamplerKind::ancestral, Hyperschedule::flat(12)},
      {"idle", "hdlm-epsilon", SamplerKind::gibbs, Hyperschedule::block(3, 8)},
      {"function", "sedd", SamplerKind::ancestral, Hyperschedule::flat(12)},
      {"positions", "hdlm-epsilon", SamplerKind::acs, Hyperschedule::block(6, 3)},
      {"dual", "llada", SamplerKind::confidence, Hyperschedule::block(8, 4)},
      {"held", "llada", SamplerKind::first_hitting, Hyperschedule::block(8, 2)},
      {"held", "gidd", SamplerKind::gibbs, Hyperschedule::flat(6)},
      {"held", "gidd", SamplerKind::self_correct, Hyperschedule::flat(6)},
      {"jumps", "llada", SamplerKind::threshold, Hyperschedule::block(8, 8)},
      {"jumps", "llada", SamplerKind::entropy_bound, Hyperschedule::block(8, 8)},
  };
  const std::shared_ptr<Runtime> runtime = make_runtime(2);
  for (const Case &entry : cases) {
    const std::string name = entry.name;
    ModelChoice model;
    model.family = entry.family;
    const Subject subject = open_subject(runtime, model, {}, "reference", false);
    SamplerParameters parameters = Sampler::defaults(entry.sampler);
    parameters.shaping.repetition = 1.2;
    parameters.shaping.look_back = 10;
    parameters.typical_p = 0.95;
    parameters.stop_stable = name == "jumps" ? 2 : 0;
    const Sampler sampler = require(Sampler::create(entry.sampler, parameters), "sampler");
    const Noise noise = require(Noise::create(default_noise(subject.spec())), "noise");
    std::unique_ptr<Session> session = require(
        Session::create({subject.model, require(Result<Hyperschedule>(entry.schedule), "schedule"), noise, sampler}, 2, 40, 7),
        "session");
    SessionOptions options = session->frame().options;
    options.ignore_end = true;
    options.guided = name == "guidance";
    options.guidance = 1.5;
    if (name == "dual") options.approximation = Approximation::dual;
    options.measure = name == "dual";
    options.skip_idle = name == "dual" || name == "idle";
    require(session->set_options(options), "options");
    for (int32_t row = 0; row < 2; ++row) require(session->setup(row).prompt(some_tokens(4, 18, 1)), "prompt");
    if (name == "value") require(session->set_value({value, nullptr, 0.5}, 4, true), "value");
    if (name == "idle") require(session->set_value({value, nullptr, 0.5}, 4, false), "value");
    if (name == "function") session->hooks().logits = {look, nullptr};
    if (name == "positions") {
      const std::vector<int64_t> at = {12, 30};
      require(session->setup(0).fix(at, std::vector<int32_t>{1, 2}), "fix");
      require(session->setup(1).draft(some_tokens(20, 18, 2), std::vector<int32_t>(20, 2), true), "draft");
      require(session->setup(0).weights(std::vector<float>{1, 2, 3}), "weights");
      require(session->setup(0).allow(9, std::vector<int32_t>{1, 5}), "allow");
    }
    StepReport report;
    require(session->step(report), "first step");  // also lays out what the caller said of positions
    for (int step = 1; step < 600 && !report.done; ++step) {
      allocations = 0;
      counting = true;
      const Status status = session->step(report);
      counting = false;
      require(status, "step");
      if (allocations != 0)
        fail_msg("%s, %s: step %d allocated %ld times", entry.name, entry.family, step, allocations.load());
    }
    assert_true(report.done);
  }
}

}  // namespace

int main() {
#ifdef TEMPER_CANNOT_COUNT
  (void)test_counting_works;
  (void)test_steps;
  (void)test_features;
  (void)allocate;
  (void)release;
  std::puts("allocations can't be counted here (a sanitizer or another C library does them)");
  return 77;
#else
  const CMUnitTest tests[] = {cmocka_unit_test(test_counting_works), cmocka_unit_test(test_steps), cmocka_unit_test(test_features)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
#endif
}
