/* SPDX-License-Identifier: Apache-2.0 */
/* The process is left as it was: signals, locale, floating point, environment, folder, files, threads,
 * OpenMP's settings; and nothing is printed. The argument is the backend. */
#define _GNU_SOURCE
#include "cmocka_c.h"
#include "support/proc_self.h"
#include "world.h"

#include <dlfcn.h>
#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

enum { SIGNALS = 32 };

/* What a library could change behind the back of its user. */
typedef struct process {
  struct sigaction actions[SIGNALS];
  sigset_t mask;
  fenv_t floating;
  int rounding;
  char locale[200], folder[1024];
  mode_t creation;
  char **environment;
  size_t variables;
  int threads, files;
  int omp_threads, omp_dynamic, omp_levels, blas_threads;
} process;

/* A setting of a library that may have come along with a backend; -1 when it hasn't. */
static int setting(const char *name) {
  int (*function)(void) = NULL;
  void *const symbol = dlsym(RTLD_DEFAULT, name);
  if (symbol == NULL) return -1;
  memcpy(&function, &symbol, sizeof function);
  return function();
}

static void look(process *now) {
  int i;
  memset(now, 0, sizeof *now);
  for (i = 1; i < SIGNALS; ++i) sigaction(i, NULL, &now->actions[i]);
  pthread_sigmask(SIG_SETMASK, NULL, &now->mask);
  fegetenv(&now->floating);
  now->rounding = fegetround();
  snprintf(now->locale, sizeof now->locale, "%s", setlocale(LC_ALL, NULL));
  if (getcwd(now->folder, sizeof now->folder) == NULL) now->folder[0] = '\0';
  now->creation = umask(0);
  umask(now->creation);
  now->environment = environ;
  while (environ != NULL && environ[now->variables] != NULL) ++now->variables;
  now->threads = threads_now();
  now->files = entries("/proc/self/fd");
  now->omp_threads = setting("omp_get_max_threads");
  now->omp_dynamic = setting("omp_get_dynamic");
  now->omp_levels = setting("omp_get_max_active_levels");
  now->blas_threads = setting("openblas_get_num_threads");
}

static void assert_same(const process *before, const process *after) {
  int i;
  for (i = 1; i < SIGNALS; ++i) {
    assert_true(before->actions[i].sa_handler == after->actions[i].sa_handler);
    assert_int_equal(before->actions[i].sa_flags, after->actions[i].sa_flags);
    assert_int_equal(sigismember(&before->mask, i), sigismember(&after->mask, i));
  }
#if defined(__x86_64__)
  /* Flags of what was computed may be raised; how it is computed may not change. */
  assert_int_equal(before->floating.__control_word, after->floating.__control_word);
  assert_int_equal(before->floating.__mxcsr & 0xffc0U, after->floating.__mxcsr & 0xffc0U);
#endif
  assert_int_equal(before->rounding, after->rounding);
  assert_string_equal(before->locale, after->locale);
  assert_string_equal(before->folder, after->folder);
  assert_int_equal(before->creation, after->creation);
  assert_ptr_equal(before->environment, after->environment);
  assert_int_equal(before->variables, after->variables);
  assert_int_equal(before->files, after->files);
}

static const char *backend = "reference";
static temper_runtime *first;

static void logged(void *user, int32_t level, const char *message) {
  (void)message;
  assert_true(level >= TEMPER_LOG_ERROR && level <= TEMPER_LOG_DEBUG);
  ++*(int *)user;
}

