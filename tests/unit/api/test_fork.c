/* SPDX-License-Identifier: Apache-2.0 */
/* fork(2) while another thread is at work: a child ends every handle, and goes on with those of its own. */
#define _GNU_SOURCE
#include "cmocka_c.h"
#include "world.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 12, ALL = 2 * WORLD_LENGTH };

static world shared;
static temper_session *quiet; /* of the same model; nobody uses it when the process forks */
static int32_t expected[ALL];
static int64_t expected_count;
static volatile int stop;

static void *work(void *argument) {
  static int32_t tokens[ALL];
  int *failures = argument;
  while (!stop) {
    if (temper_session_reset(shared.session, 7, NULL) != TEMPER_OK) ++*failures;
    if (world_generate(&shared, tokens, ALL, NULL) < 0) ++*failures;
  }
  return NULL;
}

/* The first five handles before the session that another thread is using, the others after it, or the other
 * way round; the exit status says whether what was generated here is what was expected. */
static int child(int round) {
  static int32_t tokens[ALL];
  world mine = shared;
  int64_t count;
  int i;
  alarm(60);
  mine.session = quiet;
  count = world_generate(&mine, tokens, ALL, NULL);
  for (i = 0; i < WORLD_HANDLES; ++i) world_end(&shared, (i + round) % WORLD_HANDLES);
  temper_session_destroy(quiet);
  if (count != expected_count) return 1;
  return memcmp(tokens, expected, (size_t)count * sizeof *tokens) == 0 ? 0 : 2;
}

static void a_child_ends_everything(void **state) {
  static const char *const backends[] = {"reference", "auto"};
  const int32_t prompt[3] = {'a', 'b', 'c'};
  size_t b;
  (void)state;
  for (b = 0; b < 2; ++b) {
    temper_error error;
    pthread_t thread;
    int failures = 0, round;
    world lone;
    if (world_open(&shared, &files, NULL, backends[b], 3, &error) != TEMPER_OK) fail_msg("%s", error.message);
    assert_int_equal(temper_session_create(shared.model, shared.schedule, shared.noise, shared.sampler, 2,
                                           WORLD_LENGTH, 7, &quiet, &error),
                     TEMPER_OK);
    assert_int_equal(temper_session_prompt(quiet, 0, prompt, 3, &error), TEMPER_OK);
    assert_int_equal(temper_session_prompt(quiet, 1, prompt, 2, &error), TEMPER_OK);
    if (world_open(&lone, &files, NULL, backends[b], 1, &error) != TEMPER_OK) fail_msg("%s", error.message);
    expected_count = world_generate(&lone, expected, ALL, &error);
    assert_true(expected_count > 0);
    world_close(&lone);
    stop = 0;
    assert_int_equal(pthread_create(&thread, NULL, work, &failures), 0);
    for (round = 0; round < ROUNDS; ++round) {
      int status = 0;
      const pid_t pid = fork();
      assert_true(pid >= 0);
      if (pid == 0) _exit(child(round));
      assert_int_equal(waitpid(pid, &status, 0), pid);
      assert_true(WIFEXITED(status));
      assert_int_equal(WEXITSTATUS(status), 0);
    }
    stop = 1;
    pthread_join(thread, NULL);
    assert_int_equal(failures, 0);
    temper_session_destroy(quiet);
    world_close(&shared);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_child_ends_everything)};
#if defined(__SANITIZE_THREAD__)
  return 77; /* its runtime ends the child of a process with threads */
#endif
  return cmocka_run_group_tests_name("fork", tests, make_files, free_files);
}
