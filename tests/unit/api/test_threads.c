/* SPDX-License-Identifier: Apache-2.0 */
/* What may be shared between threads, is; cancelling from another thread works at any moment. */
#define _GNU_SOURCE
#include "cmocka_c.h"
#include "world.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { THREADS = 4, ROUNDS = 3 };

static world shared;
static int32_t expected[2 * WORLD_LENGTH];
static int64_t expected_count;

/* One thread's generation with the shared model, schedule, noise, sampler and tokenizer. */
typedef struct work {
  pthread_t thread;
  int64_t count;
  int32_t tokens[2 * WORLD_LENGTH];
  char text[8 * WORLD_LENGTH];
  size_t bytes;
  int fine;
  temper_error error;
} work;

static int generate_once(work *own) {
  static const int32_t prompt[3] = {'a', 'b', 'c'};
  world w = shared;
  temper_tokenizer *tokenizer = shared.tokenizer;
  temper_decoder *decoder = NULL;
  int fine = temper_session_create(shared.model, shared.schedule, shared.noise, shared.sampler, 2, WORLD_LENGTH, 7,
                                   &w.session, &own->error) == TEMPER_OK &&
             temper_session_prompt(w.session, 0, prompt, 3, &own->error) == TEMPER_OK &&
             temper_session_prompt(w.session, 1, prompt, 2, &own->error) == TEMPER_OK;
  if (fine) own->count = world_generate(&w, own->tokens, 2 * WORLD_LENGTH, &own->error);
  fine = fine && own->count == expected_count &&
         memcmp(own->tokens, expected, (size_t)expected_count * sizeof expected[0]) == 0;
  fine = fine && temper_decoder_create(tokenizer, TEMPER_TOKENIZER_SKIP_UNKNOWN, &decoder, &own->error) == TEMPER_OK &&
         temper_decoder_push(decoder, own->tokens, (size_t)own->count, own->text, sizeof own->text, &own->bytes,
                             &own->error) == TEMPER_OK;
  temper_decoder_destroy(decoder);
  temper_session_destroy(w.session);
  return fine;
}

static void *generate(void *argument) {
  work *own = argument;
  int i;
  own->fine = 1;
  for (i = 0; i < ROUNDS; ++i) own->fine = generate_once(own) && own->fine;
  return NULL;
}

static void open_shared(int64_t threads) {
  temper_error error;
  if (world_open(&shared, &files, NULL, "auto", threads, &error) != TEMPER_OK) fail_msg("%s", error.message);
  expected_count = world_generate(&shared, expected, 2 * WORLD_LENGTH, &error);
  if (expected_count <= 0) fail_msg("%s", error.message);
}

static void one_model_many_threads(int64_t threads) {
  static work works[THREADS];
  int i;
  open_shared(threads);
  for (i = 0; i < THREADS; ++i) assert_int_equal(pthread_create(&works[i].thread, NULL, generate, &works[i]), 0);
  for (i = 0; i < THREADS; ++i) {
    pthread_join(works[i].thread, NULL);
    if (!works[i].fine) fail_msg("thread %d: %lld tokens of %lld", i, (long long)works[i].count, (long long)expected_count);
  }
  world_close(&shared);
}

static void sessions_share_a_model(void **state) {
  (void)state;
  one_model_many_threads(1);
}

static void sessions_share_a_model_and_its_threads(void **state) {
  (void)state;
  one_model_many_threads(2);
}

static void *own_runtime(void *argument) {
  work *own = argument;
  int i;
  own->fine = 1;
  for (i = 0; i < ROUNDS; ++i) {
    world w;
    own->fine = world_open(&w, &files, NULL, "auto", 2, &own->error) == TEMPER_OK && own->fine;
    if (own->fine) own->count = world_generate(&w, own->tokens, 2 * WORLD_LENGTH, &own->error);
    own->fine = own->fine && own->count == expected_count &&
                memcmp(own->tokens, expected, (size_t)expected_count * sizeof expected[0]) == 0;
    world_close(&w);
  }
  return NULL;
}

