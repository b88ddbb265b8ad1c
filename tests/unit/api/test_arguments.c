/* SPDX-License-Identifier: Apache-2.0 */
/* NULL and wrong arguments to every function: an error status and a message, never a crash, nothing made.
 * At the end every function that the headers declare must have been tried. */
#include "arguments.h"
#include "declared_functions.h" /* made from the headers: static const char *const declared_functions[] */

#include <math.h>
#include <string.h>

static char tried[sizeof declared_functions / sizeof declared_functions[0]];
temper_error error;
memory_model files;
world w;

void note(const char *name) {
  size_t i;
  for (i = 0; i < sizeof tried; ++i)
    if (strcmp(declared_functions[i], name) == 0) tried[i] = 1;
  memset(&error, 0x5a, sizeof error);
}

void check(temper_status expected, temper_status status, const char *call, int line) {
  const char *end = memchr(error.message, 0, sizeof error.message);
  if (status == expected && error.status == expected && end != NULL && end - error.message > 5 &&
      strchr(error.message, '\n') == NULL)
    return;
  print_error("line %d: %s gave %s, not %s; message: %.252s\n", line, call, temper_status_name(status),
              temper_status_name(expected), error.message);
  fail();
}

static void numbers(void **state) {
  (void)state;
  note("temper_status_name");
  assert_non_null(temper_status_name(12345));
  note("temper_version");
  assert_true(temper_version() > 0);
  note("temper_version_string");
  assert_non_null(temper_version_string());
}

static void *some_alloc(void *user, size_t size, size_t alignment) {
  (void)user, (void)size, (void)alignment;
  return NULL;
}
static void some_release(void *user, void *memory, size_t size) { (void)user, (void)memory, (void)size; }
static void some_log(void *user, int32_t level, const char *message) { (void)user, (void)level, (void)message; }

static void some_run(void *user, temper_task_fn task, void *argument, int32_t count) {
  (void)user, (void)task, (void)argument, (void)count;
}

static void runtime(void **state) {
  const temper_executor good = {NULL, 1, some_run}, no_run = {NULL, 1, NULL}, none = {NULL, 0, some_run},
                        many = {NULL, 257, some_run};
  const temper_allocator no_alloc = {NULL, NULL, some_release}, no_release = {NULL, some_alloc, NULL};
  temper_runtime *fresh = NULL;
  int32_t i, count;
  (void)state;
  WRONG(temper_runtime_create, NULL, NULL);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_runtime, temper_runtime_create, &no_alloc);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_runtime, temper_runtime_create, &no_release);
  note("temper_runtime_destroy");
  temper_runtime_destroy(NULL);

  assert_int_equal(temper_runtime_create(NULL, &fresh, NULL), TEMPER_OK);
  WRONG(temper_runtime_set_i64, NULL, TEMPER_RUNTIME_THREADS, 1);
  WRONG(temper_runtime_set_i64, fresh, 0, 1);
  WRONG(temper_runtime_set_i64, fresh, INT32_MAX, 1);
  WRONG(temper_runtime_set_i64, fresh, TEMPER_RUNTIME_THREADS, -1);
  WRONG(temper_runtime_set_i64, fresh, TEMPER_RUNTIME_THREADS, 257);
  WRONG(temper_runtime_set_i64, fresh, TEMPER_RUNTIME_THREADS, INT64_MIN);
  REFUSED(TEMPER_E_STATE, temper_runtime_set_i64, w.runtime, TEMPER_RUNTIME_THREADS, 1);
  WRONG(temper_runtime_set_log, NULL, TEMPER_LOG_INFO, some_log, NULL);
  WRONG(temper_runtime_set_log, fresh, 0, some_log, NULL);
  WRONG(temper_runtime_set_log, fresh, 5, some_log, NULL);
  REFUSED(TEMPER_E_STATE, temper_runtime_set_log, w.runtime, TEMPER_LOG_INFO, some_log, NULL);
  WRONG(temper_runtime_set_executor, NULL, &good);
  WRONG(temper_runtime_set_executor, fresh, &no_run);
  WRONG(temper_runtime_set_executor, fresh, &none);
  WRONG(temper_runtime_set_executor, fresh, &many);
  REFUSED(TEMPER_E_STATE, temper_runtime_set_executor, w.runtime, &good);
  REFUSED(TEMPER_E_STATE, temper_runtime_set_executor, w.runtime, NULL);
  WRONG(temper_runtime_load_backend, NULL, "/absent.so");
  WRONG(temper_runtime_load_backend, fresh, NULL);
  WRONG(temper_runtime_load_backend, fresh, "");
  WRONG(temper_runtime_load_backend, fresh, "libtemper-onednn.so");
  REFUSED(TEMPER_E_BACKEND, temper_runtime_load_backend, fresh, "/absent/libtemper-absent.so");
  REFUSED(TEMPER_E_BACKEND, temper_runtime_load_backend, fresh, "/dev/null");
  REFUSED(TEMPER_E_STATE, temper_runtime_load_backend, w.runtime, "/absent.so");

  note("temper_backend_count");
  assert_int_equal(temper_backend_count(NULL), 0);
  count = temper_backend_count(fresh);
  assert_true(count >= 1);
  note("temper_backend_text");
  assert_null(temper_backend_text(NULL, 0, TEMPER_BACKEND_NAME));
  assert_null(temper_backend_text(fresh, -1, TEMPER_BACKEND_NAME));
  assert_null(temper_backend_text(fresh, count, TEMPER_BACKEND_NAME));
  assert_null(temper_backend_text(fresh, INT32_MIN, TEMPER_BACKEND_NAME));
  assert_null(temper_backend_text(fresh, 0, 0));
  assert_null(temper_backend_text(fresh, 0, 5));
  note("temper_backend_available");
  assert_int_equal(temper_backend_available(NULL, 0), 0);
  assert_int_equal(temper_backend_available(fresh, -1), 0);
  assert_int_equal(temper_backend_available(fresh, count), 0);
  for (i = 0; i < count; ++i) {
    const char *reason = temper_backend_text(fresh, i, TEMPER_BACKEND_REASON);
    assert_true(strlen(temper_backend_text(fresh, i, TEMPER_BACKEND_NAME)) > 0);
    assert_non_null(temper_backend_text(fresh, i, TEMPER_BACKEND_DESCRIPTION));
    assert_non_null(temper_backend_text(fresh, i, TEMPER_BACKEND_PATH));
    assert_int_equal(temper_backend_available(fresh, i), reason[0] == '\0');
  }
  temper_runtime_destroy(fresh);
}

