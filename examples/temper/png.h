// SPDX-License-Identifier: Apache-2.0
// A picture of few colours as a PNG file, without a library: a palette, and a compressor that knows the
// two repetitions such pictures are made of (the pixel before, the line above).
#ifndef TEMPER_PROGRAM_PNG_H
#define TEMPER_PROGRAM_PNG_H

#include <cstdint>
#include <string>
#include <vector>

namespace program {

struct Colour {
  uint8_t red = 255, green = 255, blue = 255;
  bool operator==(const Colour &other) const = default;
};

/// A raster with at most 256 colours; the first one drawn is the background.
class Raster {
public:
  Raster(int width, int height, Colour background);
  void fill(int x, int y, int width, int height, Colour colour);
  /// Small capitals and digits, 3 by 5 squares of @p scale pixels.
  void write(int x, int y, const std::string &text, Colour colour, int scale);
  static int text_width(const std::string &text, int scale) {
    return static_cast<int>(text.size()) * 4 * scale;
  }
  std::vector<uint8_t> png() const;

private:
  uint8_t index_of(Colour colour);

  int width_, height_;
  std::vector<Colour> palette_;
  std::vector<uint8_t> pixels_;
};

} // namespace program

#endif
