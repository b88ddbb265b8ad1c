// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/runtime.h"

struct temper_runtime {
  std::shared_ptr<temper::Runtime> impl;
};
