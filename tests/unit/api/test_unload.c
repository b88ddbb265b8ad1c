/* SPDX-License-Identifier: Apache-2.0 */
/* The library as a plugin's plugin: loaded, used, ended and unloaded again and again. Nothing piles up: no memory, no
 * thread, no open file, no mapping. test_unload LIBRARY BACKEND [TIMES]. This program isn't linked with the library. */
#define _GNU_SOURCE
#include <temper/temper.h>

#include "memory_model.h"
#include "support/proc_self.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct process {
  int threads, files, mappings;
  long total, resident; /* KiB */
} process;

static process look(void) {
  process now = {0, 0, 0, 0, 0};
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%ld %ld", &now.total, &now.resident) != 2) now.total = -1;
  if (file != NULL) fclose(file);
  now.total *= 4;
  now.resident *= 4;
  now.threads = threads_now();
  now.files = entries("/proc/self/fd");
  now.mappings = mapped("");
  return now;
}

static void show(const char *when, const process *now) {
  printf("%-12s threads %d, files %d, mappings %d, %ld KiB, %ld KiB resident\n", when, now->threads, now->files - 1,
         now->mappings, now->total, now->resident);
}

/* The functions of one loading. */
#define FUNCTIONS(X)                                                                                                \
  X(temper_runtime_create) X(temper_runtime_set_i64) X(temper_model_open_memory) X(temper_tokenizer_open_memory)    \
  X(temper_tokenizer_encode) X(temper_tokenizer_destroy) X(temper_hyperschedule_create)                             \
  X(temper_hyperschedule_destroy) X(temper_session_create) X(temper_session_prompt) X(temper_session_step)          \
  X(temper_session_destroy) X(temper_model_destroy) X(temper_runtime_destroy)
#define DECLARE(name) __typeof__(&name) name;
typedef struct functions {
  FUNCTIONS(DECLARE)
} functions;

static int find(void *library, functions *f) {
  void *symbol;
#define FIND(name)                        \
  symbol = dlsym(library, #name);         \
  if (symbol == NULL) return 0;           \
  memcpy(&f->name, &symbol, sizeof symbol);
  FUNCTIONS(FIND)
  return 1;
}

static temper_status use(const functions *f, const memory_model *files, const char *backend, temper_error *error) {
  static const int32_t prompt[3] = {'a', 'b', 'c'};
  temper_runtime *runtime = NULL;
  temper_model *model = NULL;
  temper_tokenizer *tokenizer = NULL;
  temper_hyperschedule *schedule = NULL;
  temper_session *session = NULL;
  int32_t tokens[16];
  size_t count;
  temper_status status = f->temper_runtime_create(NULL, &runtime, error);
  if (status >= 0) status = f->temper_runtime_set_i64(runtime, TEMPER_RUNTIME_THREADS, 3, error);
  if (status >= 0)
    status = f->temper_model_open_memory(runtime, files->config, files->config_size, files->weights, files->weights_size,
                                         NULL, NULL, backend, NULL, &model, error);
  if (status >= 0)
    status = f->temper_tokenizer_open_memory(files->vocabulary, files->vocabulary_size, "h e\n", 4, NULL, 0, &tokenizer, error);
  if (status >= 0) status = f->temper_tokenizer_encode(tokenizer, "he 12", 5, 0, tokens, 16, &count, error);
  if (status >= 0) status = f->temper_hyperschedule_create(TEMPER_SLIDE, 8, 4, &schedule, error);
  if (status >= 0) status = f->temper_session_create(model, schedule, NULL, NULL, 2, 40, 7, &session, error);
  if (status >= 0) status = f->temper_session_prompt(session, 0, prompt, 3, error);
  while (status >= 0 && status != TEMPER_DONE) status = f->temper_session_step(session, NULL, error);
  f->temper_session_destroy(session);
  f->temper_hyperschedule_destroy(schedule);
  f->temper_tokenizer_destroy(tokenizer);
  f->temper_model_destroy(model);
  f->temper_runtime_destroy(runtime);
  return status;
}

static int once(const char *path, const memory_model *files, const char *backend, int first) {
  functions f;
  temper_error error;
  temper_status status;
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL || !find(library, &f)) {
    printf("%s\n", library == NULL ? dlerror() : "a function is missing");
    return 1;
  }
  status = use(&f, files, backend, &error);
  if (status < 0) printf("%s: %s\n", first ? "skipped" : "failed", error.message);
  dlclose(library);
  return status >= 0 ? 0 : first && status == TEMPER_E_BACKEND ? 77 : 1;
}

int main(int argc, char **argv) {
  const int times = argc > 3 ? atoi(argv[3]) : 300;
  memory_model files;
  process before, settled, after;
  int i, result = 0, wrong = 0;
  if (argc < 3) return 2;
  files = memory_model_make("block_causal");
  before = look();
  settled = before;
  for (i = 0; result == 0 && i < times; ++i) {
    if (i == 10) settled = look(); /* the loader and the heap have what they keep */
    result = once(argv[1], &files, argv[2], i == 0);
  }
  after = look();
  memory_model_free(&files);
  if (result != 0) return result;
  show("before", &before);
  show("after 10", &settled);
  show("after all", &after);
  wrong += mapped("libtemper.so") != 0;
  wrong += after.threads != before.threads || after.files != before.files;
  wrong += after.mappings > settled.mappings + 1;
  wrong += after.total > settled.total + 1024 || after.resident > settled.resident + 1024;
  if (wrong != 0) printf("something is left behind\n");
  return wrong != 0;
}
