/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model that is part of the program: its bytes are in memory, no file is opened by the library.
 * embed_memory CONFIG.JSON MODEL.SAFETENSORS [TOKEN...] prints the tokens that follow those given.
 *
 * Here the bytes are read from files, so that any model can be tried. A real program would link them in
 * (`ld -r -b binary`, `xxd -i`, or an assembler's .incbin) and pass NULL for the release function.
 */
#include <stdio.h>
#include <stdlib.h>
#include <temper/temper.h>

struct bytes {
  unsigned char *data;
  size_t size;
};

static int read_file(const char *path, struct bytes *out) {
  FILE *file = fopen(path, "rb");
  long size = -1;
  out->data = NULL;
  if (file != NULL && fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) > 0 && fseek(file, 0, SEEK_SET) == 0) {
    out->size = (size_t)size;
    out->data = malloc(out->size);
    if (out->data != NULL && fread(out->data, 1, out->size, file) != out->size) {
      free(out->data);
      out->data = NULL;
    }
  }
  if (file != NULL) {
    fclose(file);
  }
  return out->data != NULL ? 0 : -1;
}

/* The weights are borrowed by the model; this is called when it needs them no longer. */
static void release(void *user) { free(user); }

static int run(temper_model *model, int argc, char **argv, temper_error *error) {
  temper_session *session = NULL;
  int32_t tokens[64];
  size_t count = 0, i;
  temper_status status;
  for (i = 3; i < (size_t)argc && count < 32; ++i) {
    tokens[count++] = (int32_t)strtol(argv[i], NULL, 10);
  }
  status = temper_session_create(model, NULL, NULL, NULL, 1, (int64_t)count + 16, 1, &session, error);
  if (status >= 0 && count > 0) {
    status = temper_session_prompt(session, 0, tokens, count, error);
  }
  while (status >= 0 && (status = temper_session_step(session, NULL, error)) >= 0 && status != TEMPER_DONE) {
    status = temper_session_read(session, 0, tokens, 64, &count, error);
    for (i = 0; status >= 0 && i < count; ++i) {
      printf("%d ", (int)tokens[i]);
    }
  }
  printf("\n");
  temper_session_destroy(session);
  return status < 0 ? -1 : 0;
}

int main(int argc, char **argv) {
  struct bytes config, weights;
  temper_error error;
  temper_runtime *runtime = NULL;
  temper_model *model = NULL;
  int failed;
  if (argc < 3 || read_file(argv[1], &config) < 0) {
    fprintf(stderr, "usage: embed_memory CONFIG.JSON MODEL.SAFETENSORS [TOKEN...]\n");
    return 2;
  }
  if (read_file(argv[2], &weights) < 0) {
    free(config.data);
    fprintf(stderr, "%s can't be read\n", argv[2]);
    return 1;
  }
  failed = temper_runtime_create(NULL, &runtime, &error) < 0;
  if (failed) {
    free(weights.data); /* nobody took it */
  } else {
    failed = temper_model_open_memory(runtime, config.data, config.size, weights.data, weights.size, release,
                                      weights.data, "auto", NULL, &model, &error) < 0 ||
             run(model, argc, argv, &error) < 0;
  }
  if (failed) {
    fprintf(stderr, "%s\n", error.message);
  }
  free(config.data);
  temper_model_destroy(model);
  temper_runtime_destroy(runtime);
  return failed;
}
