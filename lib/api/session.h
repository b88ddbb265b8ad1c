// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "session/session.h"

struct temper_session {
  std::unique_ptr<temper::Session> impl;
};
