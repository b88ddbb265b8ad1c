// SPDX-License-Identifier: Apache-2.0
// Many sessions on one engine: the tokens that each gives alone, whatever their hyperschedules, levels and lengths, and
// work buffers once for all.
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

using namespace temper;
using namespace temper::test;

namespace {

constexpr int session_count = 16;

std::unique_ptr<Session> make(const Subject &subject, int number, std::shared_ptr<Engine> engine) {
  // Other numbers of levels and other lengths: each needs more of the engine than the ones before.
  const int32_t levels = 2 + number % 5;
  const Hyperschedule schedule = require(Hyperschedule::block(4, levels), "schedule");
  const Noise noise = require(Noise::create(default_noise(subject.spec())), "noise");
  const Sampler sampler =
      require(Sampler::create(SamplerKind::ancestral, Sampler::defaults(SamplerKind::ancestral)), "sampler");
  std::unique_ptr<Session> session = require(Session::create({subject.model, schedule, noise, sampler}, 1, 16 + number,
                                                             static_cast<uint64_t>(number), std::move(engine)),
                                             "session");
  SessionOptions options = session->frame().options;
  options.ignore_end = true;
  require(session->set_options(options), "options");
  require(session->setup(0).prompt(some_tokens(3, 18, static_cast<uint32_t>(number))), "prompt");
  return session;
}

// Conditioned by level, by nothing, and with every position shown.
void test_tokens(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime(2);
  for (const char *family : {"hdlm-gamma", "hdlm-epsilon", "gidd"}) {
    ModelChoice choice;
    choice.family = family;
    const Subject subject = open_subject(runtime, choice, {}, "reference", false);
    const std::shared_ptr<Engine> engine = require(Engine::create(subject.model, {}), "engine");
    std::vector<std::unique_ptr<Session>> sessions;
    for (int i = 0; i < session_count; ++i) sessions.push_back(make(subject, i, engine));
    // In turns, and some of them end on the way.
    std::vector<StepReport> reports(sessions.size());
    for (bool any = true; any;) {
      any = false;
      for (size_t i = 0; i < sessions.size(); ++i) {
        if (reports[i].done) continue;
        require(sessions[i]->step(reports[i]), "step");
        any = true;
      }
    }
    for (int i = 0; i < session_count; ++i) {
      std::unique_ptr<Session> alone = make(subject, i, nullptr);
      const std::vector<int32_t> expected = run_to_end(*alone).front();
      if (emitted(*sessions[static_cast<size_t>(i)], 0) != expected) fail_msg("%s: session %d has other tokens", family, i);
    }
  }
}

struct Heap {
  int64_t now = 0;
};
void *take(void *user, size_t size, size_t alignment) {
  static_cast<Heap *>(user)->now += static_cast<int64_t>(size);
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}
void give(void *user, void *memory, size_t size) {
  static_cast<Heap *>(user)->now -= static_cast<int64_t>(size);
  std::free(memory);
}

// 16 sessions take the weights once, the engine once, and 16 caches.
void test_memory(void **) {
  Heap heap;
  const temper_allocator allocator = {&heap, take, give};
  {
    const std::shared_ptr<Runtime> runtime = make_runtime(1, &allocator);
    ModelChoice choice;
    choice.family = "hdlm-gamma";
    const Subject subject = open_subject(runtime, choice, {}, "reference", false);
    const int64_t weights = heap.now;
    const std::unique_ptr<Session> alone = make(subject, session_count - 1, nullptr);
    const int64_t whole = heap.now - weights;
    const auto spare = std::make_unique<Cache>(require(Cache::create(subject.model, alone->frame().plan.cache), "cache"));
    const int64_t cache = heap.now - weights - whole;

    const int64_t before = heap.now;
    const std::shared_ptr<Engine> engine = require(Engine::create(subject.model, alone->frame().plan.engine), "engine");
    const int64_t with_engine = heap.now;
    std::vector<std::unique_ptr<Session>> sessions;
    for (int i = 0; i < session_count; ++i) sessions.push_back(make(subject, session_count - 1, engine));
    print_message("alone %lld bytes, %lld of them the cache; %d together %lld\n", static_cast<long long>(whole),
                  static_cast<long long>(cache), session_count, static_cast<long long>(heap.now - before));
    assert_int_equal(heap.now - with_engine, session_count * cache);
    sessions.clear();
    assert_int_equal(heap.now, with_engine);
  }
  assert_int_equal(heap.now, 0);
}

// An engine takes what it says: all of it from the allocator, scratch memory for questions and what it notes of
// positions included; calls that go to a library whole; vectors of conditions wider than all else; tables that grew.
void test_engine_bytes(void **) {
  for (const std::string &backend : usable_backends())
    for (const int32_t rows : {12, 1100}) {
      Heap heap;
      const temper_allocator allocator = {&heap, take, give};
      const std::shared_ptr<Runtime> runtime = make_runtime(2, &allocator);
      ModelChoice choice;
      choice.family = "sedd";
      choice.condition_width = 400;
      const Subject subject = open_subject(runtime, choice, {}, backend, false);
      const int64_t before = heap.now;
      const auto engine = require(Engine::create(subject.model, {.max_rows = rows,
                                                                 .max_wanted = 3,
                                                                 .max_questions = 2,
                                                                 .max_slots = 50,
                                                                 .conditions = 2,
                                                                 .position_span = 50}),
                                  "engine");
      const int64_t small = engine->bytes();
      assert_int_equal(heap.now - before, small);
      const std::vector<double> values = {0.1, 0.2, 0.3, 0.4, 0.5};
      (void)require(engine->hold_conditions(values), "values");
      assert_int_equal(heap.now - before, engine->bytes());
      assert_true(engine->bytes() > small);
    }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(test_tokens), cmocka_unit_test(test_memory),
                              cmocka_unit_test(test_engine_bytes)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
