/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong arguments to the functions of session.h. */
#include "arguments.h"

#include <math.h>

static int32_t refuse_logits(void *user, temper_logits *logits) {
  (void)user;
  return logits->columns;
}

static int32_t refuse_values(void *user, const temper_candidates *candidates, double *values) {
  (void)user;
  (void)values;
  return candidates->count;
}

/* What is said before the first step, and what asks for states. The session is as it was afterwards. */
static void session_positions(void) {
  const int64_t at[1] = {WORLD_LENGTH - 1}, beyond[1] = {WORLD_LENGTH}, below[1] = {-1};
  const int32_t token[1] = {1}, level[1] = {1}, unknown[1] = {100000}, negative[1] = {-1};
  const float weight[1] = {1.0F}, zero[1] = {0.0F}, endless[1] = {INFINITY};
  temper_token_record record[1];
  temper_session *copy = NULL;
  char bytes[16] = {0};
  size_t size = 0;
  WRONG(temper_session_fix, NULL, 0, at, token, 1);
  WRONG(temper_session_fix, w.session, 9, at, token, 1);
  WRONG(temper_session_fix, w.session, 0, NULL, token, 1);
  WRONG(temper_session_fix, w.session, 0, at, NULL, 1);
  WRONG(temper_session_fix, w.session, 0, beyond, token, 1);
  WRONG(temper_session_fix, w.session, 0, below, token, 1);
  WRONG(temper_session_fix, w.session, 0, at, unknown, 1);
  WRONG(temper_session_draft, NULL, 0, token, level, 1, 0);
  WRONG(temper_session_draft, w.session, -1, token, level, 1, 0);
  WRONG(temper_session_draft, w.session, 0, NULL, level, 1, 0);
  WRONG(temper_session_draft, w.session, 0, token, NULL, 1, 0);
  WRONG(temper_session_draft, w.session, 0, token, negative, 1, 0);
  WRONG(temper_session_draft, w.session, 0, token, unknown, 1, 0);
  WRONG(temper_session_draft, w.session, 0, unknown, level, 1, 0);
  WRONG(temper_session_draft, w.session, 0, token, level, SIZE_MAX / 8, 0);
  WRONG(temper_session_draft, w.session, 0, token, level, 1, 2);
  WRONG(temper_session_weights, NULL, 0, weight, 1);
  WRONG(temper_session_weights, w.session, 9, weight, 1);
  WRONG(temper_session_weights, w.session, 0, NULL, 1);
  WRONG(temper_session_weights, w.session, 0, zero, 1);
  WRONG(temper_session_weights, w.session, 0, endless, 1);
  WRONG(temper_session_weights, w.session, 0, weight, SIZE_MAX / 8);
  WRONG(temper_session_allow, NULL, 0, WORLD_LENGTH - 1, token, 1);
  WRONG(temper_session_allow, w.session, 9, WORLD_LENGTH - 1, token, 1);
  WRONG(temper_session_allow, w.session, 0, WORLD_LENGTH, token, 1);
  WRONG(temper_session_allow, w.session, 0, -1, token, 1);
  WRONG(temper_session_allow, w.session, 0, WORLD_LENGTH - 1, NULL, 1);
  WRONG(temper_session_allow, w.session, 0, WORLD_LENGTH - 1, unknown, 1);
  WRONG(temper_session_guide, NULL, 1.0);
  WRONG(temper_session_guide, w.session, -1.5);
  WRONG(temper_session_guide, w.session, 101.0);
  WRONG(temper_session_guide, w.session, (double)NAN);
  WRONG(temper_session_unconditional, NULL, 0, token, 1);
  WRONG(temper_session_unconditional, w.session, 9, token, 1);
  REFUSED(TEMPER_E_STATE, temper_session_unconditional, w.session, 0, token, 1);
  WRONG(temper_session_set_logits_fn, NULL, refuse_logits, NULL);
  WRONG(temper_session_set_value_fn, NULL, refuse_values, NULL, 2, 1.0, TEMPER_VALUE_DRAFT);
  WRONG(temper_session_set_value_fn, w.session, refuse_values, NULL, 0, 1.0, TEMPER_VALUE_DRAFT);
  WRONG(temper_session_set_value_fn, w.session, refuse_values, NULL, 257, 1.0, TEMPER_VALUE_DRAFT);
  WRONG(temper_session_set_value_fn, w.session, refuse_values, NULL, 2, -1.0, TEMPER_VALUE_DRAFT);
  WRONG(temper_session_set_value_fn, w.session, refuse_values, NULL, 2, (double)NAN, TEMPER_VALUE_DRAFT);
  WRONG(temper_session_set_value_fn, w.session, refuse_values, NULL, 2, 1.0, 2);
  /* Without a function there is nothing to be wrong about. */
  assert_int_equal(temper_session_set_value_fn(w.session, NULL, NULL, 0, -1.0, 7, NULL), TEMPER_OK);
  WRONG(temper_session_provenance, NULL, 0, 0, record, 1);
  WRONG(temper_session_provenance, w.session, 9, 0, record, 1);
  WRONG(temper_session_provenance, w.session, 0, -1, record, 1);
  WRONG(temper_session_provenance, w.session, 0, WORLD_LENGTH, record, 1);
  WRONG(temper_session_provenance, w.session, 0, INT64_MAX, record, 1);
  WRONG(temper_session_provenance, w.session, 0, 0, record, SIZE_MAX);
  WRONG(temper_session_provenance, w.session, 0, 0, NULL, 1);
  WRONG(temper_session_fork, w.session, 7, NULL);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_session, temper_session_fork, NULL, 7);
  assert_int_equal(temper_session_fork(w.session, 7, &copy, NULL), TEMPER_OK);
  temper_session_destroy(copy);
  WRONG(temper_session_save, NULL, bytes, sizeof bytes, &size);
  WRONG(temper_session_save, w.session, NULL, sizeof bytes, &size);
  WRONG(temper_session_save, w.session, bytes, sizeof bytes, NULL);
  REFUSED(TEMPER_E_CAPACITY, temper_session_save, w.session, bytes, sizeof bytes, &size);
  assert_true(size > sizeof bytes);
  WRONG(temper_session_restore, NULL, bytes, sizeof bytes);
  WRONG(temper_session_restore, w.session, NULL, 4);
  REFUSED(TEMPER_E_FORMAT, temper_session_restore, w.session, bytes, sizeof bytes);
}

