/* SPDX-License-Identifier: Apache-2.0 */
/* A very small HDLM with random weights and a tokenizer of the 256 bytes, made in memory. */
#ifndef TEMPER_TEST_MEMORY_MODEL_H
#define TEMPER_TEST_MEMORY_MODEL_H

#include <stddef.h>

enum { MEMORY_MODEL_TOKENS = 257, MEMORY_MODEL_MASK = 257, MEMORY_MODEL_LENGTH = 96 };

typedef struct memory_model {
  char *config;     /* config.json */
  size_t config_size;
  char *weights;    /* model.safetensors */
  size_t weights_size;
  char *vocabulary; /* vocab.json */
  size_t vocabulary_size;
} memory_model;

/* context: "block_causal", "causal" or "full". Ends the program when memory is out. */
memory_model memory_model_make(const char *context);
void memory_model_free(memory_model *model);

/* Writes it as a model folder into a new temporary folder, whose name goes to `folder`. */
void memory_model_write(const memory_model *model, char *folder, size_t capacity);
void memory_model_remove(const char *folder);

#endif
