// SPDX-License-Identifier: Apache-2.0
// Tokens that are found in a text before it is normalized and cut: marks for the model, and words that
// were added to a vocabulary later.
#pragma once

#include "base/status.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pattern.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace temper {

struct AddedToken {
  std::string content;
  int64_t id = -1;
  bool special = false;
  bool normalized = false;   // looked for in the normalized text
  bool strip_left = false;   // takes in white space before it
  bool strip_right = false;  // and after it
  bool single_word = false;  // not next to a letter, digit or underscore
};

// A stretch of text, or a token found in its place.
struct Segment {
  std::string_view text;
  int32_t token = -1;
};

class AddedTokens {
 public:
  // Tokens are matched as spelled or, if `normalized`, as the normalizer spells them.
  Status add(const AddedToken &token, const Normalizer &normalizer);

  // Which tokens to look for: those of the text as it is, or of the normalized one.
  enum class Pass { raw, normalized };
  // Leftmost first, the longest at each place. Without `special`, special tokens are plain text.
  Status find(std::string_view text, Pass pass, bool special, std::vector<Segment> &segments) const;

 private:
  // A trie over bytes: (node, byte) -> node.
  struct Trie {
    std::unordered_map<uint64_t, uint32_t> edges;
    std::vector<int32_t> token{-1};  // of each node: index in tokens_, or -1
    std::array<bool, 256> starts{};
  };
  Result<bool> fits(const AddedToken &token, std::string_view text, size_t begin, size_t end) const;

  std::vector<AddedToken> tokens_;
  Trie tries_[2];
  std::optional<Pattern> word_;
};

}  // namespace temper
