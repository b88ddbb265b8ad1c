/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out, at every allocation in turn: the error says so, nothing crashes, nothing leaks.
 * The argument is the backend. */
#include "allocation_faults.h"
#include "cmocka_c.h"
#include "support/proc_self.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *backend = "reference";
static int32_t tokens[2 * WORLD_LENGTH];

/* The caller's allocator, which can refuse. */
typedef struct source {
  int64_t calls, fault, blocks;
  size_t bytes;
  int wrong;
} source;

static void *source_alloc(void *user, size_t size, size_t alignment) {
  source *from = user;
  void *memory;
  if (++from->calls == from->fault) return NULL;
  if (alignment == 0 || (alignment & (alignment - 1)) != 0) ++from->wrong;
  memory = aligned_alloc(alignment < 16 ? 16 : alignment, (size + 4095) / 4096 * 4096 + 4096);
  if (memory == NULL) return NULL;
  ++from->blocks;
  from->bytes += size;
  memset(memory, 0xa5, size);
  return memory;
}

static void source_release(void *user, void *memory, size_t size) {
  source *from = user;
  if (memory == NULL) ++from->wrong;
  --from->blocks;
  from->bytes -= size;
  memset(memory, 0x5a, size);
  free(memory);
}

/* Open, three steps, end. What a program does, but for the reading of files. */
static temper_status live(const temper_allocator *allocator, temper_error *error) {
  world w;
  int i;
  temper_status status = world_open(&w, &files, allocator, backend, 1, error);
  if (status >= 0) status = temper_session_set_i64(w.session, TEMPER_SESSION_SLIDING_CONTEXT, 24, error);
  for (i = 0; status >= 0 && i < 3; ++i) status = temper_session_step(w.session, NULL, error);
  world_close(&w);
  return status;
}

static void the_callers_allocator(void **state) {
  source from = {0, 0, 0, 0, 0};
  const temper_allocator allocator = {&from, source_alloc, source_release};
  temper_error error;
  int64_t all, fault;
  (void)state;
  assert_int_equal(live(&allocator, &error), TEMPER_OK);
  assert_int_equal(from.blocks, 0);
  assert_int_equal(from.bytes, 0);
  assert_int_equal(from.wrong, 0);
  all = from.calls;
  print_message("%s: %d requests\n", backend, (int)all);
  assert_true(all > 3);
  for (fault = 1; fault <= all; ++fault) {
    memset(&from, 0, sizeof from);
    from.fault = fault;
    memset(&error, 0, sizeof error);
    assert_int_equal(live(&allocator, &error), TEMPER_E_MEMORY);
    assert_int_equal(error.status, TEMPER_E_MEMORY);
    assert_true(strlen(error.message) > 5);
    assert_int_equal(from.blocks, 0);
    assert_int_equal(from.bytes, 0);
    assert_int_equal(from.wrong, 0);
  }
}

/* Weights, caches and work buffers come from the allocator: as much as the estimates say. */
static void estimates_are_kept(void **state) {
  source from = {0, 0, 0, 0, 0};
  const temper_allocator allocator = {&from, source_alloc, source_release};
  temper_runtime *runtime = NULL;
  temper_model *model = NULL;
  temper_session *session = NULL;
  temper_error error;
  int64_t estimate = 0, taken;
  char folder[256];
  (void)state;
  memory_model_write(&files, folder, sizeof folder);
  assert_int_equal(temper_runtime_create(&allocator, &runtime, NULL), TEMPER_OK);
  assert_int_equal(temper_model_estimate(runtime, folder, backend, NULL, &estimate, NULL), TEMPER_OK);
  if (temper_model_open(runtime, folder, backend, &model, &error) != TEMPER_OK) fail_msg("%s", error.message);
  memory_model_remove(folder);
  taken = (int64_t)from.bytes;
  print_message("model: estimated %lld, taken %lld\n", (long long)estimate, (long long)taken);
  assert_true(taken <= estimate + estimate / 4 + 65536 && estimate <= taken + taken / 4 + 65536);
  assert_int_equal(temper_session_estimate(model, NULL, 4, 64, &estimate, NULL), TEMPER_OK);
  assert_int_equal(temper_session_create(model, NULL, NULL, NULL, 4, 64, 7, &session, NULL), TEMPER_OK);
  taken = (int64_t)from.bytes - taken;
  print_message("session: estimated %lld, taken %lld\n", (long long)estimate, (long long)taken);
  assert_true(taken <= estimate + estimate / 4 + 65536 && estimate <= taken + taken / 4 + 65536);
  temper_session_destroy(session);
  temper_model_destroy(model);
  temper_runtime_destroy(runtime);
  assert_int_equal(from.blocks, 0);
}

/* Everything that C and C++ take from the heap. `width` allocations in a row fail: 1 lets the error path
 * allocate again, a large one doesn't. */
