// SPDX-License-Identifier: Apache-2.0
// Letters of 3 by 5 squares for the labels of a raster picture.
#ifndef TEMPER_PROGRAM_GLYPHS_H
#define TEMPER_PROGRAM_GLYPHS_H

#include <cstdint>

namespace program {

/// Fifteen squares, line by line from the top left, the first in the highest bit. Small letters are drawn
/// as capitals; what has no shape is a blank.
inline uint16_t glyph(char character) {
  static constexpr uint16_t digits[10] = {075557, 026227, 071747, 071717, 055711,
                                          074717, 074757, 071111, 075757, 075717};
  static constexpr uint16_t letters[26] = {
      025755, 065656, 034443, 065556, 074647, 074644, 034553, 055755, 072227, 011152, 055655, 044447, 057755,
      065555, 025552, 065644, 025563, 065655, 034216, 072222, 055557, 055552, 055775, 055255, 055222, 071247};
  if (character >= '0' && character <= '9') {
    return digits[character - '0'];
  }
  if (character >= 'a' && character <= 'z') {
    return letters[character - 'a'];
  }
  if (character >= 'A' && character <= 'Z') {
    return letters[character - 'A'];
  }
  switch (character) {
  case '-': return 000700;
  case '.': return 000002;
  case ',': return 000024;
  case ':': return 002020;
  case '/': return 011244;
  case '=': return 007070;
  case '(': return 012221;
  case ')': return 042224;
  case '>': return 042124;
  default: return 0;
  }
}

} // namespace program

#endif