void session(void **state) {
  const int32_t prompt[3] = {1, 2, 3}, wrong[1] = {100000}, negative[1] = {-1};
  int32_t tokens[64], key;
  int64_t value;
  size_t count;
  temper_step_info info;
  temper_row_info row;
  temper_session *made = NULL;
  (void)state;
  WRONG(temper_session_create, w.model, NULL, NULL, NULL, 1, 16, 7, NULL);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_session, temper_session_create, NULL, NULL, NULL, NULL, 1, 16, 7);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_session, temper_session_create, w.model, NULL, NULL, NULL, 0, 16, 7);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_session, temper_session_create, w.model, NULL, NULL, NULL, -1, 16, 7);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_session, temper_session_create, w.model, NULL, NULL, NULL, 4097, 16, 7);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_session, temper_session_create, w.model, NULL, NULL, NULL, 1, -1, 7);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_session, temper_session_create, w.model, NULL, NULL, NULL, 1, INT64_MAX, 7);
  note("temper_session_destroy");
  temper_session_destroy(NULL);
  WRONG(temper_session_estimate, NULL, NULL, 1, 16, &value);
  WRONG(temper_session_estimate, w.model, NULL, 1, 16, NULL);
  WRONG(temper_session_estimate, w.model, NULL, 0, 16, &value);
  WRONG(temper_session_estimate, w.model, NULL, 1, -1, &value);

  WRONG(temper_session_set_i64, NULL, TEMPER_SESSION_CACHE, 1);
  WRONG(temper_session_set_i64, w.session, 0, 1);
  WRONG(temper_session_set_i64, w.session, TEMPER_SESSION_ROWS, 1);
  for (key = TEMPER_SESSION_CACHE; key <= TEMPER_SESSION_ALIGN; ++key) {
    WRONG(temper_session_set_i64, w.session, key, -2);
    WRONG(temper_session_set_i64, w.session, key, INT64_MAX);
  }
  WRONG(temper_session_set_i64, w.session, TEMPER_SESSION_SLIDING_CONTEXT, MEMORY_MODEL_LENGTH + 1);
  WRONG(temper_session_set_i64, w.session, TEMPER_SESSION_PREFILL_ROWS, 0);
  WRONG(temper_session_get_i64, NULL, TEMPER_SESSION_CACHE, &value);
  WRONG(temper_session_get_i64, w.session, TEMPER_SESSION_CACHE, NULL);
  WRONG(temper_session_get_i64, w.session, 0, &value);
  WRONG(temper_session_get_i64, w.session, 1000, &value);
  WRONG(temper_session_set_row_id, NULL, 0, 5);
  WRONG(temper_session_set_row_id, w.session, 2, 5);
  WRONG(temper_session_set_row_id, w.session, -1, 5);
  WRONG(temper_session_prompt, NULL, 0, prompt, 3);
  WRONG(temper_session_prompt, w.session, 2, prompt, 3);
  WRONG(temper_session_prompt, w.session, 0, NULL, 3);
  WRONG(temper_session_prompt, w.session, 0, wrong, 1);
  WRONG(temper_session_prompt, w.session, 0, negative, 1);
  WRONG(temper_session_prompt, w.session, 0, prompt, WORLD_LENGTH + 1);
  WRONG(temper_session_prompt, w.session, 0, prompt, SIZE_MAX);

  session_positions();
  WRONG(temper_session_step, NULL, NULL);
  memset(&info, 0, sizeof info);
  WRONG(temper_session_step, w.session, &info);
  info.struct_size = 3;
  WRONG(temper_session_step, w.session, &info);
  info.struct_size = UINT32_MAX;
  WRONG(temper_session_step, w.session, &info);
  assert_int_equal(temper_session_get_i64(w.session, TEMPER_SESSION_STEPS, &value, NULL), TEMPER_OK);
  assert_int_equal(value, 0);
  WRONG(temper_session_row, NULL, 0, &row);
  memset(&row, 0, sizeof row);
  WRONG(temper_session_row, w.session, 0, &row);
  row.struct_size = sizeof row;
  WRONG(temper_session_row, w.session, 2, &row);
  WRONG(temper_session_row, w.session, 0, NULL);
  WRONG(temper_session_read, NULL, 0, tokens, 64, &count);
  WRONG(temper_session_read, w.session, -1, tokens, 64, &count);
  WRONG(temper_session_read, w.session, 0, NULL, 64, &count);
  WRONG(temper_session_read, w.session, 0, tokens, 64, NULL);
  WRONG(temper_session_window, NULL, 0, tokens, 64, &count);
  WRONG(temper_session_window, w.session, 5, tokens, 64, &count);
  WRONG(temper_session_window, w.session, 0, NULL, 64, &count);
  WRONG(temper_session_window, w.session, 0, tokens, 64, NULL);
  WRONG(temper_session_tokens, NULL, 0, tokens, 64, &count);
  WRONG(temper_session_tokens, w.session, 5, tokens, 64, &count);
  WRONG(temper_session_tokens, w.session, 0, NULL, 64, &count);
  WRONG(temper_session_tokens, w.session, 0, tokens, 64, NULL);
  REFUSED(TEMPER_E_CAPACITY, temper_session_tokens, w.session, 0, tokens, 2, &count);
  assert_int_equal(count, 3);
  WRONG(temper_session_reset, NULL, 7);
  note("temper_session_cancel");
  temper_session_cancel(NULL);

  assert_int_equal(temper_session_step(w.session, NULL, NULL), TEMPER_OK);
  REFUSED(TEMPER_E_STATE, temper_session_prompt, w.session, 0, prompt, 3);
  REFUSED(TEMPER_E_STATE, temper_session_set_i64, w.session, TEMPER_SESSION_CACHE, 0);
  REFUSED(TEMPER_E_STATE, temper_session_set_row_id, w.session, 0, 5);
  REFUSED(TEMPER_E_CAPACITY, temper_session_window, w.session, 0, tokens, 1, &count);
  assert_true(count > 1);

  /* Unbounded rows that were never given a sliding context. */
  assert_int_equal(temper_session_create(w.model, w.schedule, NULL, NULL, 1, 0, 7, &made, NULL), TEMPER_OK);
  note("temper_session_step");
  assert_true(temper_session_step(made, NULL, &error) < 0);
  note("temper_session_prompt");
  assert_true(temper_session_prompt(made, 0, prompt, 3, &error) < 0);
  for (key = 100; key <= 108; ++key) assert_int_equal(temper_session_get_i64(made, key, &value, NULL), TEMPER_OK);
  assert_int_equal(temper_session_row(made, 0, &row, NULL), TEMPER_OK);
  temper_session_destroy(made);
}

