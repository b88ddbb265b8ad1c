/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two or more builds or backends of the library against each other, in one process and call by call in turn, so that
 * what disturbs the machine disturbs all alike. Not a test.
 *
 *   bench_versus MODEL THREADS SECONDS SIDE SIDE... -- CASE...
 *
 * SIDE: the path of a libtemper.so, then ':' and a backend (build/lib/library/libtemper.so.0:onednn). The first is
 * what the others are compared with; builds need copies of their own (their files must differ) and must understand
 * the functions used here. CASE: ROWSxCONTEXT, a call of so many rows behind so many cached ones, or gN, a text of N
 * tokens as the model was trained. SECONDS for each case. Printed of each case: the median of each side in
 * milliseconds, and of each side's ratios to the call of the first side just before it the median, with a range that
 * holds the true median with 95 percent.
 */
#define _POSIX_C_SOURCE 200809L

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <temper/experimental.h>
#include <temper/temper.h>

enum { most_sides = 6, most_turns = 100000 };

#define FUNCTIONS(X)                                                                                             \
  X(temper_runtime_create) X(temper_runtime_destroy) X(temper_runtime_set_i64) X(temper_model_open)             \
  X(temper_model_destroy) X(temper_model_get_i64) X(temper_x_evaluator_create) X(temper_x_evaluator_destroy)    \
  X(temper_x_evaluator_run) X(temper_x_evaluator_keep) X(temper_session_create) X(temper_session_destroy)       \
  X(temper_session_prompt) X(temper_session_step)

typedef struct side {
  char name[64];
#define MEMBER(name) __typeof__(&name) name;
  FUNCTIONS(MEMBER)
#undef MEMBER
  temper_runtime *runtime;
  temper_model *model;
  temper_x_evaluator *evaluator;
  double *milliseconds;
} side;

static void fail(const char *what, const char *why) {
  (void)fprintf(stderr, "%s: %s\n", what, why != NULL ? why : "");
  exit(1);
}

