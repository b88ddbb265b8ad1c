/* SPDX-License-Identifier: Apache-2.0 */
/* A program's own threads: all work goes through them, none of the library's start, results are the same. */
#include "cmocka_c.h"
#include "support/proc_self.h"
#include "world.h"

#include <stdio.h>
#include <string.h>


/* Runs the pieces on the calling thread, from the last to the first, under any worker's number. */
typedef struct backwards {
  int64_t calls, pieces;
} backwards;

static void run_backwards(void *user, temper_task_fn task, void *argument, int32_t count) {
  backwards *self = user;
  int32_t i;
  ++self->calls;
  self->pieces += count;
  for (i = count - 1; i >= 0; --i) task(argument, i, i % 3);
}

static int64_t generate(const char *backend, const temper_executor *executor, int32_t *tokens, size_t capacity) {
  world w;
  temper_error error;
  int64_t count;
  const int before = threads_now();
  if (world_open_on(&w, &files, NULL, backend, 3, executor, &error) != TEMPER_OK) fail_msg("%s", error.message);
  count = world_generate(&w, tokens, capacity, &error);
  if (count < 0) fail_msg("%s", error.message);
  if (executor != NULL) assert_int_equal(threads_now(), before);
  world_close(&w);
  return count;
}

static void results_are_the_same(void **state) {
  static const char *const backends[] = {"reference", "auto"};
  static int32_t own[2 * WORLD_LENGTH], brought[2 * WORLD_LENGTH];
  size_t i;
  (void)state;
  for (i = 0; i < 2; ++i) {
    backwards counts = {0, 0};
    const temper_executor executor = {&counts, 3, run_backwards};
    const int64_t count = generate(backends[i], NULL, own, 2 * WORLD_LENGTH);
    assert_int_equal(generate(backends[i], &executor, brought, 2 * WORLD_LENGTH), count);
    assert_memory_equal(own, brought, (size_t)count * sizeof *own);
    assert_true(counts.calls > 0);
    assert_true(counts.pieces > counts.calls);
  }
}

static void null_brings_the_own_threads_back(void **state) {
  backwards counts = {0, 0};
  const temper_executor executor = {&counts, 3, run_backwards};
  static int32_t tokens[2 * WORLD_LENGTH];
  world w;
  temper_error error;
  (void)state;
  memset(&w, 0, sizeof w);
  assert_int_equal(temper_runtime_create(NULL, &w.runtime, &error), TEMPER_OK);
  assert_int_equal(temper_runtime_set_executor(w.runtime, &executor, &error), TEMPER_OK);
  assert_int_equal(temper_runtime_set_executor(w.runtime, NULL, &error), TEMPER_OK);
  if (world_fill(&w, &files, "reference", &error) != TEMPER_OK) fail_msg("%s", error.message);
  assert_true(world_generate(&w, tokens, 2 * WORLD_LENGTH, &error) > 0);
  assert_int_equal(counts.calls, 0);
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(results_are_the_same),
      cmocka_unit_test(null_brings_the_own_threads_back),
  };
  return cmocka_run_group_tests_name("executor", tests, make_files, free_files);
}
