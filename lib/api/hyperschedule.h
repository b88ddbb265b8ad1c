// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "schedule/hyperschedule.h"

#include <memory>

struct temper_hyperschedule {
  std::shared_ptr<const temper::Hyperschedule> impl;
};