static void model_options(void **state) {
  static const struct {
    int32_t key;
    int64_t low, high;
  } ranges[] = {{TEMPER_MODEL_OPTION_CONTEXT, 0, 2}, {TEMPER_MODEL_OPTION_WINDOW, 0, 2},
                {TEMPER_MODEL_OPTION_SHIFTED, 0, 1}, {TEMPER_MODEL_OPTION_NOISE_KEYS, 0, 1},
                {TEMPER_MODEL_OPTION_MASK_TOKEN, -1, INT32_MAX}, {TEMPER_MODEL_OPTION_BLOCK, 1, INT32_MAX},
                {TEMPER_MODEL_OPTION_MAX_LENGTH, 1, INT32_MAX}, {TEMPER_MODEL_OPTION_STORAGE, 0, 2},
                {TEMPER_MODEL_OPTION_TOKENS, 0, INT32_MAX}};
  temper_model_options *options = NULL;
  temper_model *model = NULL;
  size_t i;
  (void)state;
  WRONG(temper_model_options_create, NULL);
  note("temper_model_options_destroy");
  temper_model_options_destroy(NULL);
  assert_int_equal(temper_model_options_create(&options, NULL), TEMPER_OK);
  for (i = 0; i < sizeof ranges / sizeof ranges[0]; ++i) {
    WRONG(temper_model_options_set_i64, options, ranges[i].key, ranges[i].low - 1);
    WRONG(temper_model_options_set_i64, options, ranges[i].key, ranges[i].high + 1);
    WRONG(temper_model_options_set_i64, options, ranges[i].key, INT64_MIN);
    WRONG(temper_model_options_set_i64, options, ranges[i].key, INT64_MAX);
    assert_int_equal(temper_model_options_set_i64(options, ranges[i].key, ranges[i].low, NULL), TEMPER_OK);
    assert_int_equal(temper_model_options_set_i64(options, ranges[i].key, ranges[i].high, NULL), TEMPER_OK);
  }
  WRONG(temper_model_options_set_i64, options, 0, 1);
  WRONG(temper_model_options_set_i64, options, TEMPER_MODEL_OPTION_TOKENS + 1, 1);
  WRONG(temper_model_options_set_i64, NULL, TEMPER_MODEL_OPTION_BLOCK, 1);
  WRONG(temper_model_options_set_family, NULL, "gpt2");
  assert_int_equal(temper_model_options_set_family(options, NULL, NULL), TEMPER_OK);
  temper_model_options_destroy(options);

  assert_int_equal(temper_model_options_create(&options, NULL), TEMPER_OK);
  assert_int_equal(temper_model_options_set_family(options, "no such family", NULL), TEMPER_OK);
  note("temper_model_open_memory");
  assert_true(temper_model_open_memory(w.runtime, files.config, files.config_size, files.weights, files.weights_size,
                                       NULL, NULL, NULL, options, &model, &error) < 0);
  assert_non_null(strstr(error.message, "no such family"));
  temper_model_options_destroy(options);
}

