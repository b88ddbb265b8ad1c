// SPDX-License-Identifier: Apache-2.0
// Hyperschedules of the shared reference cases by their names: "quench_L16", "block_w8_t4_L32", "slide_w4_t8_L16", ...
#pragma once

#include "schedule/hyperschedule.h"

#include <string>

namespace temper::test {

struct PublishedSchedule {
  Hyperschedule schedule;
  int64_t width = 0;  // of the window; the whole length for flat
};

// Stops the test when no schedule has such a name.
PublishedSchedule published_schedule(const std::string &name, int64_t length);

}  // namespace temper::test
