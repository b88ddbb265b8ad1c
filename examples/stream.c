/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every step of a generation on its own line: what has settled, and behind a bar the window, in which
 * undecided positions are dots. stream MODEL "Once upon a time"
 *
 * Settled tokens go through a decoder, which never gives out half a character. The window is tentative: its
 * tokens may still change, so it is decoded afresh each time and thrown away.
 */
#include <stdio.h>
#include <string.h>
#include <temper/temper.h>

enum { ROOM = 512, BYTES = 8192 };

struct text {
  char bytes[BYTES];
  size_t size;
};

/* Text of the window: runs of decided tokens decoded, dots between them. */
static int draft(const temper_session *session, const temper_tokenizer *tokenizer, int32_t mask, struct text *out,
                 temper_error *error) {
  int32_t window[ROOM];
  size_t count = 0, begin, end, bytes;
  out->size = 0;
  if (temper_session_window(session, 0, window, ROOM, &count, error) < 0) {
    return -1;
  }
  for (begin = 0; begin < count; begin = end) {
    end = begin + 1;
    if (window[begin] == mask || window[begin] < 0) {
      if (out->size < BYTES) {
        out->bytes[out->size++] = '.';
      }
      continue;
    }
    while (end < count && window[end] != mask && window[end] >= 0) {
      ++end;
    }
    if (temper_tokenizer_decode(tokenizer, window + begin, end - begin, TEMPER_TOKENIZER_SKIP_UNKNOWN,
                                out->bytes + out->size, BYTES - out->size, &bytes, error) < 0) {
      return -1;
    }
    out->size += bytes;
  }
  return 0;
}

static int run(const temper_model *model, temper_session *session, const temper_tokenizer *tokenizer,
               temper_decoder *decoder, temper_error *error) {
  static struct text settled, window;
  int32_t tokens[ROOM];
  int64_t mask = -1;
  size_t count = 0, bytes = 0;
  temper_status status;
  if (temper_model_get_i64(model, TEMPER_MODEL_MASK_TOKEN, &mask, error) < 0) {
    return -1;
  }
  while ((status = temper_session_step(session, NULL, error)) != TEMPER_DONE) {
    if (status < 0 || temper_session_read(session, 0, tokens, ROOM, &count, error) < 0 ||
        temper_decoder_push(decoder, tokens, count, settled.bytes + settled.size, BYTES - settled.size, &bytes,
                            error) < 0) {
      return -1;
    }
    settled.size += bytes;
    if (draft(session, tokenizer, (int32_t)mask, &window, error) < 0) {
      return -1;
    }
    printf("%.*s|%.*s\n", (int)settled.size, settled.bytes, (int)window.size, window.bytes);
  }
  return 0;
}

int main(int argc, char **argv) {
  const char *path = argc > 1 ? argv[1] : "examples/model";
  const char *prompt = argc > 2 ? argv[2] : "Once upon a time";
  int32_t tokens[ROOM];
  size_t count = 0;
  temper_error error;
  temper_runtime *runtime = NULL;
  temper_model *model = NULL;
  temper_tokenizer *tokenizer = NULL;
  temper_decoder *decoder = NULL;
  temper_session *session = NULL;
  /* No hyperschedule, noise or sampler: what the model was trained with. */
  const int failed =
      temper_runtime_create(NULL, &runtime, &error) < 0 ||
      temper_model_open(runtime, path, "auto", &model, &error) < 0 ||
      temper_model_tokenizer(model, &tokenizer, &error) < 0 ||
      temper_decoder_create(tokenizer, TEMPER_TOKENIZER_SKIP_SPECIAL, &decoder, &error) < 0 ||
      temper_tokenizer_encode(tokenizer, prompt, strlen(prompt), TEMPER_TOKENIZER_ADD_SPECIAL, tokens, ROOM,
                              &count, &error) < 0 ||
      temper_session_create(model, NULL, NULL, NULL, 1, (int64_t)count + 64, 7, &session, &error) < 0 ||
      temper_session_prompt(session, 0, tokens, count, &error) < 0 ||
      run(model, session, tokenizer, decoder, &error) < 0;
  if (failed) {
    fprintf(stderr, "%s\n", error.message);
  }
  temper_session_destroy(session);
  temper_decoder_destroy(decoder);
  temper_tokenizer_destroy(tokenizer);
  temper_model_destroy(model);
  temper_runtime_destroy(runtime);
  return failed;
}