/* Options that are refused leave the session as it was, its prompt included. */
void refused_options_change_nothing(void **state) {
  int32_t prompt[80], tokens[96], i;
  int64_t value;
  size_t count = 0;
  temper_session *made = NULL;
  (void)state;
  for (i = 0; i < 80; ++i) prompt[i] = i;
  assert_int_equal(temper_session_create(w.model, w.schedule, NULL, NULL, 1, 90, 7, &made, NULL), TEMPER_OK);
  assert_int_equal(temper_session_prompt(made, 0, prompt, 80, NULL), TEMPER_OK);
  WRONG(temper_session_set_i64, made, TEMPER_SESSION_SLIDING_CONTEXT, MEMORY_MODEL_LENGTH + 1);
  assert_int_equal(temper_session_get_i64(made, TEMPER_SESSION_SLIDING_CONTEXT, &value, NULL), TEMPER_OK);
  assert_int_equal(value, 0);
  assert_int_equal(temper_session_set_i64(made, TEMPER_SESSION_SLIDING_CONTEXT, 4, NULL), TEMPER_OK);
  assert_int_equal(temper_session_tokens(made, 0, tokens, 96, &count, NULL), TEMPER_OK);
  assert_int_equal(count, 80);
  assert_memory_equal(tokens, prompt, sizeof prompt);
  if (temper_session_step(made, NULL, &error) < 0) fail_msg("%s", error.message);
  temper_session_destroy(made);
}