static int released;
static void release(void *user) {
  (void)user;
  ++released;
}

/* Opens from memory with one thing wrong; the weights must have been given back exactly once. */
#define MEMORY(expected, runtime, config, config_size, weights, weights_size, backend)                              \
  do {                                                                                                              \
    temper_model *made = (temper_model *)(void *)&error;                                                            \
    released = 0;                                                                                                   \
    note("temper_model_open_memory");                                                                               \
    check(expected,                                                                                                 \
          temper_model_open_memory(runtime, config, config_size, weights, weights_size, release, NULL, backend, NULL, \
                                   &made, &error),                                                                  \
          "temper_model_open_memory", __LINE__);                                                                    \
    assert_null(made);                                                                                              \
    assert_int_equal(released, 1);                                                                                  \
  } while (0)

static void model(void **state) {
  int64_t value;
  int32_t key;
  temper_tokenizer *tokenizer = NULL;
  char folder[256];
  (void)state;
  memory_model_write(&files, folder, sizeof folder);
  WRONG(temper_model_open, w.runtime, folder, NULL, NULL);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_model, temper_model_open, NULL, folder, NULL);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_model, temper_model_open, w.runtime, NULL, NULL);
  NOT_MADE(TEMPER_E_IO, temper_model, temper_model_open, w.runtime, "", NULL);
  NOT_MADE(TEMPER_E_IO, temper_model, temper_model_open, w.runtime, "/absent", NULL);
  NOT_MADE(TEMPER_E_BACKEND, temper_model, temper_model_open, w.runtime, folder, "no-such-backend");
  WRONG(temper_model_open_with, w.runtime, folder, NULL, NULL, NULL);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_model, temper_model_open_with, NULL, folder, NULL, NULL);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_model, temper_model_open_with, w.runtime, NULL, NULL, NULL);
  WRONG(temper_model_estimate, NULL, folder, NULL, NULL, &value);
  WRONG(temper_model_estimate, w.runtime, NULL, NULL, NULL, &value);
  WRONG(temper_model_estimate, w.runtime, folder, NULL, NULL, NULL);
  REFUSED(TEMPER_E_IO, temper_model_estimate, w.runtime, "/absent", NULL, NULL, &value);
  REFUSED(TEMPER_E_BACKEND, temper_model_estimate, w.runtime, folder, "no-such-backend", NULL, &value);
  memory_model_remove(folder);

  WRONG(temper_model_open_memory, w.runtime, files.config, files.config_size, files.weights, files.weights_size, NULL,
        NULL, NULL, NULL, NULL);
  MEMORY(TEMPER_E_ARGUMENT, NULL, files.config, files.config_size, files.weights, files.weights_size, NULL);
  MEMORY(TEMPER_E_ARGUMENT, w.runtime, NULL, 5, files.weights, files.weights_size, NULL);
  MEMORY(TEMPER_E_ARGUMENT, w.runtime, files.config, files.config_size, NULL, 100, NULL);
  MEMORY(TEMPER_E_FORMAT, w.runtime, files.config, 0, files.weights, files.weights_size, NULL);
  MEMORY(TEMPER_E_FORMAT, w.runtime, files.config, files.config_size - 1, files.weights, files.weights_size, NULL);
  MEMORY(TEMPER_E_FORMAT, w.runtime, files.config, files.config_size, files.weights, 0, NULL);
  MEMORY(TEMPER_E_FORMAT, w.runtime, files.config, files.config_size, files.weights, files.weights_size - 4, NULL);
  MEMORY(TEMPER_E_BACKEND, w.runtime, files.config, files.config_size, files.weights, files.weights_size, "nobody");

  note("temper_model_destroy");
  temper_model_destroy(NULL);
  WRONG(temper_model_get_i64, NULL, TEMPER_MODEL_LAYERS, &value);
  WRONG(temper_model_get_i64, w.model, TEMPER_MODEL_LAYERS, NULL);
  WRONG(temper_model_get_i64, w.model, 0, &value);
  WRONG(temper_model_get_i64, w.model, TEMPER_MODEL_WITHOUT_TOKEN + 1, &value);
  for (key = 1; key <= TEMPER_MODEL_WITHOUT_TOKEN; ++key) assert_int_equal(temper_model_get_i64(w.model, key, &value, NULL), TEMPER_OK);
  note("temper_model_get_text");
  assert_null(temper_model_get_text(NULL, TEMPER_MODEL_FAMILY));
  assert_null(temper_model_get_text(w.model, 0));
  assert_null(temper_model_get_text(w.model, 7));
  for (key = 1; key <= 6; ++key) assert_non_null(temper_model_get_text(w.model, key));
  WRONG(temper_model_tokenizer, w.model, NULL);
  WRONG(temper_model_tokenizer, NULL, &tokenizer);
  NOT_MADE(TEMPER_E_IO, temper_tokenizer, temper_model_tokenizer, w.model);
}

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

