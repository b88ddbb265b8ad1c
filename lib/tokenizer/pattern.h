// SPDX-License-Identifier: Apache-2.0
// Regular expressions from tokenizer files. They come from outside, so compiling and matching are
// bounded in memory and in work; a pattern that needs more ends the call with TEMPER_E_FORMAT.
#pragma once

#include "base/status.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace temper {

// A stretch of text, and whether the pattern matched it.
struct Span {
  size_t begin = 0;
  size_t end = 0;
  bool matched = false;
};

class Pattern {
 public:
  static Result<Pattern> compile(std::string_view expression);
  // A pattern that finds `text` itself.
  static Result<Pattern> literal(std::string_view text);

  // Cuts `text` into matched and unmatched spans in order. Invalid UTF-8 is never matched: each such
  // byte is an unmatched span of its own, and the valid stretches between are searched separately.
  Status find(std::string_view text, std::vector<Span> &spans) const;

 private:
  struct Code;
  Status find_valid(std::string_view text, size_t base, void *match, void *context,
                    std::vector<Span> &spans) const;
  void find_literal(std::string_view text, std::vector<Span> &spans) const;

  std::shared_ptr<const Code> code_;
  std::string literal_;
};

}  // namespace temper
