/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "memory_model.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 16, HEADS = 2, LAYERS = 2, ROWS = MEMORY_MODEL_TOKENS + 1 };

static const char merges[] = "#version: 0.2\nh e\n";

/* Text that grows. */
typedef struct text {
  char *bytes;
  size_t size, room;
} text;

static void append(text *to, const void *bytes, size_t size) {
  if (to->size + size + 1 > to->room) {
    to->room = 2 * (to->size + size + 1);
    to->bytes = realloc(to->bytes, to->room);
    if (to->bytes == NULL) exit(99);
  }
  memcpy(to->bytes + to->size, bytes, size);
  to->size += size;
  to->bytes[to->size] = '\0';
}

static void say(text *to, const char *words) { append(to, words, strlen(words)); }

/* Header and data of a safetensors file side by side. */
typedef struct writer {
  text header, data;
  uint32_t state;
} writer;

/* Weights of about this size; 0 fills with ones, as norms have. */
static void tensor(writer *w, const char *prefix, const char *name, int rows, int columns, float size) {
  char entry[256], shape[48];
  const size_t count = (size_t)rows * (size_t)(columns > 0 ? columns : 1), begin = w->data.size;
  size_t i;
  if (columns > 0)
    snprintf(shape, sizeof shape, "%d,%d", rows, columns);
  else
    snprintf(shape, sizeof shape, "%d", rows);
  for (i = 0; i < count; ++i) {
    float value = 1.0F;
    if (size > 0.0F) {
      w->state = w->state * 1664525U + 1013904223U;
      value = size * ((float)(w->state >> 8) / 8388608.0F - 1.0F);
    }
    append(&w->data, &value, sizeof value);
  }
  snprintf(entry, sizeof entry, "%s\"%s%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
           w->header.size == 0 ? "{" : ",", prefix, name, shape, begin, w->data.size);
  say(&w->header, entry);
}

static void make_weights(memory_model *model) {
  writer w = {{0}, {0}, 7U};
  text file = {0};
  unsigned char length[8];
  int layer, i;
  tensor(&w, "", "vocab_embed.embedding", ROWS, WIDTH, 0.5F);
  for (layer = 0; layer < LAYERS; ++layer) {
    char block[32];
    snprintf(block, sizeof block, "blocks.%d.", layer);
    tensor(&w, block, "norm1.weight", WIDTH, 0, 0.0F);
    tensor(&w, block, "attn_qkv.weight", 3 * WIDTH, WIDTH, 0.5F);
    tensor(&w, block, "attn_out.weight", WIDTH, WIDTH, 0.5F);
    tensor(&w, block, "norm2.weight", WIDTH, 0, 0.0F);
    tensor(&w, block, "mlp.0.weight", 4 * WIDTH, WIDTH, 0.5F);
    tensor(&w, block, "mlp.0.bias", 4 * WIDTH, 0, 0.1F);
    tensor(&w, block, "mlp.2.weight", WIDTH, 4 * WIDTH, 0.3F);
    tensor(&w, block, "mlp.2.bias", WIDTH, 0, 0.1F);
  }
  tensor(&w, "", "output_layer.norm_final.weight", WIDTH, 0, 0.0F);
  tensor(&w, "", "output_layer.linear.weight", ROWS, WIDTH, 0.5F);
  tensor(&w, "", "output_layer.linear.bias", ROWS, 0, 0.1F);
  say(&w.header, "}");
  while (w.header.size % 8 != 0) say(&w.header, " ");
  for (i = 0; i < 8; ++i) length[i] = (unsigned char)((uint64_t)w.header.size >> (8 * i));
  append(&file, length, sizeof length);
  append(&file, w.header.bytes, w.header.size);
  append(&file, w.data.bytes, w.data.size);
  free(w.header.bytes);
  free(w.data.bytes);
  model->weights = file.bytes;
  model->weights_size = file.size;
}

/* GPT-2 spells bytes as visible characters: themselves, or 256 and up for the others. */
static void make_vocabulary(memory_model *model) {
  text json = {0};
  int byte, others = 0;
  say(&json, "{");
  for (byte = 0; byte < 256; ++byte) {
    const int plain = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    const int character = plain ? byte : 256 + others++;
    char entry[32];
    snprintf(entry, sizeof entry, "\"\\u%04x\":%d,", (unsigned)character, byte);
    say(&json, entry);
  }
  say(&json, "\"he\":256}");
  model->vocabulary = json.bytes;
  model->vocabulary_size = json.size;
}

memory_model memory_model_make(const char *context) {
  memory_model model;
  text config = {0};
  char words[700];
  snprintf(words, sizeof words,
           "{\"type\":\"aligned\",\"model_type\":\"hdlm-epsilon\",\"tokenizer\":{\"tokens\":%d},"
           "\"training\":{\"epsilon\":0.1},"
           "\"annealing\":{\"width\":8,\"tau\":4,\"sampling_eps\":0.0001,"
           "\"attention\":{\"context_type\":\"%s\",\"block_type\":\"full\"}},"
           "\"model\":{\"hidden_size\":%d,\"cond_dim\":2,\"length\":%d,\"n_blocks\":%d,\"n_heads\":%d}}",
           MEMORY_MODEL_TOKENS, context, WIDTH, MEMORY_MODEL_LENGTH, LAYERS, HEADS);
  say(&config, words);
  model.config = config.bytes;
  model.config_size = config.size;
  make_weights(&model);
  make_vocabulary(&model);
  return model;
}

void memory_model_free(memory_model *model) {
  free(model->config);
  free(model->weights);
  free(model->vocabulary);
}

static void write_file(const char *folder, const char *name, const char *bytes, size_t size) {
  char path[512];
  FILE *file;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  file = fopen(path, "wb");
  if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) exit(98);
}

void memory_model_write(const memory_model *model, char *folder, size_t capacity) {
  const char *base = getenv("TMPDIR");
  snprintf(folder, capacity, "%s/temper-test-XXXXXX", base != NULL && base[0] != '\0' ? base : "/tmp");
  if (mkdtemp(folder) == NULL) exit(97);
  write_file(folder, "config.json", model->config, model->config_size);
  write_file(folder, "model.safetensors", model->weights, model->weights_size);
  write_file(folder, "vocab.json", model->vocabulary, model->vocabulary_size);
  write_file(folder, "merges.txt", merges, sizeof merges - 1);
}

void memory_model_remove(const char *folder) {
  static const char *const names[] = {"config.json", "model.safetensors", "vocab.json", "merges.txt"};
  char path[512];
  size_t i;
  for (i = 0; i < sizeof names / sizeof names[0]; ++i) {
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    unlink(path);
  }
  rmdir(folder);
}
