// SPDX-License-Identifier: Apache-2.0
// A step allocates nothing, on any backend: every way to memory of this program is counted.
#include "support/lab.h"

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
          if (worst != 0)
            fail_msg("%s, %s, %d threads: step %d allocated %ld times", backend.c_str(), entry.family, threads, step,
                     worst);
        }
      }
    }
}

}  // namespace

int main() {
#ifdef TEMPER_CANNOT_COUNT
  (void)test_counting_works;
  (void)test_steps;
  (void)allocate;
  (void)release;
  std::puts("allocations can't be counted here (a sanitizer or another C library does them)");
  return 77;
#else
  const CMUnitTest tests[] = {cmocka_unit_test(test_counting_works), cmocka_unit_test(test_steps)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
#endif
}