static void session(void **state) {
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
static void refused_options_change_nothing(void **state) {
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
static void prompts_must_fit_new_options(void **state) {
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
static void unbounded_rows_need_their_context(void **state) {
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

static int32_t stop(void *user, int64_t done, int64_t total) {
  (void)user;
  (void)done;
  (void)total;
  return 1;
}

static void score(void **state) {
  (void)state;
  const int32_t tokens[3] = {1, 2, 3}, unknown[1] = {1 << 20};
  int64_t value = 0;
  temper_score_options options = {sizeof options, 0, 0, 0, 0, 0};
  temper_score_result result = {.struct_size = sizeof result};
  temper_document document = {.struct_size = sizeof document, .tokens = tokens, .count = 3};

  WRONG(temper_score, NULL, NULL, NULL, NULL, &document, 1, &result, NULL, NULL);
  WRONG(temper_score, w.model, NULL, NULL, NULL, NULL, 1, &result, NULL, NULL);
  REFUSED(TEMPER_E_CANCELLED, temper_score, w.model, NULL, NULL, NULL, &document, 1, &result, stop, NULL);
  assert_int_equal(temper_score(w.model, NULL, NULL, &options, &document, 1, &result, NULL, NULL, &error), TEMPER_OK);
  assert_int_equal(result.scored, document.scored);
  document.prefix = 4;
  WRONG(temper_score, w.model, NULL, NULL, NULL, &document, 1, &result, NULL, NULL);
  document.prefix = 0;
  document.tokens = NULL;
  WRONG(temper_score, w.model, NULL, NULL, NULL, &document, 1, &result, NULL, NULL);
  document.tokens = unknown;
  document.count = 1;
  WRONG(temper_score, w.model, NULL, NULL, NULL, &document, 1, &result, NULL, NULL);
  document.tokens = tokens;
  document.struct_size = 4;
  WRONG(temper_score, w.model, NULL, NULL, NULL, &document, 1, &result, NULL, NULL);
  document.struct_size = sizeof document;
  result.struct_size = 0;
  WRONG(temper_score, w.model, NULL, NULL, NULL, &document, 1, &result, NULL, NULL);
  result.struct_size = sizeof result;

  WRONG(temper_score_estimate, NULL, NULL, NULL, NULL, 16, &value);
  WRONG(temper_score_estimate, w.model, NULL, NULL, NULL, -1, &value);
  WRONG(temper_score_estimate, w.model, NULL, NULL, NULL, 16, NULL);
  options.replicates = -1;
  WRONG(temper_score_estimate, w.model, NULL, NULL, &options, 16, &value);
  options.replicates = 0;
  options.samples = -1;
  WRONG(temper_score_estimate, w.model, NULL, NULL, &options, 16, &value);
  options.samples = 0;
  options.batch = 5000;
  WRONG(temper_score_estimate, w.model, NULL, NULL, &options, 16, &value);
  options.batch = 0;
  options.struct_size = 0;
  WRONG(temper_score_estimate, w.model, NULL, NULL, &options, 16, &value);
  assert_int_equal(temper_score_estimate(w.model, NULL, NULL, NULL, 16, &value, &error), TEMPER_OK);
  assert_true(value > 0);
}

static void evaluator(void **state) {
  temper_x_row row = {1, 0, 0, 0, 1, 1, 0.0};
  float logits[300];
  double bytes, flops;
  (void)state;
  WRONG(temper_x_evaluator_create, w.model, 1, 4, 16, NULL);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_x_evaluator, temper_x_evaluator_create, NULL, 1, 4, 16);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_x_evaluator, temper_x_evaluator_create, w.model, 0, 4, 16);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_x_evaluator, temper_x_evaluator_create, w.model, 1, 0, 16);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_x_evaluator, temper_x_evaluator_create, w.model, 1, 4, -1);
  note("temper_x_evaluator_destroy");
  temper_x_evaluator_destroy(NULL);
  WRONG(temper_x_evaluator_run, NULL, &row, 1, logits, 300);
  WRONG(temper_x_evaluator_run, w.evaluator, NULL, 1, logits, 300);
  WRONG(temper_x_evaluator_run, w.evaluator, &row, 1, NULL, 300);
  WRONG(temper_x_evaluator_run, w.evaluator, &row, SIZE_MAX, logits, 300);
  REFUSED(TEMPER_E_CAPACITY, temper_x_evaluator_run, w.evaluator, &row, 1, logits, 10);
#define BAD_ROW(field, value)                                             \
  do {                                                                    \
    temper_x_row bad = row;                                               \
    bad.field = value;                                                    \
    WRONG(temper_x_evaluator_run, w.evaluator, &bad, 1, logits, 300);     \
  } while (0)
  BAD_ROW(token, -1);
  BAD_ROW(token, 100000);
  BAD_ROW(position, -1);
  BAD_ROW(position, INT32_MAX);
  BAD_ROW(sequence, -1);
  BAD_ROW(sequence, 1);
  BAD_ROW(visible_begin, -1);
  BAD_ROW(visible_begin, 2);
  BAD_ROW(visible_end, 2);
  BAD_ROW(visible_end, -1);
  WRONG(temper_x_evaluator_keep, NULL, 0, 0);
  WRONG(temper_x_evaluator_keep, w.evaluator, 1, 0);
  WRONG(temper_x_evaluator_keep, w.evaluator, -1, 0);
  WRONG(temper_x_evaluator_keep, w.evaluator, 0, -1);
  WRONG(temper_x_evaluator_keep, w.evaluator, 0, 17);
  WRONG(temper_x_measure_machine, NULL, 0.1, &bytes, &flops);
  WRONG(temper_x_measure_machine, w.model, 0.0, &bytes, &flops);
  WRONG(temper_x_measure_machine, w.model, (double)NAN, &bytes, &flops);
  WRONG(temper_x_measure_machine, w.model, 1e9, &bytes, &flops);
  WRONG(temper_x_measure_machine, w.model, 0.1, NULL, &flops);
  WRONG(temper_x_measure_machine, w.model, 0.1, &bytes, NULL);
}

