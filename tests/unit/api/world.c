/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <string.h>

#define STEP(call)                     \
  do {                                 \
    const temper_status status = call; \
    if (status < 0) return status;     \
  } while (0)

memory_model files;

int make_files(void **state) {
  (void)state;
  files = memory_model_make("block_causal");
  return 0;
}

int free_files(void **state) {
  (void)state;
  memory_model_free(&files);
  return 0;
}

int backend_usable(const temper_runtime *runtime, const char *name) {
  int32_t i;
  for (i = 0; i < temper_backend_count(runtime); ++i)
    if (strcmp(temper_backend_text(runtime, i, TEMPER_BACKEND_NAME), name) == 0)
      return temper_backend_available(runtime, i);
  return 0;
}

temper_status world_open(world *w, const memory_model *model, const temper_allocator *allocator,
                         const char *backend, int64_t threads, temper_error *error) {
  return world_open_on(w, model, allocator, backend, threads, NULL, error);
}

temper_status world_open_on(world *w, const memory_model *model, const temper_allocator *allocator,
                            const char *backend, int64_t threads, const temper_executor *executor,
                            temper_error *error) {
  memset(w, 0, sizeof *w);
  STEP(temper_runtime_create(allocator, &w->runtime, error));
  STEP(temper_runtime_set_i64(w->runtime, TEMPER_RUNTIME_THREADS, threads, error));
  STEP(temper_runtime_set_executor(w->runtime, executor, error));
  return world_fill(w, model, backend, error);
}

temper_status world_fill(world *w, const memory_model *model, const char *backend, temper_error *error) {
  static const int32_t prompt[3] = {'a', 'b', 'c'};
  w->files = *model;
  STEP(temper_model_options_create(&w->options, error));
  STEP(temper_model_open_memory(w->runtime, model->config, model->config_size, model->weights, model->weights_size,
                                NULL, NULL, backend, w->options, &w->model, error));
  STEP(temper_tokenizer_open_memory(model->vocabulary, model->vocabulary_size, "h e\n", 4, NULL, 0, &w->tokenizer,
                                    error));
  STEP(temper_decoder_create(w->tokenizer, TEMPER_TOKENIZER_SKIP_UNKNOWN, &w->decoder, error));
  STEP(temper_hyperschedule_create(TEMPER_SLIDE, 8, 4, &w->schedule, error));
  STEP(temper_noise_create(TEMPER_NOISE_EPSILON, &w->noise, error));
  STEP(temper_sampler_create(TEMPER_SAMPLER_ANCESTRAL, &w->sampler, error));
  STEP(temper_session_create(w->model, w->schedule, w->noise, w->sampler, 2, WORLD_LENGTH, 7, &w->session, error));
  STEP(temper_session_prompt(w->session, 0, prompt, 3, error));
  STEP(temper_session_prompt(w->session, 1, prompt, 2, error));
  STEP(temper_x_evaluator_create(w->model, 1, 4, 16, &w->evaluator, error));
  return TEMPER_OK;
}

#define END(handle, destroy) \
  do {                       \
    destroy(handle);         \
    handle = NULL;           \
  } while (0)

void world_end(world *w, int i) {
  switch (i) {
    case 0: END(w->runtime, temper_runtime_destroy); break;
    case 1: END(w->options, temper_model_options_destroy); break;
    case 2: END(w->model, temper_model_destroy); break;
    case 3: END(w->tokenizer, temper_tokenizer_destroy); break;
    case 4: END(w->decoder, temper_decoder_destroy); break;
    case 5: END(w->schedule, temper_hyperschedule_destroy); break;
    case 6: END(w->noise, temper_noise_destroy); break;
    case 7: END(w->sampler, temper_sampler_destroy); break;
    case 8: END(w->session, temper_session_destroy); break;
    case 9: END(w->evaluator, temper_x_evaluator_destroy); break;
    default: break;
  }
}

void world_close(world *w) {
  int i;
  for (i = WORLD_HANDLES - 1; i >= 0; --i) world_end(w, i);
}

int64_t world_generate(world *w, int32_t *tokens, size_t capacity, temper_error *error) {
  int64_t all = 0;
  for (;;) {
    const temper_status status = temper_session_step(w->session, NULL, error);
    int32_t row;
    if (status < 0) return status;
    for (row = 0; row < 2; ++row) {
      size_t count = 0;
      STEP(temper_session_read(w->session, row, tokens + all, capacity - (size_t)all, &count, error));
      all += (int64_t)count;
    }
    if (status == TEMPER_DONE) return all;
  }
}
