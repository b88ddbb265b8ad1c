// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"

#include "base/text.h"

#include <cstdarg>
#include <limits>

namespace temper {

// A message that a temper_error can't hold has long strings in it, mostly paths: they are shortened in their
// middle, no more than needed, so that the reason is never what is cut off.
Status fail(temper_status code, const char *format, ...) {
  constexpr size_t room = sizeof(temper_error::message) - 1;
  va_list arguments;
  va_start(arguments, format);
  std::string message = format_shortened(std::numeric_limits<size_t>::max(), format, arguments);
  if (message.size() > room) {
    size_t fits = 16, too_long = room + 1;  // what strings may have; the limit lies between the two
    while (too_long - fits > 1) {
      const size_t middle = fits + (too_long - fits) / 2;
      (format_shortened(middle, format, arguments).size() <= room ? fits : too_long) = middle;
    }
    message = format_shortened(fits, format, arguments);
  }
  va_end(arguments);
  return Status(code, std::move(message));
}

}  // namespace temper
