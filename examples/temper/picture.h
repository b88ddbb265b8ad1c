// SPDX-License-Identifier: Apache-2.0
// A hyperschedule as a picture: positions to the right, calls of the model downwards, noise as shade.
#ifndef TEMPER_PROGRAM_PICTURE_H
#define TEMPER_PROGRAM_PICTURE_H

#include <cstdint>
#include <string>
#include <vector>

namespace program {

/// Levels before each call, and after the last one.
struct Grid {
  std::string title, subtitle;
  int levels = 1;                          ///< T, the level of pure noise
  int length = 0;
  std::vector<std::vector<int>> rows;      ///< [calls + 1][length]

  int calls() const { return static_cast<int>(rows.size()) - 1; }
  /// Pure noise that stays so in this call: not computed at all.
  bool worthless(int row, int position) const;
  /// First position that isn't settled.
  int frontier(int row) const;
  /// Rows of the model that a causal model with a cache computes, all calls together (MATH (14)).
  int64_t rows_computed() const;
};

std::string draw_svg(const std::vector<Grid> &grids);
std::vector<uint8_t> draw_png(const std::vector<Grid> &grids);

} // namespace program

#endif
