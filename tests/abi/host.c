/* SPDX-License-Identifier: Apache-2.0 */
/* The host of a plugin: host PLUGIN MODEL. Loads it, uses it, unloads it; then nothing of it is left. */
#include "proc_self.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  int (*run)(const char *, char *, size_t) = NULL;
  char words[256] = "";
  void *plugin, *symbol;
  int tokens;
  if (argc < 3) return 2;
  plugin = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
  symbol = plugin == NULL ? NULL : dlsym(plugin, "plugin_run");
  if (symbol == NULL) {
    printf("%s\n", dlerror());
    return 1;
  }
  memcpy(&run, &symbol, sizeof run);
  tokens = run(argv[2], words, sizeof words);
  printf("plugin: %d tokens %s\n", tokens, words);
  if (mapped("plugin.so") == 0 || dlclose(plugin) != 0) return 1;
  if (mapped("plugin.so") != 0) {
    printf("the plugin is still there\n");
    return 1;
  }
  return tokens == 0;
}
