/* SPDX-License-Identifier: Apache-2.0 */
/* Handles end in any order, and what still lives goes on working. */
#include "cmocka_c.h"
#include "world.h"

#include <stdio.h>
#include <string.h>


static void open_world(world *w) {
  temper_error error;
  const temper_status status = world_open(w, &files, NULL, "reference", 1, &error);
  if (status != TEMPER_OK) print_error("%s\n", error.message);
  assert_int_equal(status, TEMPER_OK);
}

/* A session, an evaluator, a decoder that have lost everything else still do their work. */
static void use_what_is_left(world *w) {
  const temper_x_row row = {1, 0, 0, 0, 1, 1, 0.0};
  const int32_t token = 'a';
  float logits[300];
  char text[8];
  size_t bytes = 0;
  if (w->session != NULL) assert_true(temper_session_step(w->session, NULL, NULL) >= 0);
  if (w->evaluator != NULL) {
    assert_int_equal(temper_x_evaluator_run(w->evaluator, &row, 1, logits, 300, NULL), TEMPER_OK);
    assert_int_equal(temper_x_evaluator_keep(w->evaluator, 0, 0, NULL), TEMPER_OK);
  }
  if (w->decoder != NULL) {
    assert_int_equal(temper_decoder_push(w->decoder, &token, 1, text, sizeof text, &bytes, NULL), TEMPER_OK);
    assert_int_equal(bytes, 1);
  }
  if (w->model != NULL) assert_non_null(temper_model_get_text(w->model, TEMPER_MODEL_BACKEND));
}

/* All orders of the five that hold one another: runtime, model, session, evaluator, options. */
static void in_every_order(void **state) {
  static const int handles[5] = {0, 1, 2, 8, 9};
  int code;
  (void)state;
  for (code = 0; code < 5 * 4 * 3 * 2; ++code) {
    int left[5] = {0, 1, 2, 3, 4}, rest = code, count;
    world w;
    open_world(&w);
    for (count = 5; count > 0; --count) {
      const int pick = rest % count;
      rest /= count;
      world_end(&w, handles[left[pick]]);
      memmove(&left[pick], &left[pick + 1], (size_t)(count - pick - 1) * sizeof left[0]);
      use_what_is_left(&w);
    }
    world_close(&w);
  }
}

/* All orders of the three of the tokenizer and of the values, interleaved by rotation with the others. */
static void rotations(void **state) {
  int first, step;
  (void)state;
  for (first = 0; first < WORLD_HANDLES; ++first)
    for (step = 1; step < WORLD_HANDLES; step += 2) { /* 1, 3, 7, 9 walk through all ten; 5 through two */
      world w;
      int i;
      open_world(&w);
      for (i = 0; i < WORLD_HANDLES; ++i) {
        world_end(&w, (first + i * step) % WORLD_HANDLES);
        use_what_is_left(&w);
      }
      world_close(&w);
    }
}

/* Ended straight after the creation, and in the middle of a generation. */
static void at_any_time(void **state) {
  int32_t tokens[2 * WORLD_LENGTH];
  int steps;
  (void)state;
  for (steps = 0; steps < 12; ++steps) {
    world w;
    int i;
    size_t count;
    open_world(&w);
    for (i = 0; i < steps; ++i) assert_true(temper_session_step(w.session, NULL, NULL) >= 0);
    assert_int_equal(temper_session_read(w.session, 0, tokens, 5, &count, NULL), TEMPER_OK);
    world_close(&w);
  }
}

static int releases;
static void release(void *user) { releases += *(int *)user; }

/* Borrowed weights are given back when the last one that needs them is gone, not earlier. */
static void borrowed_weights(void **state) {
  int one = 1;
  temper_runtime *runtime = NULL;
  temper_model *model = NULL;
  temper_session *session = NULL;
  (void)state;
  releases = 0;
  assert_int_equal(temper_runtime_create(NULL, &runtime, NULL), TEMPER_OK);
  assert_int_equal(temper_model_open_memory(runtime, files.config, files.config_size, files.weights,
                                            files.weights_size, release, &one, "reference", NULL, &model, NULL),
                   TEMPER_OK);
  assert_true(releases <= 1);
  assert_int_equal(temper_session_create(model, NULL, NULL, NULL, 1, 16, 7, &session, NULL), TEMPER_OK);
  temper_runtime_destroy(runtime);
  temper_model_destroy(model);
  assert_int_equal(temper_session_step(session, NULL, NULL), TEMPER_OK);
  temper_session_destroy(session);
  assert_int_equal(releases, 1);
}

static void folder_model_shares_its_tokenizer(void **state) {
  temper_runtime *runtime = NULL;
  temper_model *model = NULL;
  temper_tokenizer *first = NULL, *second = NULL;
  temper_error error;
  int32_t tokens[8];
  size_t count = 0;
  char folder[256];
  (void)state;
  memory_model_write(&files, folder, sizeof folder);
  assert_int_equal(temper_runtime_create(NULL, &runtime, NULL), TEMPER_OK);
  if (temper_model_open(runtime, folder, "reference", &model, &error) != TEMPER_OK) fail_msg("%s", error.message);
  assert_string_equal(temper_model_get_text(model, TEMPER_MODEL_PATH), folder);
  assert_int_equal(temper_model_tokenizer(model, &first, NULL), TEMPER_OK);
  assert_int_equal(temper_model_tokenizer(model, &second, NULL), TEMPER_OK);
  memory_model_remove(folder);
  temper_runtime_destroy(runtime);
  temper_model_destroy(model);
  temper_tokenizer_destroy(first);
  assert_int_equal(temper_tokenizer_encode(second, "hea", 3, 0, tokens, 8, &count, NULL), TEMPER_OK);
  assert_int_equal(count, 2);
  assert_int_equal(tokens[0], 256);
  temper_tokenizer_destroy(second);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(in_every_order), cmocka_unit_test(rotations), cmocka_unit_test(at_any_time),
      cmocka_unit_test(borrowed_weights), cmocka_unit_test(folder_model_shares_its_tokenizer),
  };
  return cmocka_run_group_tests_name("lifetimes", tests, make_files, free_files);
}
