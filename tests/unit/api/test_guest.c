/* SPDX-License-Identifier: Apache-2.0 */
/* A guest's manners: what is loaded and when, little address space, strings that last, the caller's arithmetic
 * and locale. The argument is the backend. */
#define _GNU_SOURCE
#include "cmocka_c.h"
#include "support/comma_locale.h"
#include "support/proc_self.h"
#include "world.h"

#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

static const char *backend = "reference";

static int is_tool(void) {
  const char *preloaded = getenv("LD_PRELOAD");
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 1;
#endif
  return preloaded != NULL && strstr(preloaded, "vgpreload") != NULL;
}

/* Runs `body` in a child, which no module of the tests before has been loaded into; its result is the exit code. */
static int in_child(int (*body)(void *), void *argument) {
  int status = 0;
  pid_t child;
  fflush(NULL);
  child = fork();
  if (child == 0) {
    alarm(60);
    _exit(body(argument));
  }
  assert_true(child > 0 && waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status)) fail_msg("the child ended by signal %d", WTERMSIG(status));
  return WEXITSTATUS(status);
}

static int64_t one_generation(const temper_allocator *allocator, int32_t *tokens, temper_error *error) {
  world w;
  const temper_status status = world_open(&w, &files, allocator, backend, 2, error);
  const int64_t count = status < 0 ? status : world_generate(&w, tokens, 2 * WORLD_LENGTH, error);
  world_close(&w);
  return count;
}

/* ---- what is loaded, started and read ---- */

extern char **environ;
static int variables_read;

/* In place of the C library's: every question is counted. */
char *getenv(const char *name) {
  const size_t length = strlen(name);
  char **at;
  ++variables_read;
  for (at = environ; at != NULL && *at != NULL; ++at)
    if (strncmp(*at, name, length) == 0 && (*at)[length] == '=') return *at + length + 1;
  return NULL;
}

char *secure_getenv(const char *name) { return getenv(name); }

static int32_t usable(void) {
  temper_runtime *runtime = NULL;
  int32_t found;
  if (temper_runtime_create(NULL, &runtime, NULL) != TEMPER_OK) return 0;
  found = backend_usable(runtime, backend);
  temper_runtime_destroy(runtime);
  return found;
}

static int usable_in_child(void *argument) {
  (void)argument;
  return usable();
}

static int loads_what_it_uses(void *argument) {
  static int32_t tokens[2 * WORLD_LENGTH];
  char file[64];
  temper_runtime *runtime = NULL;
  temper_error error;
  const int threads_before = threads_now();
  int32_t i;
  int linked = 1;
  (void)argument;
  variables_read = 0;
  if (temper_runtime_create(NULL, &runtime, NULL) != TEMPER_OK) return 1;
  if (threads_now() != threads_before) return 6;
  for (i = 0; i < temper_backend_count(runtime); ++i) {
    const char *name = temper_backend_text(runtime, i, TEMPER_BACKEND_NAME);
    const char *path = temper_backend_text(runtime, i, TEMPER_BACKEND_PATH);
    if (strcmp(name, backend) == 0) linked = path[0] == '\0';
  }
  if (mapped("libtemper-") != 0) return 2;
  if (variables_read != 0) return 7;
  temper_runtime_destroy(runtime);
  if (one_generation(NULL, tokens, &error) <= 0) return 3;
  snprintf(file, sizeof file, "libtemper-%s.so", backend);
  if (!linked && mapped("libtemper-") != mapped(file)) return 4;
  if (linked && mapped("libtemper-") != 0) return 5;
  return 0;
}

static void a_module_is_loaded_by_its_use_alone(void **state) {
  (void)state;
  assert_int_equal(in_child(loads_what_it_uses, NULL), 0);
}

/* ---- little address space ---- */

