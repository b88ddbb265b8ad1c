// SPDX-License-Identifier: Apache-2.0
// What backends are expected to be worth: their own score() says so, and "auto" asks them in this order before any of
// them is loaded.
#pragma once

#include <cstdint>

namespace temper::scores {

inline constexpr int32_t cuda = 300;  // a module that comes from elsewhere
inline constexpr int32_t onednn = 200;
inline constexpr int32_t cpu = 150;
inline constexpr int32_t openblas = 100;
inline constexpr int32_t reference = 1;

}  // namespace temper::scores
