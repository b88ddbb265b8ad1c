// SPDX-License-Identifier: Apache-2.0
#include <temper/version.h>

#define TEMPER_TEXT_(x) #x
#define TEMPER_TEXT(x) TEMPER_TEXT_(x)

extern "C" {

int32_t temper_version(void) { return TEMPER_VERSION; }

const char *temper_version_string(void) {
  return TEMPER_TEXT(TEMPER_VERSION_MAJOR) "." TEMPER_TEXT(TEMPER_VERSION_MINOR) "." TEMPER_TEXT(
      TEMPER_VERSION_PATCH);
}

}  // extern "C"
