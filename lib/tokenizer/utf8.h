// SPDX-License-Identifier: Apache-2.0
// UTF-8 read one character at a time, with invalid bytes reported instead of refused: text that
// comes from anywhere must pass through the tokenizer unharmed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace temper {

struct Utf8Char {
  enum class Kind : uint8_t {
    whole,      // one character
    invalid,    // `size` bytes that can't begin a character
    incomplete  // the text ends inside a character that may still become valid
  };
  char32_t code = 0;  // of a whole character
  uint32_t size = 0;  // bytes, at least 1
  Kind kind = Kind::invalid;

  bool whole() const noexcept { return kind == Kind::whole; }
};

// The character at `at` < text.size(). Overlong forms, surrogates and codes above 10FFFF are
// invalid; an invalid run has the size of Unicode's "maximal subpart", so it never swallows a good
// character.
Utf8Char next_utf8(std::string_view text, size_t at) noexcept;

// The character that ends a non-empty text.
Utf8Char last_utf8(std::string_view text) noexcept;

void append_utf8(std::string &text, char32_t code);

// Unicode's White_Space property.
bool is_space(char32_t code) noexcept;

}  // namespace temper
