/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin with the library inside: how many tokens one generation gives, 0 when something fails. */
#include <temper/temper.h>

#include <string.h>

int plugin_run(const char *folder, char *words, size_t capacity);

int plugin_run(const char *folder, char *words, size_t capacity) {
  temper_error error;
  temper_runtime *runtime = NULL;
  temper_model *model = NULL;
  temper_session *session = NULL;
  int32_t tokens[32];
  size_t count = 0;
  temper_status status = temper_runtime_create(NULL, &runtime, &error);
  if (status >= 0) status = temper_model_open(runtime, folder, "reference", &model, &error);
  if (status >= 0) status = temper_session_create(model, NULL, NULL, NULL, 1, 24, 7, &session, &error);
  while (status == TEMPER_OK) status = temper_session_step(session, NULL, &error);
  if (status >= 0) status = temper_session_tokens(session, 0, tokens, 32, &count, &error);
  if (status < 0) strncpy(words, error.message, capacity - 1);
  temper_session_destroy(session);
  temper_model_destroy(model);
  temper_runtime_destroy(runtime);
  return status == TEMPER_E_IO ? -1 : (int)count;
}