static void the_process_is_left_alone(void **state) {
  static int32_t tokens[2 * WORLD_LENGTH];
  process before, during, after;
  world w;
  temper_error error;
  (void)state;
  /* Nothing may depend on defaults: a program has its own settings. */
  fesetround(FE_TOWARDZERO);
  look(&before);
  assert_int_equal(world_open(&w, &files, NULL, backend, 2, &error), TEMPER_OK);
  if (world_generate(&w, tokens, 2 * WORLD_LENGTH, &error) <= 0) fail_msg("%s", error.message);
  look(&during);
  assert_same(&before, &during);
  world_close(&w);
  look(&after);
  fesetround(FE_TONEAREST);
  assert_same(&before, &after);
  print_message("threads: %d before, %d while a model is open, %d after\n", before.threads, during.threads,
                after.threads);
  assert_int_equal(before.threads, after.threads);
  assert_int_equal(before.omp_threads, after.omp_threads);
  assert_int_equal(before.omp_dynamic, after.omp_dynamic);
  assert_int_equal(before.omp_levels, after.omp_levels);
  assert_int_equal(before.blas_threads, after.blas_threads);
}

/* Everything written to the two streams, errors of every kind included, lands in a file that stays empty. */
static void nothing_is_printed(void **state) {
  static int32_t tokens[2 * WORLD_LENGTH];
  int32_t count;
  int messages = 0, kept[2];
  FILE *caught = tmpfile();
  struct stat status;
  world w;
  temper_runtime *runtime = NULL;
  temper_model *model = NULL;
  temper_error error;
  (void)state;
  assert_non_null(caught);
  fflush(NULL);
  kept[0] = dup(1);
  kept[1] = dup(2);
  dup2(fileno(caught), 1);
  dup2(fileno(caught), 2);
  count = world_open(&w, &files, NULL, backend, 2, &error) == TEMPER_OK
              ? (int32_t)world_generate(&w, tokens, 2 * WORLD_LENGTH, &error)
              : 0;
  world_close(&w);
  temper_runtime_create(NULL, &runtime, NULL);
  temper_runtime_set_log(runtime, TEMPER_LOG_DEBUG, logged, &messages, NULL);
  temper_runtime_load_backend(runtime, "/absent.so", &error);
  temper_model_open(runtime, "/absent", backend, &model, &error);
  temper_model_open_memory(runtime, "{", 1, "x", 1, NULL, NULL, backend, NULL, &model, &error);
  temper_runtime_destroy(runtime);
  fflush(NULL);
  dup2(kept[0], 1);
  dup2(kept[1], 2);
  close(kept[0]);
  close(kept[1]);
  assert_int_equal(fstat(fileno(caught), &status), 0);
  assert_int_equal(status.st_size, 0);
  assert_true(count > 0);
  fclose(caught);
}

/* Another thread's rounding and denormal flags are its own; results don't depend on the caller's. */
static void results_do_not_depend_on_the_callers_settings(void **state) {
  static int32_t plain[2 * WORLD_LENGTH], other[2 * WORLD_LENGTH];
  int64_t counts[2];
  world w;
  temper_error error;
  const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8"};
  size_t i;
  (void)state;
  assert_int_equal(world_open(&w, &files, NULL, backend, 1, &error), TEMPER_OK);
  counts[0] = world_generate(&w, plain, 2 * WORLD_LENGTH, &error);
  world_close(&w);
  for (i = 0; i < 3 && setlocale(LC_ALL, locales[i]) == NULL; ++i) continue;
  print_message("locale %s\n", setlocale(LC_ALL, NULL));
  assert_int_equal(world_open(&w, &files, NULL, backend, 1, &error), TEMPER_OK);
  counts[1] = world_generate(&w, other, 2 * WORLD_LENGTH, &error);
  world_close(&w);
  setlocale(LC_ALL, "C");
  assert_int_equal(counts[0], counts[1]);
  assert_memory_equal(plain, other, sizeof plain);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_process_is_left_alone),
      cmocka_unit_test(nothing_is_printed),
      cmocka_unit_test(results_do_not_depend_on_the_callers_settings),
  };
  int failed;
  if (argc > 1) backend = argv[1];
  if (temper_runtime_create(NULL, &first, NULL) != TEMPER_OK) return 1;
  if (!backend_usable(first, backend)) {
    printf("skipped: backend %s can't be used here\n", backend);
    return 77;
  }
  failed = cmocka_run_group_tests_name("process", tests, make_files, free_files);
  temper_runtime_destroy(first);
  return failed != 0;
}
