/* SPDX-License-Identifier: Apache-2.0 */
/* What a session's making says through the log: parameters that do nothing, and nothing else. */
#include "cmocka_c.h"
#include "world.h"

#include <string.h>

typedef struct heard {
  int32_t count, level;
  char text[512];
} heard;

static void listen_to(void *user, int32_t level, const char *message) {
  heard *all = user;
  ++all->count;
  all->level = level;
  strncpy(all->text, message, sizeof all->text - 1);
}

/* A session of remasking on a path. */
static heard remasking(int32_t path, double mix) {
  heard all;
  world w;
  temper_noise *noise = NULL;
  temper_sampler *sampler = NULL;
  temper_session *session = NULL;
  temper_error error;
  memset(&all, 0, sizeof all);
  memset(&w, 0, sizeof w);
  assert_int_equal(temper_runtime_create(NULL, &w.runtime, &error), TEMPER_OK);
  assert_int_equal(temper_runtime_set_log(w.runtime, TEMPER_LOG_WARNING, listen_to, &all, &error), TEMPER_OK);
  assert_int_equal(world_fill(&w, &files, "reference", &error), TEMPER_OK);
  assert_int_equal(all.count, 0);
  assert_int_equal(temper_noise_create(path, &noise, &error), TEMPER_OK);
  assert_int_equal(temper_noise_set(noise, TEMPER_NOISE_MIX, mix, &error), TEMPER_OK);
  assert_int_equal(temper_sampler_create(TEMPER_SAMPLER_REMASK, &sampler, &error), TEMPER_OK);
  if (temper_session_create(w.model, w.schedule, noise, sampler, 1, WORLD_LENGTH, 7, &session, &error) != TEMPER_OK)
    fail_msg("%s", error.message);
  temper_session_destroy(session);
  temper_sampler_destroy(sampler);
  temper_noise_destroy(noise);
  world_close(&w);
  return all;
}

static void test_remark(void **state) {
  const heard idle = remasking(TEMPER_NOISE_EPSILON, 0.1), busy = remasking(TEMPER_NOISE_GIDD, 0.1);
  (void)state;
  assert_int_equal(idle.count, 1);
  assert_int_equal(idle.level, TEMPER_LOG_WARNING);
  assert_non_null(strstr(idle.text, "zeta does nothing"));
  assert_int_equal(busy.count, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_remark)};
  return cmocka_run_group_tests_name("remarks", tests, make_files, free_files);
}
