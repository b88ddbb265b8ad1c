// SPDX-License-Identifier: Apache-2.0
// Text with blanks: which of its positions are given and which are to be generated.
#ifndef TEMPER_PROGRAM_INFILL_H
#define TEMPER_PROGRAM_INFILL_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace program {

/// A stretch of given text, or a blank of so many tokens.
struct Stretch {
  std::string text;
  int64_t blank = 0; ///< 0: text

  bool is_blank() const { return blank > 0; }
};

/// Takes "Once ___ a time ___{8} lived" apart. A blank is three or more underscores, @p tokens tokens long
/// unless a number in braces follows. Blanks that touch are one. Spaces before a blank belong to it: tokens
/// carry the space in front of them. Throws Usage: no blank, or a number that isn't one.
std::vector<Stretch> parse_infill(const std::string &text, int64_t tokens);

/// Where everything of it stands.
struct Layout {
  std::string text;                  ///< before the first blank
  std::vector<int32_t> prompt;       ///< its tokens
  std::vector<int64_t> positions;    ///< of the fixed tokens behind it, the prompt counted
  std::vector<int32_t> tokens;
  int64_t length = 0;                ///< positions in all
};

using Encode = std::function<std::vector<int32_t>(const std::string &text, bool first)>;

/// @p encode gives the tokens of a stretch; @p first: it begins the text. @p begin stands in front of a text
/// that begins with a blank; -1: none.
Layout lay_out(const std::vector<Stretch> &stretches, const Encode &encode, int32_t begin);

} // namespace program

#endif
