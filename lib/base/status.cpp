// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"

#include <cstdarg>
#include <cstdio>

namespace temper {

Status fail(temper_status code, const char *format, ...) {
  char text[256];  // a temper_error holds no more
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return Status(code, text);
}

}  // namespace temper
