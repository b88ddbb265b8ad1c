// SPDX-License-Identifier: Apache-2.0
#include "support/masks.h"

namespace temper::test {

Definition definition_of(const Spec &spec, int64_t look_back) {
  return {spec.context, spec.window, spec.block > 0 ? spec.block : 1, spec.shifted, spec.noise_keys, look_back, false, false};
}

// MATH 3.3: settled are the positions before the first one with a level above 0; worthless those that stay
// pure noise; all others are active. A shifted model reads a prediction from the row before it, so there
// a worthless position in front of the last active one exists too.
std::vector<Present> present_positions(const LevelOf &level_of, int32_t top, const Definition &definition, int64_t call,
                                       int64_t prompt, int64_t length) {
  std::vector<Present> all;
  for (int64_t p = 0; p < prompt; ++p) all.push_back({p, 0, 0, true});
  int64_t last = -1;
  bool settled = true;
  for (int64_t i = 0; i < length; ++i) {
    const int32_t level = level_of(call, i), next = level_of(call + 1, i);
    settled = settled && level == 0;
    const bool worthless = !settled && level == top && next == top;
    if (!worthless) last = i;
  }
  if (definition.canvas) last = length - 1;
  if (definition.block_canvas)
    while (last >= 0 && last + 1 < length && (prompt + last + 1) % definition.block != 0) ++last;
  settled = true;
  for (int64_t i = 0; i <= last; ++i) {
    const int32_t level = level_of(call, i), next = level_of(call + 1, i);
    settled = settled && level == 0;
    const bool worthless = !settled && level == top && next == top;
    if (!worthless || definition.shifted || definition.canvas || definition.block_canvas) all.push_back({prompt + i, level, next, settled});
  }
  return all;
}

bool sees(const Definition &definition, const Present &row, const Present &key, int64_t frontier, int32_t levels) {
  if (definition.look_back > 0 && key.position <= row.position - definition.look_back) return false;
  // Inputs of pure noise hold no information; some models drop them.
  if (!key.settled && key.level == levels && !definition.noise_keys) return false;
  const int64_t own_block = row.position / definition.block, key_block = key.position / definition.block;
  if (definition.window == Window::block) return key_block <= own_block;
  if (!row.settled) return definition.window == Window::full || key.position <= row.position;
  // The row of the last settled token predicts the first active one: it looks as an active row does.
  if (definition.shifted && definition.window == Window::full && row.position == frontier - 1) return true;
  if (definition.context == Context::full) return true;
  if (!key.settled) return false;
  return definition.context == Context::causal ? key.position <= row.position : key_block <= own_block;
}

}  // namespace temper::test
