/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills the blank between two pieces of text, then edits the whole: infill MODEL "Once upon a time" " in the house."
 *
 * Fixed tokens are given by their positions and seen by the model from the first call on. Editing starts from a
 * draft that is noised to half of the levels instead of from pure noise, so that much of it stays.
 */
#include <stdio.h>
#include <string.h>
#include <temper/temper.h>

enum { ROOM = 256, BLANK = 12, BYTES = 4096 };

struct text {
  int32_t tokens[ROOM];
  size_t count;
};

static int encode(const temper_tokenizer *tokenizer, const char *bytes, int32_t flags, struct text *out,
                  temper_error *error) {
  return temper_tokenizer_encode(tokenizer, bytes, strlen(bytes), flags, out->tokens, ROOM - BLANK, &out->count, error);
}

/* Steps a session to its end; all tokens of its row come out. */
static int finish(temper_session *session, struct text *out, temper_error *error) {
  temper_status status;
  do {
    status = temper_session_step(session, NULL, error);
  } while (status >= 0 && status != TEMPER_DONE);
  return status < 0 ? status : temper_session_tokens(session, 0, out->tokens, ROOM, &out->count, error);
}

static int show(const char *what, const temper_tokenizer *tokenizer, const struct text *text, temper_error *error) {
  char bytes[BYTES];
  size_t size = 0;
  const temper_status status =
      temper_tokenizer_decode(tokenizer, text->tokens, text->count,
                              TEMPER_TOKENIZER_SKIP_UNKNOWN | TEMPER_TOKENIZER_SKIP_SPECIAL, bytes, BYTES, &size, error);
  if (status >= 0) {
    printf("%s%.*s\n", what, (int)size, bytes);
  }
  return status;
}

/* A row of so many positions, of which nothing is said yet. An end token in the blank wouldn't be the end. */
static int begin(temper_model *model, size_t length, temper_session **out, temper_error *error) {
  if (temper_session_create(model, NULL, NULL, NULL, 1, (int64_t)length, 7, out, error) < 0) {
    return -1;
  }
  return temper_session_set_i64(*out, TEMPER_SESSION_IGNORE_END, 1, error);
}

static int infill(temper_model *model, const struct text *before, const struct text *after, struct text *out,
                  temper_error *error) {
  int64_t positions[ROOM];
  temper_session *session = NULL;
  size_t i;
  int failed;
  if (before->count + BLANK + after->count > ROOM) {
    snprintf(error->message, sizeof error->message, "the text is too long for this example");
    return -1;
  }
  for (i = 0; i < after->count; ++i) {
    positions[i] = (int64_t)(before->count + BLANK + i);
  }
  failed = begin(model, before->count + BLANK + after->count, &session, error) < 0 ||
           temper_session_prompt(session, 0, before->tokens, before->count, error) < 0 ||
           temper_session_fix(session, 0, positions, after->tokens, after->count, error) < 0 ||
           finish(session, out, error) < 0;
  temper_session_destroy(session);
  return failed ? -1 : 0;
}

static int edit(temper_model *model, const struct text *draft, struct text *out, temper_error *error) {
  int32_t levels[ROOM];
  int64_t most = 1;
  temper_session *session = NULL;
  size_t i;
  int failed = temper_model_get_i64(model, TEMPER_MODEL_DEFAULT_LEVELS, &most, error) < 0;
  for (i = 0; i < draft->count; ++i) {
    levels[i] = (int32_t)(most / 2);
  }
  failed = failed || begin(model, draft->count, &session, error) < 0 ||
           temper_session_draft(session, 0, draft->tokens, levels, draft->count, 0, error) < 0 ||
           finish(session, out, error) < 0;
  temper_session_destroy(session);
  return failed ? -1 : 0;
}

int main(int argc, char **argv) {
  static struct text before, after, whole, edited;
  temper_error error;
  temper_runtime *runtime = NULL;
  temper_model *model = NULL;
  temper_tokenizer *tokenizer = NULL;
  const int failed =
      temper_runtime_create(NULL, &runtime, &error) < 0 ||
      temper_model_open(runtime, argc > 1 ? argv[1] : "examples/model", "auto", &model, &error) < 0 ||
      temper_model_tokenizer(model, &tokenizer, &error) < 0 ||
      encode(tokenizer, argc > 2 ? argv[2] : "Once upon a time, there was a", TEMPER_TOKENIZER_ADD_SPECIAL, &before, &error) < 0 ||
      encode(tokenizer, argc > 3 ? argv[3] : " and they played in the park all day.", 0, &after, &error) < 0 ||
      infill(model, &before, &after, &whole, &error) < 0 ||
      show("filled: ", tokenizer, &whole, &error) < 0 || edit(model, &whole, &edited, &error) < 0 ||
      show("edited: ", tokenizer, &edited, &error) < 0;
  if (failed) {
    fprintf(stderr, "%s\n", error.message);
  }
  temper_tokenizer_destroy(tokenizer);
  temper_model_destroy(model);
  temper_runtime_destroy(runtime);
  return failed;
}
