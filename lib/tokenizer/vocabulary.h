// SPDX-License-Identifier: Apache-2.0
// Tokens by id and by spelling. Spellings are those of the vocabulary file.
#pragma once

#include "base/status.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace temper {

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};
using TokenMap = std::unordered_map<std::string, int32_t, TextHash, std::equal_to<>>;

class Vocabulary {
 public:
  struct Entry {
    std::string text;
    bool used = false;     // ids may have gaps
    bool added = false;    // found in the text before anything else, and spelled literally
    bool special = false;  // a mark for the model, not text
  };

  // TEMPER_E_FORMAT for an id out of range, or a text or id that is already taken by another.
  Status add(std::string_view text, int64_t id);

  // One past the highest id.
  int32_t size() const noexcept { return static_cast<int32_t>(entries_.size()); }
  // -1 when there is no such token.
  int32_t find(std::string_view text) const noexcept;
  // Null when no token has this id.
  const Entry *entry(int64_t id) const noexcept;
  Entry *entry(int64_t id) noexcept;

 private:
  std::vector<Entry> entries_;
  TokenMap ids_;
};

}  // namespace temper
