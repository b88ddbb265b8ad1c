/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of this process. */
#ifndef TEMPER_TEST_PROC_SELF_H
#define TEMPER_TEST_PROC_SELF_H

#include <dirent.h>
#include <stdio.h>
#include <string.h>

/* Entries of a folder, "." and ".." not counted; -1 when it can't be read. One of /proc/self/fd counts itself. */
static inline int entries(const char *folder) {
  DIR *open = opendir(folder);
  int count = -2;
  if (open == NULL) return -1;
  while (readdir(open) != NULL) ++count;
  closedir(open);
  return count;
}

static inline int threads_now(void) { return entries("/proc/self/task"); }

/* Mappings whose line has this word in it; "": all. */
static inline int mapped(const char *word) {
  char line[5000];
  int count = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL) count += strstr(line, word) != NULL;
  if (maps != NULL) fclose(maps);
  return count;
}

#endif