static double now(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

static void open_side(side *s, const char *text, const char *model, int64_t threads) {
  const char *colon = strrchr(text, ':');
  if (colon == NULL) fail(text, "PATH:BACKEND is needed");
  char *path = strndup(text, (size_t)(colon - text));
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) fail(path, dlerror());
#define LOOK_UP(name)                                    \
  *(void **)&s->name = dlsym(library, #name);            \
  if (s->name == NULL) fail(path, "has no function " #name);
  FUNCTIONS(LOOK_UP)
#undef LOOK_UP
  (void)snprintf(s->name, sizeof s->name, "%s", colon + 1);
  s->milliseconds = malloc(most_turns * sizeof(double));
  temper_error error;
  memset(&error, 0, sizeof error);
  if (s->milliseconds == NULL || s->temper_runtime_create(NULL, &s->runtime, &error) < 0 ||
      s->temper_runtime_set_i64(s->runtime, TEMPER_RUNTIME_THREADS, threads, &error) < 0 ||
      s->temper_model_open(s->runtime, model, s->name, &s->model, &error) < 0)
    fail(text, error.message);
  free(path);
}

static temper_x_row row_at(int32_t slot, int32_t end, int32_t logits) {
  const temper_x_row row = {slot % 97, slot, 0, 0, end, logits, 0.5};
  return row;
}

static void call_rows(side *s, int32_t first, int32_t rows, int32_t logits, float *out, size_t capacity) {
  temper_x_row list[4096];
  for (int32_t r = 0; r < rows; ++r) list[r] = row_at(first + r, first + rows, logits);
  temper_error error;
  if (s->temper_x_evaluator_run(s->evaluator, list, (size_t)rows, out, capacity, &error) < 0)
    fail(s->name, error.message);
}

/* Returns the columns of the logits. */
static int64_t prepare_rows(side *s, int32_t rows, int32_t context) {
  temper_error error;
  int64_t columns = 0;
  if (s->temper_x_evaluator_create(s->model, 1, rows > 256 ? rows : 256, context + rows, &s->evaluator, &error) < 0 ||
      s->temper_model_get_i64(s->model, TEMPER_MODEL_COLUMNS, &columns, &error) < 0)
    fail(s->name, error.message);
  for (int32_t done = 0; done < context;) {
    const int32_t some = context - done < 256 ? context - done : 256;
    call_rows(s, done, some, 0, NULL, 0);
    done += some;
    if (s->temper_x_evaluator_keep(s->evaluator, 0, done, &error) < 0) fail(s->name, error.message);
  }
  return columns;
}

static void generate(side *s, int64_t tokens) {
  temper_session *session = NULL;
  temper_error error;
  const int32_t begin = 1;
  if (s->temper_session_create(s->model, NULL, NULL, NULL, 1, tokens, 7, &session, &error) < 0 ||
      s->temper_session_prompt(session, 0, &begin, 1, &error) < 0)
    fail(s->name, error.message);
  temper_status status = TEMPER_OK;
  while ((status = s->temper_session_step(session, NULL, &error)) == TEMPER_OK) {
  }
  if (status < 0) fail(s->name, error.message);
  s->temper_session_destroy(session);
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static void report(const char *what, side *sides, int count, int turns) {
  double *ratios = malloc((size_t)turns * sizeof(double));
  if (ratios == NULL) fail(what, "no memory");
  (void)printf("%-10s", what);
  for (int i = 0; i < count; ++i) {
    for (int t = 0; t < turns; ++t) ratios[t] = sides[i].milliseconds[t];
    qsort(ratios, (size_t)turns, sizeof(double), ascending);
    (void)printf("  %s %.3f ms", sides[i].name, ratios[turns / 2]);
    if (i == 0) continue;
    for (int t = 0; t < turns; ++t) ratios[t] = sides[i].milliseconds[t] / sides[0].milliseconds[t];
    qsort(ratios, (size_t)turns, sizeof(double), ascending);
    /* Order statistics: the number of values below the median is binomial. */
    const int reach = (int)ceil(0.98 * sqrt((double)turns));
    const int low = turns / 2 - reach, high = turns / 2 + reach;
    (void)printf(" x %.3f (%.3f-%.3f)", ratios[turns / 2], ratios[low < 0 ? 0 : low],
                 ratios[high >= turns ? turns - 1 : high]);
  }
  (void)printf("  [%d turns]\n", turns);
  (void)fflush(stdout);
  free(ratios);
}

static void run_case(const char *text, side *sides, int count, double seconds) {
  int rows = 0, context = 0;
  const int64_t tokens = text[0] == 'g' ? strtoll(text + 1, NULL, 10) : 0;
  if (tokens < 1 && (sscanf(text, "%dx%d", &rows, &context) != 2 || rows < 1 || rows > 4096 || context < 0))
    fail(text, "ROWSxCONTEXT or gTOKENS is needed");
  size_t capacity = 0;
  for (int i = 0; i < count && tokens < 1; ++i) capacity = (size_t)prepare_rows(&sides[i], rows, context) * (size_t)rows;
  float *logits = malloc((capacity + 1) * sizeof(float));
  if (logits == NULL) fail(text, "no memory");
  const double begin = now();
  int turns = -1; /* the first warms up */
  for (; turns < most_turns && (turns < 5 || now() - begin < seconds * 1e3); ++turns)
    for (int i = 0; i < count; ++i) {
      const double start = now();
      if (tokens > 0)
        generate(&sides[i], tokens);
      else
        call_rows(&sides[i], context, rows, 1, logits, capacity);
      if (turns >= 0) sides[i].milliseconds[turns] = now() - start;
    }
  report(text, sides, count, turns);
  free(logits);
  for (int i = 0; i < count && tokens < 1; ++i) sides[i].temper_x_evaluator_destroy(sides[i].evaluator);
}

int main(int argc, char **argv) {
  static side sides[most_sides];
  int count = 0, at = 4;
  for (; at < argc && strcmp(argv[at], "--") != 0 && count < most_sides; ++at, ++count)
    open_side(&sides[count], argv[at], argv[1], strtoll(argv[2], NULL, 10));
  if (count < 2 || at + 1 >= argc || strcmp(argv[at], "--") != 0)
    fail("usage", "bench_versus MODEL THREADS SECONDS LIBRARY:BACKEND LIBRARY:BACKEND... -- ROWSxCONTEXT|gTOKENS...");
  for (++at; at < argc; ++at) run_case(argv[at], sides, count, strtod(argv[3], NULL));
  for (int i = 0; i < count; ++i) {
    sides[i].temper_model_destroy(sides[i].model);
    sides[i].temper_runtime_destroy(sides[i].runtime);
    free(sides[i].milliseconds);
  }
  return 0;
}
