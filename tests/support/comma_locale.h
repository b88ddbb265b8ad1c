/* SPDX-License-Identifier: Apache-2.0 */
/* A locale that writes 1,5 for 1.5. Test machines seldom have one, so it is compiled into a folder of its own. */
#ifndef TESTS_COMMA_LOCALE_H
#define TESTS_COMMA_LOCALE_H

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

/* 1 when numbers now have a comma; 0 when this machine can't make such a locale. */
static inline int use_comma_locale(void) {
  static const char source[] =
      "folder=$(mktemp -d) && cd \"$folder\" && "
      "printf 'LC_NUMERIC\\ndecimal_point \"<U002C>\"\\nthousands_sep \"<U002E>\"\\ngrouping 3;3\\nEND LC_NUMERIC\\n' >comma && "
      "localedef -c -i comma -f UTF-8 ./comma.UTF-8 >/dev/null 2>&1; [ -f comma.UTF-8/LC_NUMERIC ] && printf %s \"$folder\"";
  char folder[200] = "", text[40];
  FILE *made = popen(source, "r");
  if (made != NULL) {
    if (fgets(folder, sizeof folder, made) == NULL) folder[0] = '\0';
    pclose(made);
  }
  if (folder[0] != '\0') {
    setenv("LOCPATH", folder, 1);
    if (setlocale(LC_NUMERIC, "comma.UTF-8") == NULL) setlocale(LC_NUMERIC, "C");
    unsetenv("LOCPATH");
    snprintf(text, sizeof text, "rm -rf '%.30s'", folder);
    if (system(text) != 0) folder[0] = '\0';
  } else {
    setlocale(LC_NUMERIC, "de_DE.UTF-8");
  }
  snprintf(text, sizeof text, "%g", 1.5);
  return text[1] == ',';
}

#endif
