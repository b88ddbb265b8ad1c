/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One beginning, several ends: branches MODEL "Once upon a time" 3
 *
 * The beginning is generated once. Each branch is a fork with its own seed: it shares what the beginning left in
 * the KV cache, so that only new tokens are computed, and what is shared is in memory once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <temper/temper.h>

enum { ROOM = 96, BEGINNING = 48, BYTES = 2048 };

static int show(const temper_session *session, const temper_tokenizer *tokenizer, const char *what,
                temper_error *error) {
  int32_t tokens[ROOM];
  char bytes[BYTES];
  size_t count = 0, size = 0;
  int64_t memory = 0;
  if (temper_session_tokens(session, 0, tokens, ROOM, &count, error) < 0 ||
      temper_session_get_i64(session, TEMPER_SESSION_BYTES, &memory, error) < 0 ||
      temper_tokenizer_decode(tokenizer, tokens, count, TEMPER_TOKENIZER_SKIP_UNKNOWN | TEMPER_TOKENIZER_SKIP_SPECIAL,
                              bytes, BYTES, &size, error) < 0) {
    return -1;
  }
  printf("%s (%.1f MB): %.*s\n", what, (double)memory / 1e6, (int)size, bytes);
  return 0;
}

static int finish(temper_session *session, temper_error *error) {
  temper_status status;
  do {
    status = temper_session_step(session, NULL, error);
  } while (status >= 0 && status != TEMPER_DONE);
  return status < 0 ? status : 0;
}

static int run(temper_session *trunk, const temper_tokenizer *tokenizer, const char *prompt, int branches,
               temper_error *error) {
  int32_t tokens[ROOM];
  size_t count = 0;
  int i;
  if (temper_tokenizer_encode(tokenizer, prompt, strlen(prompt), TEMPER_TOKENIZER_ADD_SPECIAL, tokens,
                              ROOM - BEGINNING, &count, error) < 0 ||
      temper_session_prompt(trunk, 0, tokens, count, error) < 0) {
    return -1;
  }
  for (i = 0; i < BEGINNING; ++i) {
    if (temper_session_step(trunk, NULL, error) < 0) {
      return -1;
    }
  }
  if (show(trunk, tokenizer, "beginning", error) < 0) {
    return -1;
  }
  for (i = 0; i < branches; ++i) {
    temper_session *branch = NULL;
    const int failed = temper_session_fork(trunk, 100 + (uint64_t)i, &branch, error) < 0 ||
                       finish(branch, error) < 0 || show(branch, tokenizer, "branch", error) < 0;
    temper_session_destroy(branch);
    if (failed) {
      return -1;
    }
  }
  return 0;
}

int main(int argc, char **argv) {
  temper_error error;
  temper_runtime *runtime = NULL;
  temper_model *model = NULL;
  temper_tokenizer *tokenizer = NULL;
  temper_session *trunk = NULL;
  const int failed =
      temper_runtime_create(NULL, &runtime, &error) < 0 ||
      temper_model_open(runtime, argc > 1 ? argv[1] : "examples/model", "auto", &model, &error) < 0 ||
      temper_model_tokenizer(model, &tokenizer, &error) < 0 ||
      temper_session_create(model, NULL, NULL, NULL, 1, ROOM, 7, &trunk, &error) < 0 ||
      run(trunk, tokenizer, argc > 2 ? argv[2] : "Once upon a time", argc > 3 ? atoi(argv[3]) : 3, &error) < 0;
  if (failed) {
    fprintf(stderr, "%s\n", error.message);
  }
  temper_session_destroy(trunk);
  temper_tokenizer_destroy(tokenizer);
  temper_model_destroy(model);
  temper_runtime_destroy(runtime);
  return failed;
}
