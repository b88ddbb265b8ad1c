/* SPDX-License-Identifier: Apache-2.0 */
/* Text from a prompt: generate MODEL "Once upon a time". Settled text is printed as it comes. */
#include <stdio.h>
#include <string.h>
#include <temper/temper.h>

int main(int argc, char **argv) {
  const char *path = argc > 1 ? argv[1] : "examples/model", *prompt = argc > 2 ? argv[2] : "Once upon a time";
  temper_error error;
  temper_runtime *runtime = NULL;
  temper_model *model = NULL;
  temper_tokenizer *tokenizer = NULL;
  temper_hyperschedule *schedule = NULL;
  temper_session *session = NULL;
  int32_t tokens[256];
  char text[4096];
  size_t count = 0, bytes = 0;
  temper_status status = TEMPER_OK;

  int failed = temper_runtime_create(NULL, &runtime, &error) < 0 ||
               temper_model_open(runtime, path, "auto", &model, &error) < 0 ||
               temper_model_tokenizer(model, &tokenizer, &error) < 0 ||
               temper_hyperschedule_create(TEMPER_SLIDE, 16, 8, &schedule, &error) < 0 ||
               temper_session_create(model, schedule, NULL, NULL, 1, 96, 7, &session, &error) < 0 ||
               temper_tokenizer_encode(tokenizer, prompt, strlen(prompt), TEMPER_TOKENIZER_ADD_SPECIAL, tokens,
                                       256, &count, &error) < 0 ||
               temper_session_prompt(session, 0, tokens, count, &error) < 0;
  printf("%s", failed ? "" : prompt);
  while (!failed && (status = temper_session_step(session, NULL, &error)) != TEMPER_DONE) {
    failed = status < 0 || temper_session_read(session, 0, tokens, 256, &count, &error) < 0 ||
             temper_tokenizer_decode(tokenizer, tokens, count, 0, text, sizeof text, &bytes, &error) < 0;
    fwrite(text, 1, failed ? 0 : bytes, stdout);
    fflush(stdout);
  }
  puts("");
  if (failed) {
    fprintf(stderr, "%s\n", error.message);
  }
  temper_session_destroy(session);
  temper_hyperschedule_destroy(schedule);
  temper_tokenizer_destroy(tokenizer);
  temper_model_destroy(model);
  temper_runtime_destroy(runtime);
  return failed;
}
