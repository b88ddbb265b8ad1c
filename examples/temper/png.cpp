// SPDX-License-Identifier: Apache-2.0
#include "png.h"

#include "glyphs.h"

#include <algorithm>
#include <array>

namespace program {
namespace {

void put32(std::vector<uint8_t> &out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<uint8_t>(value >> shift));
  }
}

uint32_t crc32(const uint8_t *data, size_t size) {
  uint32_t crc = 0xffffffffu;
  for (size_t i = 0; i < size; ++i) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0xedb88320u : 0u);
    }
  }
  return ~crc;
}

void chunk(std::vector<uint8_t> &out, const char *type, const std::vector<uint8_t> &body) {
  put32(out, static_cast<uint32_t>(body.size()));
  const size_t begin = out.size();
  out.insert(out.end(), type, type + 4);
  out.insert(out.end(), body.begin(), body.end());
  put32(out, crc32(out.data() + begin, out.size() - begin));
}

/// Deflate (RFC 1951) with the fixed codes.
class Deflate {
public:
  void begin() { bits(3, 3); } // last block, fixed codes

  void literal(uint8_t value) {
    value < 144 ? code(0x30u + value, 8) : code(0x190u + value - 144u, 9);
  }

  /// A copy of 3..258 bytes from @p distance bytes back.
  void copy(size_t length, size_t distance) {
    static constexpr std::array<uint16_t, 29> lengths = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,
                                                         15, 17, 19, 23, 27, 31, 35, 43, 51,  59,
                                                         67, 83, 99, 115, 131, 163, 195, 227, 258};
    static constexpr std::array<uint8_t, 29> extra = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                                      2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    size_t symbol = 28;
    while (lengths[symbol] > length) {
      --symbol;
    }
    const uint32_t number = static_cast<uint32_t>(symbol) + 257u;
    number < 280 ? code(number - 256u, 7) : code(0xc0u + number - 280u, 8);
    bits(static_cast<uint32_t>(length - lengths[symbol]), extra[symbol]);
    // Distances: two codes for each power of two from 4 on.
    uint32_t index = static_cast<uint32_t>(distance - 1), more = 0;
    if (distance > 4) {
      const uint32_t value = static_cast<uint32_t>(distance - 1);
      uint32_t power = 2;
      while ((value >> (power + 1)) != 0) {
        ++power;
      }
      more = power - 1;
      index = 2 * power + ((value >> more) & 1u);
      code(index, 5);
      bits(value & ((1u << more) - 1u), static_cast<int>(more));
      return;
    }
    code(index, 5);
  }

  std::vector<uint8_t> end() {
    code(0, 7);
    while (filled_ > 0) {
      bits(0, 1);
    }
    return std::move(out_);
  }

private:
  void bits(uint32_t value, int count) {
    for (int i = 0; i < count; ++i) {
      current_ = static_cast<uint8_t>(current_ | (((value >> i) & 1u) << filled_));
      if (++filled_ == 8) {
        out_.push_back(current_);
        current_ = 0;
        filled_ = 0;
      }
    }
  }

  void code(uint32_t value, int count) { // codes go in from their highest bit
    for (int i = count - 1; i >= 0; --i) {
      bits((value >> i) & 1u, 1);
    }
  }

  std::vector<uint8_t> out_;
  uint8_t current_ = 0;
  int filled_ = 0;
};

std::vector<uint8_t> zlib(const std::vector<uint8_t> &data, size_t line) {
  Deflate deflate;
  deflate.begin();
  for (size_t at = 0; at < data.size();) {
    size_t best = 0, distance = 0;
    for (const size_t back : {line, size_t{1}}) {
      if (back > at || back > 32768) {
        continue;
      }
      size_t length = 0;
      while (length < 258 && at + length < data.size() && data[at + length] == data[at + length - back]) {
        ++length;
      }
      if (length > best) {
        best = length;
        distance = back;
      }
    }
    if (best >= 3) {
      deflate.copy(best, distance);
      at += best;
    } else {
      deflate.literal(data[at++]);
    }
  }
  std::vector<uint8_t> out = {0x78, 0x01};
  const std::vector<uint8_t> body = deflate.end();
  out.insert(out.end(), body.begin(), body.end());
  uint32_t a = 1, b = 0;
  for (const uint8_t byte : data) {
    a = (a + byte) % 65521u;
    b = (b + a) % 65521u;
  }
  put32(out, b << 16 | a);
  return out;
}

} // namespace

Raster::Raster(int width, int height, Colour background)
    : width_(width), height_(height), palette_{background},
      pixels_(static_cast<size_t>(width) * static_cast<size_t>(height), 0) {}

uint8_t Raster::index_of(Colour colour) {
  const auto found = std::find(palette_.begin(), palette_.end(), colour);
  if (found != palette_.end()) {
    return static_cast<uint8_t>(found - palette_.begin());
  }
  if (palette_.size() < 256) {
    palette_.push_back(colour);
  }
  return static_cast<uint8_t>(palette_.size() - 1);
}

void Raster::fill(int x, int y, int width, int height, Colour colour) {
  const uint8_t index = index_of(colour);
  for (int line = std::max(y, 0); line < std::min(y + height, height_); ++line) {
    for (int column = std::max(x, 0); column < std::min(x + width, width_); ++column) {
      pixels_[static_cast<size_t>(line) * static_cast<size_t>(width_) + static_cast<size_t>(column)] = index;
    }
  }
}

void Raster::write(int x, int y, const std::string &text, Colour colour, int scale) {
  for (const char character : text) {
    const uint16_t shape = glyph(character);
    for (int bit = 0; bit < 15; ++bit) {
      if ((shape >> (14 - bit) & 1) != 0) {
        fill(x + bit % 3 * scale, y + bit / 3 * scale, scale, scale, colour);
      }
    }
    x += 4 * scale;
  }
}

std::vector<uint8_t> Raster::png() const {
  std::vector<uint8_t> out = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  std::vector<uint8_t> head;
  put32(head, static_cast<uint32_t>(width_));
  put32(head, static_cast<uint32_t>(height_));
  head.insert(head.end(), {8, 3, 0, 0, 0}); // 8 bits of palette index
  chunk(out, "IHDR", head);
  std::vector<uint8_t> colours;
  for (const Colour &colour : palette_) {
    colours.insert(colours.end(), {colour.red, colour.green, colour.blue});
  }
  chunk(out, "PLTE", colours);
  std::vector<uint8_t> lines;
  const size_t width = static_cast<size_t>(width_);
  for (size_t line = 0; line < static_cast<size_t>(height_); ++line) {
    lines.push_back(0); // no filter
    const auto begin = pixels_.begin() + static_cast<std::ptrdiff_t>(line * width);
    lines.insert(lines.end(), begin, begin + width_);
  }
  chunk(out, "IDAT", zlib(lines, width + 1));
  chunk(out, "IEND", {});
  return out;
}

} // namespace program
