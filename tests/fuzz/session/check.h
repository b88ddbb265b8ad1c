// SPDX-License-Identifier: Apache-2.0
// What must be so, and what every call has to answer.
#pragma once

#include "world.h"

#include <temper/temper.h>

#include <cstring>

namespace fuzz {

class Answers {
 protected:
  // Every call's status goes through here, with `error()` as its last argument.
  temper_error *error() {
    error_.status = 1;
    error_.message[0] = '\0';
    return &error_;
  }
  bool ok(temper_status status) {
    if (status < 0) {
      // TEMPER_E_INTERNAL would be a defect of the library.
      CHECK(status >= TEMPER_E_CAPACITY && error_.status == status && error_.message[0] != '\0');
      CHECK(std::memchr(error_.message, '\0', sizeof error_.message) != nullptr);
      return false;
    }
    CHECK(status <= TEMPER_LENGTH_LIMIT && error_.status == 1);
    return true;
  }

  temper_error error_{};
};

}  // namespace fuzz
