// SPDX-License-Identifier: Apache-2.0
// Counting ids with some left out: where a draw among those that remain becomes an id.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace temper {

// The id with `rank` smaller ids beside it, when the ids `excluded` (ascending), `one` and `other` aren't counted.
// These two aren't among the excluded, nor the same; negative: none.
inline int32_t id_of_rank(int32_t rank, std::span<const int32_t> excluded, int32_t one, int32_t other) noexcept {
  // Every excluded id that is passed moves the answer up by one.
  const auto passed = [&](int32_t id) {
    const auto listed = std::upper_bound(excluded.begin(), excluded.end(), id) - excluded.begin();
    return static_cast<int32_t>(listed) + (one >= 0 && one <= id ? 1 : 0) + (other >= 0 && other <= id ? 1 : 0);
  };
  int32_t id = rank;
  while (rank + passed(id) > id) id = rank + passed(id);
  return id;
}

}  // namespace temper
