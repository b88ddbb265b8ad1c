// SPDX-License-Identifier: Apache-2.0
// The backend `cpu` as it would be on lesser processors than this one.
#pragma once

#include "backends/backend.h"

#include <vector>

namespace temper::test {

// Named "cpu, AVX2" and so on; nothing for a library without Highway.
std::vector<const temper_backend *> lesser_sets();

}  // namespace temper::test