static uint64_t address_space(void) {
  unsigned long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%lu", &pages) != 1) pages = 0;
  if (file != NULL) fclose(file);
  return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* 0: it works; 1: it says why not. Hanging, crashing and silence are failures. */
static int opens_in(void *argument) {
  static int32_t tokens[2 * WORLD_LENGTH];
  const int mebibytes = *(const int *)argument;
  const uint64_t bytes = address_space() + ((uint64_t)mebibytes << 20);
  const struct rlimit limit = {bytes, bytes};
  temper_error error;
  int64_t count;
  memset(&error, 0, sizeof error);
  if (setrlimit(RLIMIT_AS, &limit) != 0) return 9;
  count = one_generation(NULL, tokens, &error);
  if (count > 0) return 0;
  printf("%d MiB: %s\n", mebibytes, error.message);
  fflush(stdout);
  return (count == TEMPER_E_BACKEND || count == TEMPER_E_MEMORY) && strlen(error.message) > 20 ? 1 : 8;
}

static void little_address_space_is_enough_or_told(void **state) {
  static const int sizes[] = {20, 60, 100, 150, 200, 250, 300};
  const char *const asked = backend;
  size_t i;
  (void)state;
  if (is_tool()) skip();
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    int size = sizes[i], result;
    backend = asked;
    result = in_child(opens_in, &size);
    assert_true(result == 0 || result == 1);
    if (size >= 60 && strcmp(asked, "reference") == 0) assert_int_equal(result, 0);
    /* Something always opens. */
    backend = "auto";
    if (size >= 100) assert_int_equal(in_child(opens_in, &size), 0);
  }
  backend = asked;
}

/* ---- strings last as long as the runtime ---- */

static void texts_outlive_loading(void **state) {
  enum { KEYS = 4, MOST = 16 };
  const char *texts[MOST][KEYS];
  char copies[MOST][KEYS][600], path[600] = "";
  temper_runtime *runtime = NULL;
  temper_error error;
  int32_t i, k, count;
  (void)state;
  assert_int_equal(temper_runtime_create(NULL, &runtime, NULL), TEMPER_OK);
  count = temper_backend_count(runtime);
  assert_true(count >= 1 && count <= MOST);
  for (i = 0; i < count; ++i) {
    for (k = 0; k < KEYS; ++k) {
      texts[i][k] = temper_backend_text(runtime, i, TEMPER_BACKEND_NAME + k);
      assert_non_null(texts[i][k]);
      snprintf(copies[i][k], sizeof copies[i][k], "%s", texts[i][k]);
    }
    if (strcmp(copies[i][0], backend) == 0) snprintf(path, sizeof path, "%s", copies[i][3]);
  }
  for (k = 0; path[0] != '\0' && k < 3; ++k)
    if (temper_runtime_load_backend(runtime, path, &error) != TEMPER_OK) fail_msg("%s", error.message);
  assert_int_equal(temper_backend_count(runtime), count);
  for (i = 0; i < count; ++i)
    for (k = 0; k < KEYS; ++k) assert_string_equal(texts[i][k], copies[i][k]);
  temper_runtime_destroy(runtime);
}

/* ---- arithmetic ---- */

static int32_t plain[2 * WORLD_LENGTH], other[2 * WORLD_LENGTH];
static int64_t plain_count;

/* The same tokens, and the environment of before, flags too. */
static int generates_the_same(void) {
  temper_error error;
  fenv_t before, after;
  int raised;
  int64_t count;
  feclearexcept(FE_ALL_EXCEPT);
  fegetenv(&before);
  raised = fetestexcept(FE_ALL_EXCEPT);
  count = one_generation(NULL, other, &error);
  fegetenv(&after);
  if (fetestexcept(FE_ALL_EXCEPT) != raised) return 1;
  if (memcmp(&before, &after, sizeof before) != 0) return 2;
  fesetenv(FE_DFL_ENV);
  return count == plain_count && memcmp(plain, other, sizeof plain) == 0 ? 0 : 3;
}

static int in_mode(void *argument) {
  switch (*(const int *)argument) {
    case 0: break;
    case 1: fesetround(FE_UPWARD); break;
    case 2: fesetround(FE_DOWNWARD); break;
    case 3: fesetround(FE_TOWARDZERO); break;
    case 4: feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW); break;
    case 5: feenableexcept(FE_ALL_EXCEPT); break; /* every rounded result traps */
#if defined(__x86_64__)
    case 6: _mm_setcsr(_mm_getcsr() | 0x8040U); break; /* subnormal numbers are zero, read and written */
#endif
    default: break;
  }
  return generates_the_same();
}

static void the_callers_arithmetic_changes_nothing(void **state) {
  temper_error error;
  int mode;
  (void)state;
  plain_count = one_generation(NULL, plain, &error);
  if (plain_count <= 0) fail_msg("%s", error.message);
  for (mode = 0; mode <= 6; ++mode) {
    const int result = in_child(in_mode, &mode);
    if (result != 0) fail_msg("mode %d: %d", mode, result);
  }
}

