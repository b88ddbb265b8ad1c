/* SPDX-License-Identifier: Apache-2.0 */
/* A program outside of the tree: outside MODEL [FOLDER MODULE...]. The backends named must be known, and
 * come from FOLDER. With a model folder that isn't there only the rest is checked. */
#include <temper/temper.h>

#include <stdio.h>
#include <string.h>

static int find_backend(const temper_runtime *runtime, const char *name, const char *folder) {
  int32_t i;
  for (i = 0; i < temper_backend_count(runtime); ++i) {
    const char *path = temper_backend_text(runtime, i, TEMPER_BACKEND_PATH);
    if (strcmp(temper_backend_text(runtime, i, TEMPER_BACKEND_NAME), name) != 0) continue;
    printf("%s: available %d, module %s%s%s\n", name, (int)temper_backend_available(runtime, i), path,
           temper_backend_available(runtime, i) ? "" : ", because ",
           temper_backend_text(runtime, i, TEMPER_BACKEND_REASON));
    return strncmp(path, folder, strlen(folder)) == 0;
  }
  printf("%s: not known\n", name);
  return 0;
}

static int generate(temper_runtime *runtime, const char *folder) {
  temper_error error;
  temper_model *model = NULL;
  temper_session *session = NULL;
  temper_status status = temper_model_open(runtime, folder, "auto", &model, &error);
  int32_t tokens[32];
  size_t count = 0, all = 0;
  if (status == TEMPER_E_IO) {
    printf("no model in %s, nothing generated\n", folder);
    return 1;
  }
  if (status == TEMPER_OK) status = temper_session_create(model, NULL, NULL, NULL, 1, 24, 7, &session, &error);
  while (status == TEMPER_OK) {
    status = temper_session_step(session, NULL, &error);
    if (status < 0 || status == TEMPER_DONE) break;
    temper_session_read(session, 0, tokens, 32, &count, NULL);
    all += count;
  }
  if (status < 0) printf("%s: %s\n", temper_status_name(status), error.message);
  printf("%zu tokens\n", all);
  temper_model_destroy(model);
  temper_session_destroy(session);
  return status >= 0 && all > 0;
}

int main(int argc, char **argv) {
  temper_runtime *runtime = NULL;
  int fine, i;
  if (argc < 2 || temper_runtime_create(NULL, &runtime, NULL) != TEMPER_OK) return 2;
  printf("version %s\n", temper_version_string());
  fine = temper_version() == TEMPER_VERSION && generate(runtime, argv[1]);
  for (i = 3; i < argc; ++i) fine = find_backend(runtime, argv[i], argv[2]) && fine;
  temper_runtime_destroy(runtime);
  return fine ? 0 : 1;
}
