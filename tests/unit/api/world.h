/* SPDX-License-Identifier: Apache-2.0 */
/* One of every handle, on a small model. */
#ifndef TEMPER_TEST_WORLD_H
#define TEMPER_TEST_WORLD_H

#include <temper/experimental.h>
#include <temper/temper.h>

#include "memory_model.h"

typedef struct world {
  memory_model files;
  temper_runtime *runtime;
  temper_model_options *options;
  temper_model *model;
  temper_tokenizer *tokenizer;
  temper_decoder *decoder;
  temper_hyperschedule *schedule;
  temper_noise *noise;
  temper_sampler *sampler;
  temper_session *session;
  temper_x_evaluator *evaluator;
} world;

enum { WORLD_HANDLES = 10, WORLD_LENGTH = 40 };

/* The small model of a test program, which these two fixtures of cmocka's make and free. */
extern memory_model files;
int make_files(void **state);
int free_files(void **state);

/* Can this backend be used here? */
int backend_usable(const temper_runtime *runtime, const char *name);

/* Makes the handles one after another; stops at the first error and returns it. `model` is the caller's
 * and needed only during the call, but for the weights. */
temper_status world_open(world *w, const memory_model *model, const temper_allocator *allocator,
                         const char *backend, int64_t threads, temper_error *error);

/* The same with the program's own threads, unless `executor` is NULL. */
temper_status world_open_on(world *w, const memory_model *model, const temper_allocator *allocator,
                            const char *backend, int64_t threads, const temper_executor *executor,
                            temper_error *error);
/* The handles after the runtime, which is there. */
temper_status world_fill(world *w, const memory_model *model, const char *backend, temper_error *error);

/* Ends the i-th handle, 0..WORLD_HANDLES - 1. Doing it twice does nothing. */
void world_end(world *w, int i);
void world_close(world *w);

/* Steps to the end, reads everything; how many tokens, or a negative status. */
int64_t world_generate(world *w, int32_t *tokens, size_t capacity, temper_error *error);

#endif
