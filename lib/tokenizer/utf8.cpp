// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/utf8.h"

namespace temper {

Utf8Char next_utf8(std::string_view text, size_t at) noexcept {
  using Kind = Utf8Char::Kind;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1, Kind::whole};
  // The second byte's range is what excludes overlong forms, surrogates and codes above 10FFFF.
  uint32_t size = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    size = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    size = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    size = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return {0, 1, Kind::invalid};
  }
  char32_t code = first & (0x7FU >> size);
  for (uint32_t i = 1; i < size; ++i) {
    if (i >= text.size() - at) return {0, i, Kind::incomplete};
    const unsigned char next = byte(i);
    if (next < low || next > high) return {0, i, Kind::invalid};
    code = (code << 6) | (next & 0x3FU);
    low = 0x80;
    high = 0xBF;
  }
  return {code, size, Kind::whole};
}

Utf8Char last_utf8(std::string_view text) noexcept {
  for (size_t size = 1; size <= 4 && size <= text.size(); ++size) {
    const Utf8Char last = next_utf8(text, text.size() - size);
    if (last.whole() && last.size == size) return last;
  }
  return {0, 1, Utf8Char::Kind::invalid};
}

void append_utf8(std::string &text, char32_t code) {
  const auto put = [&](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

bool is_space(char32_t code) noexcept {
  return (code >= 9 && code <= 13) || code == 0x20 || code == 0x85 || code == 0xA0 || code == 0x1680 ||
         (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F ||
         code == 0x205F || code == 0x3000;
}

}  // namespace temper
