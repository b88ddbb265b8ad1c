// SPDX-License-Identifier: Apache-2.0
#include "infill.h"

#include "handles.h"

#include <charconv>

namespace program {
namespace {

constexpr int64_t most_tokens = int64_t{1} << 20;

/// The number in braces at @p at, or @p otherwise; moves @p at behind it.
int64_t size_of_blank(const std::string &text, size_t &at, int64_t otherwise) {
  if (at >= text.size() || text[at] != '{') {
    return otherwise;
  }
  const size_t close = text.find('}', at);
  const char *const end = text.data() + std::min(close, text.size());
  int64_t value = 0;
  const auto [next, trouble] = std::from_chars(text.data() + at + 1, end, value);
  if (close == std::string::npos || trouble != std::errc() || next != end || value < 1 || value > most_tokens) {
    throw Usage("a blank of so many tokens is ___{8}, not: ___" + text.substr(at, 12));
  }
  at = close + 1;
  return value;
}

} // namespace

std::vector<Stretch> parse_infill(const std::string &text, int64_t tokens) {
  std::vector<Stretch> out;
  bool blanks = false;
  for (size_t at = 0; at < text.size();) {
    const size_t found = std::min(text.find("___", at), text.size());
    std::string given = text.substr(at, found - at);
    if (found < text.size()) {
      given.erase(given.find_last_not_of(' ') + 1);
    }
    if (!given.empty()) {
      out.push_back({given, 0});
    }
    if (found == text.size()) {
      break;
    }
    blanks = true;
    at = std::min(text.find_first_not_of('_', found), text.size());
    const int64_t size = size_of_blank(text, at, tokens);
    if (!out.empty() && out.back().is_blank()) {
      out.back().blank += size;
    } else {
      out.push_back({"", size});
    }
    if (out.back().blank > most_tokens) {
      throw Usage("a blank has at most " + std::to_string(most_tokens) + " tokens");
    }
  }
  if (!blanks) {
    throw Usage("--infill takes text with blanks, as \"Once ___ a time\"; there is none in: " + text.substr(0, 40));
  }
  return out;
}

Layout lay_out(const std::vector<Stretch> &stretches, const Encode &encode, int32_t begin) {
  Layout out;
  for (size_t i = 0; i < stretches.size(); ++i) {
    const Stretch &stretch = stretches[i];
    if (stretch.is_blank()) {
      if (i == 0) {
        out.prompt = encode("", true);
        if (out.prompt.empty() && begin >= 0) {
          out.prompt.push_back(begin);
        }
        out.length = static_cast<int64_t>(out.prompt.size());
      }
      out.length += stretch.blank;
      continue;
    }
    const std::vector<int32_t> tokens = encode(stretch.text, i == 0);
    if (i == 0) {
      out.text = stretch.text;
      out.prompt = tokens;
      out.length = static_cast<int64_t>(tokens.size());
      continue;
    }
    for (const int32_t token : tokens) {
      out.positions.push_back(out.length++);
      out.tokens.push_back(token);
    }
  }
  return out;
}

} // namespace program