/* A model opened (and its threads started) in one mode, used in another. */
static int opened_in_another(void *argument) {
  temper_error error;
  world w;
  int64_t count;
  (void)argument;
  feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW);
  fesetround(FE_UPWARD);
  if (world_open(&w, &files, NULL, backend, 2, &error) != TEMPER_OK) return 1;
  fesetenv(FE_DFL_ENV);
  count = world_generate(&w, other, 2 * WORLD_LENGTH, &error);
  world_close(&w);
  return count == plain_count && memcmp(plain, other, sizeof plain) == 0 ? 0 : 2;
}

/* An executor whose threads trap at every rounded result. */
static void run_trapping(void *user, temper_task_fn task, void *argument, int32_t count) {
  int32_t i;
  (void)user;
  for (i = 0; i < count; ++i) {
    fenv_t before, after;
    feenableexcept(FE_ALL_EXCEPT);
    fegetenv(&before);
    task(argument, i, 0);
    fegetenv(&after);
    fesetenv(FE_DFL_ENV);
    if (memcmp(&before, &after, sizeof before) != 0) _exit(4);
  }
}

static int on_trapping_threads(void *argument) {
  const temper_executor executor = {NULL, 3, run_trapping};
  temper_error error;
  world w;
  int64_t count;
  (void)argument;
  if (world_open_on(&w, &files, NULL, backend, 3, &executor, &error) != TEMPER_OK) return 1;
  count = world_generate(&w, other, 2 * WORLD_LENGTH, &error);
  world_close(&w);
  return count == plain_count && memcmp(plain, other, sizeof plain) == 0 ? 0 : 2;
}

/* Functions that compute on their own, at the ends of their ranges. */
static int small_functions_raise_nothing(void *argument) {
  static const int paths[] = {TEMPER_NOISE_ABSORBING, TEMPER_NOISE_UNIFORM, TEMPER_NOISE_EPSILON, TEMPER_NOISE_GAMMA,
                              TEMPER_NOISE_GIDD};
  temper_error error;
  size_t i;
  (void)argument;
  feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW);
  for (i = 0; i < sizeof paths / sizeof paths[0]; ++i) {
    temper_noise *noise = NULL;
    if (temper_noise_create(paths[i], &noise, &error) != TEMPER_OK) return 1;
    temper_noise_destroy(noise);
  }
  return 0;
}

static void threads_and_small_functions(void **state) {
  temper_error error;
  (void)state;
  plain_count = one_generation(NULL, plain, &error);
  assert_true(plain_count > 0);
  assert_int_equal(in_child(opened_in_another, NULL), 0);
  assert_int_equal(in_child(on_trapping_threads, NULL), 0);
  assert_int_equal(in_child(small_functions_raise_nothing, NULL), 0);
}

/* ---- locale ---- */

static int texts_have_points(void *argument) {
  char text[4000] = "";
  const char *assumptions;
  temper_error error;
  world w;
  (void)argument;
  if (!use_comma_locale()) return 77;
  if (world_open(&w, &files, NULL, backend, 1, &error) != TEMPER_OK) return 1;
  assumptions = temper_model_get_text(w.model, TEMPER_MODEL_ASSUMPTIONS);
  snprintf(text, sizeof text, "%s\n%s", temper_model_get_text(w.model, TEMPER_MODEL_NOISE), assumptions);
  if (strstr(text, "0.") == NULL || strstr(text, "0,") != NULL) return 2;
  if (temper_sampler_set(w.sampler, TEMPER_SAMPLER_TOP_P, 1.5, &error) != TEMPER_E_ARGUMENT) return 3;
  if (strstr(error.message, "1.5") == NULL) return 4;
  world_close(&w);
  return localeconv()->decimal_point[0] == ',' ? 0 : 5;
}

static void texts_do_not_follow_the_locale(void **state) {
  int result;
  (void)state;
  result = in_child(texts_have_points, NULL);
  if (result == 77) skip();
  assert_int_equal(result, 0);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      /* These two need a process into which nothing has been loaded yet. */
      cmocka_unit_test(a_module_is_loaded_by_its_use_alone),
      cmocka_unit_test(little_address_space_is_enough_or_told),
      cmocka_unit_test(texts_outlive_loading),
      cmocka_unit_test(the_callers_arithmetic_changes_nothing),
      cmocka_unit_test(threads_and_small_functions),
      cmocka_unit_test(texts_do_not_follow_the_locale),
  };
  if (argc > 1) backend = argv[1];
  if (in_child(usable_in_child, NULL) != 1) {
    printf("skipped: backend %s can't be used here\n", backend);
    return 77;
  }
  return cmocka_run_group_tests_name("guest", tests, make_files, free_files) != 0;
}