static void every_function_was_tried(void **state) {
  size_t i;
  int missing = 0;
  (void)state;
  for (i = 0; i < sizeof tried; ++i)
    if (!tried[i]) {
      print_error("not tried: %s\n", declared_functions[i]);
      ++missing;
    }
  assert_int_equal(missing, 0);
}

static int set_up(void **state) {
  (void)state;
  files = memory_model_make("block_causal");
  if (world_open(&w, &files, NULL, "reference", 1, &error) == TEMPER_OK) return 0;
  print_error("%s\n", error.message);
  return 1;
}

static int tear_down(void **state) {
  (void)state;
  world_close(&w);
  memory_model_free(&files);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers),   cmocka_unit_test(runtime),       cmocka_unit_test(model_options),
      cmocka_unit_test(model),     cmocka_unit_test(tokenizer),     cmocka_unit_test(hyperschedule),
      cmocka_unit_test(own_noise), cmocka_unit_test(corruption), cmocka_unit_test(shaping),
      cmocka_unit_test(noise),     cmocka_unit_test(sampler),       cmocka_unit_test(session),
      cmocka_unit_test(refused_options_change_nothing),             cmocka_unit_test(prompts_must_fit_new_options),
      cmocka_unit_test(unbounded_rows_need_their_context),
      cmocka_unit_test(evaluator), cmocka_unit_test(score),         cmocka_unit_test(every_function_was_tried),
  };
  return cmocka_run_group_tests_name("arguments", tests, set_up, tear_down);
}