static void sweep(int64_t width) {
  temper_error error;
  int64_t all, fault;
  temper_status status;
  faults_arm(0, 0);
  status = live(NULL, &error);
  all = faults_disarm();
  assert_int_equal(status, TEMPER_OK);
  assert_int_equal(faults_outstanding(), 0);
  print_message("%s: %d allocations\n", backend, (int)all);
  assert_true(all > 50);
  for (fault = 1; fault <= all; ++fault) {
    memset(&error, 0, sizeof error);
    faults_arm(fault, fault + width - 1);
    status = live(NULL, &error);
    (void)faults_disarm();
    /* Some requests may be done without (a cache of the C library, a module that can't be loaded). */
    if (status != TEMPER_OK && (status != TEMPER_E_MEMORY || strlen(error.message) < 5))
      fail_msg("allocation %d: %s, %s", (int)fault, temper_status_name(status), error.message);
    if (faults_outstanding() != 0)
      fail_msg("allocation %d: %d blocks leak after %s", (int)fault, (int)faults_outstanding(),
               temper_status_name(status));
  }
}

static void every_allocation_alone(void **state) {
  (void)state;
  sweep(1);
}

static void every_allocation_and_all_after_it(void **state) {
  (void)state;
  sweep(INT32_MAX);
}

/* As long as nothing was opened, threads can be set, and there are none. */
static void threads_of_an_opening_that_failed_end(void **state) {
  const int before = threads_now();
  temper_status status = TEMPER_E_MEMORY;
  int64_t fault;
  (void)state;
  for (fault = 1; status < 0; ++fault) {
    temper_runtime *runtime = NULL;
    temper_model *model = NULL;
    temper_error error;
    assert_int_equal(temper_runtime_create(NULL, &runtime, NULL), TEMPER_OK);
    assert_int_equal(temper_runtime_set_i64(runtime, TEMPER_RUNTIME_THREADS, 3, NULL), TEMPER_OK);
    memset(&error, 0, sizeof error);
    faults_arm(fault, fault);
    status = temper_model_open_memory(runtime, files.config, files.config_size, files.weights, files.weights_size, NULL,
                                      NULL, backend, NULL, &model, &error);
    (void)faults_disarm();
    if (status < 0 && (error.message[0] == '\0' || error.message[strlen(error.message) - 1] == ' '))
      fail_msg("allocation %d: \"%s\" ends before it says why", (int)fault, error.message);
    if (status < 0 && temper_runtime_set_i64(runtime, TEMPER_RUNTIME_THREADS, 1, NULL) == TEMPER_OK)
      assert_int_equal(threads_now(), before);
    temper_model_destroy(model);
    temper_runtime_destroy(runtime);
  }
  assert_true(fault > 10);
}

/* Counted through the program's own malloc: operator new included. */
static void a_step_allocates_nothing(void **state) {
  world w;
  temper_error error;
  int64_t most = 0;
  temper_status status;
  size_t count;
  (void)state;
  assert_int_equal(world_open(&w, &files, NULL, backend, 2, &error), TEMPER_OK);
  do {
    int64_t calls;
    temper_step_info info;
    info.struct_size = sizeof info;
    faults_arm(0, 0);
    status = temper_session_step(w.session, &info, &error);
    temper_session_read(w.session, 0, tokens, WORLD_LENGTH, &count, NULL);
    temper_session_window(w.session, 1, tokens, WORLD_LENGTH, &count, NULL);
    calls = faults_disarm();
    if (calls > most) most = calls;
  } while (status == TEMPER_OK);
  assert_int_equal(status, TEMPER_DONE);
  assert_int_equal(most, 0);
  world_close(&w);
}

static int32_t no_value(void *user, const temper_candidates *candidates, double *values) {
  (void)user, (void)candidates, (void)values;
  return 0;
}

/* What is said of a session when memory runs out. */
static temper_status guide_by_value(world *w, temper_error *error) {
  return temper_session_set_value_fn(w->session, no_value, NULL, 16, 0, TEMPER_VALUE_CLEAN, error);
}

static temper_status fix_ahead(world *w, temper_error *error) {
  static const int64_t positions[2] = {WORLD_LENGTH - 2, WORLD_LENGTH - 1};
  static const int32_t fixed[2] = {'x', 'y'};
  return temper_session_fix(w->session, 1, positions, fixed, 2, error);
}

static unsigned char saved[1 << 13];
static size_t saved_size;

static temper_status restore_saved(world *w, temper_error *error) {
  return temper_session_restore(w->session, saved, saved_size, error);
}