static void runtimes_side_by_side(void **state) {
  static work works[2];
  int i;
  (void)state;
  open_shared(2);
  for (i = 0; i < 2; ++i) assert_int_equal(pthread_create(&works[i].thread, NULL, own_runtime, &works[i]), 0);
  for (i = 0; i < 2; ++i) {
    pthread_join(works[i].thread, NULL);
    assert_true(works[i].fine);
  }
  world_close(&shared);
}

/* Destroys its hold of everything while the others work. */
static void *open_and_end(void *argument) {
  work *own = argument;
  int i;
  own->fine = 1;
  for (i = 0; i < 20; ++i) {
    temper_session *session = NULL;
    temper_x_evaluator *evaluator = NULL;
    own->fine = own->fine && temper_session_create(shared.model, NULL, NULL, NULL, 1, 20, 3, &session, NULL) == 0 &&
                temper_session_step(session, NULL, NULL) >= 0 &&
                temper_x_evaluator_create(shared.model, 1, 2, 8, &evaluator, NULL) == 0;
    temper_x_evaluator_destroy(evaluator);
    temper_session_destroy(session);
  }
  return NULL;
}

static void sessions_come_and_go(void **state) {
  static work works[THREADS];
  int i;
  (void)state;
  open_shared(2);
  for (i = 0; i < THREADS; ++i) assert_int_equal(pthread_create(&works[i].thread, NULL, open_and_end, &works[i]), 0);
  for (i = 0; i < THREADS; ++i) {
    pthread_join(works[i].thread, NULL);
    assert_true(works[i].fine);
  }
  world_close(&shared);
}

static atomic_int stop, begun;

static void *keep_cancelling(void *session) {
  const struct timespec pause = {0, 50000};
  while (!atomic_load(&stop)) {
    temper_session_cancel(session);
    atomic_store(&begun, 1);
    nanosleep(&pause, NULL);
  }
  return NULL;
}

/* However often it is interrupted, a session ends with the same tokens. */
static void cancelled_steps_change_nothing(void **state) {
  static int32_t tokens[2 * WORLD_LENGTH];
  world w;
  temper_error error;
  pthread_t other;
  int64_t count = 0, cancelled = 0;
  int32_t row;
  (void)state;
  open_shared(1);
  world_close(&shared);
  assert_int_equal(world_open(&w, &files, NULL, "auto", 1, &error), TEMPER_OK);
  temper_session_cancel(w.session);
  temper_session_cancel(w.session);
  assert_int_equal(temper_session_step(w.session, NULL, &error), TEMPER_E_CANCELLED);
  assert_int_equal(error.status, TEMPER_E_CANCELLED);
  assert_true(strlen(error.message) > 5);
  atomic_store(&stop, 0);
  atomic_store(&begun, 0);
  assert_int_equal(pthread_create(&other, NULL, keep_cancelling, w.session), 0);
  while (!atomic_load(&begun)) sched_yield();
  for (;;) {
    const temper_status status = temper_session_step(w.session, NULL, &error);
    size_t read;
    if (status == TEMPER_E_CANCELLED) {
      if (++cancelled == 2000) atomic_store(&stop, 1);
      continue;
    }
    assert_true(status >= 0);
    for (row = 0; row < 2; ++row) {
      assert_int_equal(temper_session_read(w.session, row, tokens + count, (size_t)(2 * WORLD_LENGTH - count), &read, NULL),
                       TEMPER_OK);
      count += (int64_t)read;
    }
    if (status == TEMPER_DONE) break;
  }
  atomic_store(&stop, 1);
  pthread_join(other, NULL);
  print_message("%d steps were cancelled\n", (int)cancelled);
  assert_true(cancelled > 0);
  assert_int_equal(count, expected_count);
  assert_memory_equal(tokens, expected, (size_t)count * sizeof tokens[0]);
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sessions_share_a_model), cmocka_unit_test(sessions_share_a_model_and_its_threads),
      cmocka_unit_test(runtimes_side_by_side),  cmocka_unit_test(sessions_come_and_go),
      cmocka_unit_test(cancelled_steps_change_nothing),
  };
  return cmocka_run_group_tests_name("threads", tests, make_files, free_files);
}
