/* SPDX-License-Identifier: Apache-2.0 */
/* A row's logits have the same bits alone and in any company, at any place of a call of up to 1,024 rows, on every
 * backend that can be used here. */
#include "cmocka_c.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

enum { WATCHED = 7, MOST = 600, POSITIONS = 3 };

static temper_error error;

/* Rows are sequences of one position. The watched ones stand at `place`, wrapping around, and differ by what they
 * are; the others are company. */
static void run(temper_model *model, int32_t count, int32_t place, int32_t watched, float *logits, int64_t columns) {
  temper_x_evaluator *evaluator = NULL;
  temper_x_row *rows = calloc((size_t)count, sizeof *rows);
  float *all = malloc((size_t)watched * (size_t)columns * sizeof *all);
  int32_t i, at = 0;
  assert_non_null(rows);
  assert_non_null(all);
  for (i = 0; i < count; ++i) {
    const int32_t id = (i - place + count) % count;
    rows[i].token = (id * 37 + 5) % MEMORY_MODEL_TOKENS;
    rows[i].position = id % POSITIONS;
    rows[i].sequence = i;
    rows[i].visible_end = 1;
    rows[i].want_logits = id < watched;
    rows[i].condition = 0.5;
  }
  if (temper_x_evaluator_create(model, count, count, 2, &evaluator, &error) != TEMPER_OK ||
      temper_x_evaluator_run(evaluator, rows, (size_t)count, all, (size_t)(watched * columns), &error) != TEMPER_OK)
    fail_msg("%s", error.message);
  for (i = 0; i < count; ++i) {
    const int32_t id = (i - place + count) % count;
    if (id >= watched) continue;
    memcpy(logits + (int64_t)id * columns, all + (int64_t)at * columns, (size_t)columns * sizeof *logits);
    ++at;
  }
  temper_x_evaluator_destroy(evaluator);
  free(rows);
  free(all);
}

static void compare(temper_model *model, const char *backend) {
  static const int32_t counts[] = {1, 7, 256, 257, 300, MOST};
  int64_t columns = 0;
  float *alone, *together;
  size_t c;
  int32_t i;
  assert_int_equal(temper_model_get_i64(model, TEMPER_MODEL_COLUMNS, &columns, &error), TEMPER_OK);
  alone = calloc((size_t)(WATCHED * columns), sizeof *alone);
  together = calloc((size_t)(WATCHED * columns), sizeof *together);
  run(model, WATCHED, 0, WATCHED, alone, columns);
  for (c = 0; c < sizeof counts / sizeof *counts; ++c) {
    const int32_t count = counts[c], watched = count < WATCHED ? count : WATCHED;
    const int32_t places[] = {0, count / 3, count - 1}; /* the last: one at the end, the rest at the start */
    for (i = 0; i < 3; ++i) {
      run(model, count, places[i], watched, together, columns);
      if (memcmp(alone, together, (size_t)(watched * columns) * sizeof *alone) != 0)
        fail_msg("%s: other bits in a call of %d rows, place %d", backend, (int)count, (int)places[i]);
    }
  }
  free(alone);
  free(together);
}

static void company_changes_no_bit(void **state) {
  memory_model causal = memory_model_make("causal");
  temper_runtime *runtime = NULL;
  int32_t backend, tried = 0;
  (void)state;
  assert_int_equal(temper_runtime_create(NULL, &runtime, &error), TEMPER_OK);
  assert_int_equal(temper_runtime_set_i64(runtime, TEMPER_RUNTIME_THREADS, 2, &error), TEMPER_OK);
  for (backend = 0; backend < temper_backend_count(runtime); ++backend) {
    const char *name = temper_backend_text(runtime, backend, TEMPER_BACKEND_NAME);
    int32_t storage;
    if (temper_backend_available(runtime, backend) == 0) continue;
    ++tried;
    for (storage = TEMPER_STORAGE_F32; storage <= TEMPER_STORAGE_BF16; ++storage) {
      temper_model_options *options = NULL;
      temper_model *model = NULL;
      assert_int_equal(temper_model_options_create(&options, &error), TEMPER_OK);
      assert_int_equal(temper_model_options_set_i64(options, TEMPER_MODEL_OPTION_STORAGE, storage, &error), TEMPER_OK);
      if (temper_model_open_memory(runtime, causal.config, causal.config_size, causal.weights, causal.weights_size, NULL,
                                   NULL, name, options, &model, &error) != TEMPER_OK)
        fail_msg("%s: %s", name, error.message);
      compare(model, name);
      temper_model_destroy(model);
      temper_model_options_destroy(options);
    }
  }
  assert_true(tried >= 1);
  temper_runtime_destroy(runtime);
  memory_model_free(&causal);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(company_changes_no_bit)};
  return cmocka_run_group_tests_name("company", tests, NULL, NULL);
}
