/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A story about a word, without the word in the prompt: steer MODEL "Once upon a time" " dog"
 *
 * Guidance by value: every step draws several candidates, each is shown as the model would finish it, and those in
 * which the word comes up are kept more often. First without guidance, then with it.
 */
#include <stdio.h>
#include <string.h>
#include <temper/temper.h>

enum { ROOM = 64, BYTES = 2048, CANDIDATES = 6 };

struct word {
  int32_t tokens[ROOM];
  size_t count;
};

static int64_t occurrences(const int32_t *tokens, int64_t count, const struct word *word) {
  int64_t found = 0, i;
  for (i = 0; i + (int64_t)word->count <= count; ++i) {
    found += memcmp(tokens + i, word->tokens, word->count * sizeof(int32_t)) == 0;
  }
  return found;
}

/* One more occurrence makes a candidate e^(1/alpha) times as likely; three are enough. */
static int32_t value(void *user, const temper_candidates *candidates, double *values) {
  const struct word *word = (const struct word *)user;
  const int64_t before = occurrences(candidates->settled, candidates->settled_count, word);
  int32_t m;
  for (m = 0; m < candidates->count; ++m) {
    const int64_t found = before + occurrences(candidates->tokens + m * candidates->width, candidates->width, word);
    values[m] = (double)(found < 3 ? found : 3);
  }
  return 0;
}

static int tell(temper_model *model, const temper_tokenizer *tokenizer, const char *prompt, struct word *word,
                temper_error *error) {
  int32_t tokens[ROOM];
  char bytes[BYTES];
  size_t count = 0, size = 0;
  temper_session *session = NULL;
  temper_status status = temper_session_create(model, NULL, NULL, NULL, 1, ROOM, 7, &session, error);
  int failed = status < 0 ||
               temper_tokenizer_encode(tokenizer, prompt, strlen(prompt), TEMPER_TOKENIZER_ADD_SPECIAL, tokens, ROOM,
                                       &count, error) < 0 ||
               temper_session_prompt(session, 0, tokens, count, error) < 0 ||
               temper_session_set_value_fn(session, word != NULL ? value : NULL, word, CANDIDATES, 0.1,
                                           TEMPER_VALUE_CLEAN, error) < 0;
  while (!failed && status != TEMPER_DONE) {
    status = temper_session_step(session, NULL, error);
    failed = status < 0;
  }
  failed = failed || temper_session_tokens(session, 0, tokens, ROOM, &count, error) < 0 ||
           temper_tokenizer_decode(tokenizer, tokens, count,
                                   TEMPER_TOKENIZER_SKIP_UNKNOWN | TEMPER_TOKENIZER_SKIP_SPECIAL, bytes, BYTES, &size,
                                   error) < 0;
  if (!failed) {
    printf("%s%.*s\n", word != NULL ? "steered: " : "as it is: ", (int)size, bytes);
  }
  temper_session_destroy(session);
  return failed ? -1 : 0;
}

int main(int argc, char **argv) {
  const char *prompt = argc > 2 ? argv[2] : "Once upon a time", *text = argc > 3 ? argv[3] : " dog";
  static struct word word;
  temper_error error;
  temper_runtime *runtime = NULL;
  temper_model *model = NULL;
  temper_tokenizer *tokenizer = NULL;
  const int failed =
      temper_runtime_create(NULL, &runtime, &error) < 0 ||
      temper_model_open(runtime, argc > 1 ? argv[1] : "examples/model", "auto", &model, &error) < 0 ||
      temper_model_tokenizer(model, &tokenizer, &error) < 0 ||
      temper_tokenizer_encode(tokenizer, text, strlen(text), 0, word.tokens, ROOM, &word.count, &error) < 0 ||
      tell(model, tokenizer, prompt, NULL, &error) < 0 || tell(model, tokenizer, prompt, &word, &error) < 0;
  if (failed) {
    fprintf(stderr, "%s\n", error.message);
  }
  temper_tokenizer_destroy(tokenizer);
  temper_model_destroy(model);
  temper_runtime_destroy(runtime);
  return failed;
}
