/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong arguments to the functions of runtime.h and model.h. */
#include "arguments.h"

static void *some_alloc(void *user, size_t size, size_t alignment) {
  (void)user, (void)size, (void)alignment;
  return NULL;
}
static void some_release(void *user, void *memory, size_t size) { (void)user, (void)memory, (void)size; }
static void some_log(void *user, int32_t level, const char *message) { (void)user, (void)level, (void)message; }

static void some_run(void *user, temper_task_fn task, void *argument, int32_t count) {
  (void)user, (void)task, (void)argument, (void)count;
}

void runtime(void **state) {
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

void model_options(void **state) {
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

void model(void **state) {
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
