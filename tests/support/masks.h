// SPDX-License-Identifier: Apache-2.0
// Who sees whom, position by position, from the definitions (MATH 3.3 to 3.6) and without any notion of
// rows, slots or caches.
#pragma once

#include "model/spec.h"
#include "schedule/hyperschedule.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace temper::test {

struct Definition {
  Context context = Context::causal;
  Window window = Window::full;
  int64_t block = 1;
  bool shifted = false;
  bool noise_keys = true;
  int64_t look_back = 0;
  bool canvas = false;  // all positions exist from the start
  bool block_canvas = false;  // all of a block that has begun
};
Definition definition_of(const Spec &spec, int64_t look_back = 0);

// The positions that exist before a call of a sequence, in order.
struct Present {
  int64_t position = 0;
  int32_t level = 0;
  int32_t next_level = 0;
  bool settled = false;
};
using LevelOf = std::function<int32_t(int64_t call, int64_t position)>;  // positions behind the prompt
std::vector<Present> present_positions(const LevelOf &level_of, int32_t top, const Definition &definition, int64_t call,
                                       int64_t prompt, int64_t length);

// Does the row of `row` attend to the input of `key`? `frontier` is the first position not settled.
bool sees(const Definition &definition, const Present &row, const Present &key, int64_t frontier, int32_t levels);

}  // namespace temper::test