/* For want of memory at every allocation in turn, alone and with all after it: the session is as it was, and goes on. */
static void refused_by_memory(temper_status (*say)(world *, temper_error *)) {
  static int32_t plain[2 * WORLD_LENGTH];
  unsigned char before[1 << 13], after[1 << 13];
  size_t size_before = 0, size_after = 0;
  temper_error error;
  world w;
  int64_t all, fault, made;
  int alone;
  assert_int_equal(world_open(&w, &files, NULL, backend, 1, &error), TEMPER_OK);
  made = world_generate(&w, plain, 2 * WORLD_LENGTH, &error);
  world_close(&w);
  assert_true(made > WORLD_LENGTH);
  assert_int_equal(world_open(&w, &files, NULL, backend, 1, &error), TEMPER_OK);
  faults_arm(0, 0);
  assert_int_equal(say(&w, &error), TEMPER_OK);
  all = faults_disarm();
  world_close(&w);
  assert_true(all > 5);
  for (alone = 0; alone < 2; ++alone)
    for (fault = 1; fault <= all; ++fault) {
      temper_status status;
      assert_int_equal(world_open(&w, &files, NULL, backend, 1, &error), TEMPER_OK);
      assert_int_equal(temper_session_save(w.session, before, sizeof before, &size_before, &error), TEMPER_OK);
      faults_arm(fault, alone ? fault : INT32_MAX);
      status = say(&w, &error);
      (void)faults_disarm();
      assert_int_equal(status, TEMPER_E_MEMORY);
      assert_int_equal(temper_session_save(w.session, after, sizeof after, &size_after, &error), TEMPER_OK);
      assert_int_equal(size_after, size_before);
      assert_memory_equal(after, before, size_before);
      assert_int_equal(world_generate(&w, tokens, 2 * WORLD_LENGTH, &error), made);
      assert_memory_equal(tokens, plain, (size_t)made * sizeof *plain);
      world_close(&w);
    }
}

static void statements_are_taken_or_not(void **state) {
  temper_error error;
  world w;
  (void)state;
  refused_by_memory(guide_by_value);
  refused_by_memory(fix_ahead);
  /* A state of another session, in the middle of its rows. */
  assert_int_equal(world_open(&w, &files, NULL, backend, 1, &error), TEMPER_OK);
  assert_int_equal(fix_ahead(&w, &error), TEMPER_OK);
  assert_int_equal(temper_session_step(w.session, NULL, &error), TEMPER_OK);
  assert_int_equal(temper_session_save(w.session, saved, sizeof saved, &saved_size, &error), TEMPER_OK);
  world_close(&w);
  refused_by_memory(restore_saved);
}

/* Wrong input must not leak either. */
static void errors_leak_nothing(void **state) {
  temper_runtime *runtime = NULL;
  temper_model *model = NULL;
  size_t cut;
  (void)state;
  assert_int_equal(temper_runtime_create(NULL, &runtime, NULL), TEMPER_OK);
  for (cut = 0; cut < 1200; cut += 7) {
    faults_arm(0, 0);
    (void)temper_model_open_memory(runtime, files.config, cut < files.config_size ? cut : files.config_size, files.weights,
                                   cut, NULL, NULL, backend, NULL, &model, NULL);
    (void)faults_disarm();
    assert_null(model);
    assert_int_equal(faults_outstanding(), 0);
  }
  temper_runtime_destroy(runtime);
}

int main(int argc, char **argv) {
  const struct CMUnitTest callers[] = {
      cmocka_unit_test(the_callers_allocator),
      cmocka_unit_test(estimates_are_kept),
  };
  const struct CMUnitTest everything[] = {
      cmocka_unit_test(every_allocation_alone),
      cmocka_unit_test(every_allocation_and_all_after_it),
      cmocka_unit_test(errors_leak_nothing),
      cmocka_unit_test(statements_are_taken_or_not),
      cmocka_unit_test(threads_of_an_opening_that_failed_end),
  };
  const struct CMUnitTest steps[] = {cmocka_unit_test(a_step_allocates_nothing)};
  temper_runtime *first = NULL;
  int failed;
  if (argc > 1) backend = argv[1];
  /* Held to the end, so that modules are loaded once and not in the middle of a fault. */
  if (temper_runtime_create(NULL, &first, NULL) != TEMPER_OK) return 1;
  if (!backend_usable(first, backend)) {
    printf("skipped: backend %s can't be used here\n", backend);
    return 77;
  }
  failed = cmocka_run_group_tests_name("the caller's allocator", callers, make_files, free_files);
  if (faults_possible()) {
    /* The matrix libraries behind the others may end the process when memory is out. */
    if (strcmp(backend, "reference") == 0)
      failed += cmocka_run_group_tests_name("the heap", everything, make_files, free_files);
    failed += cmocka_run_group_tests_name("steps", steps, make_files, free_files);
  } else {
    printf("the heap belongs to a sanitizer or to Valgrind: not replaced\n");
  }
  temper_runtime_destroy(first);
  return failed != 0;
}
