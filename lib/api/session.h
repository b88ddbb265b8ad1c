// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "session/session.h"

#include <temper/session.h>

struct temper_session {
  std::unique_ptr<temper::Session> impl;
};

namespace temper {

// The caller's session and row are there.
Status check_row(const temper_session *session, int32_t row);

}  // namespace temper