/* A prompt that would no longer fit after a change of options. */
void prompts_must_fit_new_options(void **state) {
  enum { COUNT = 8900 };
  static int32_t prompt[COUNT];
  temper_session *made = NULL;
  temper_status status;
  size_t count = 0;
  (void)state;
  assert_int_equal(temper_session_create(w.model, w.schedule, NULL, NULL, 1, 0, 7, &made, NULL), TEMPER_OK);
  assert_int_equal(temper_session_set_i64(made, TEMPER_SESSION_SLIDING_CONTEXT, MEMORY_MODEL_LENGTH, NULL), TEMPER_OK);
  for (count = COUNT; temper_session_prompt(made, 0, prompt, count, NULL) < 0; --count) assert_true(count > 8000);
  status = temper_session_set_i64(made, TEMPER_SESSION_SLIDING_CONTEXT, 1, &error);
  assert_true(status == TEMPER_OK || status == TEMPER_E_ARGUMENT);
  if (temper_session_step(made, NULL, &error) < 0) fail_msg("%s", error.message);
  temper_session_destroy(made);
}

/* Unbounded rows whose sliding context is taken away again. */
void unbounded_rows_need_their_context(void **state) {
  temper_session *made = NULL;
  const int32_t prompt[2] = {1, 2};
  int32_t i, tokens[64];
  size_t count;
  (void)state;
  assert_int_equal(temper_session_create(w.model, w.schedule, NULL, NULL, 1, 0, 7, &made, NULL), TEMPER_OK);
  assert_int_equal(temper_session_set_i64(made, TEMPER_SESSION_SLIDING_CONTEXT, 20, NULL), TEMPER_OK);
  assert_int_equal(temper_session_prompt(made, 0, prompt, 2, NULL), TEMPER_OK);
  assert_int_equal(temper_session_set_i64(made, TEMPER_SESSION_SLIDING_CONTEXT, 0, NULL), TEMPER_OK);
  REFUSED(TEMPER_E_STATE, temper_session_step, made, NULL);
  REFUSED(TEMPER_E_STATE, temper_session_prompt, made, 0, prompt, 2);
  assert_int_equal(temper_session_set_i64(made, TEMPER_SESSION_SLIDING_CONTEXT, 20, NULL), TEMPER_OK);
  for (i = 0; i < 300; ++i) {
    if (temper_session_step(made, NULL, &error) != TEMPER_OK) fail_msg("step %d: %s", (int)i, error.message);
    assert_int_equal(temper_session_read(made, 0, tokens, 64, &count, NULL), TEMPER_OK);
  }
  temper_session_destroy(made);
}
