// SPDX-License-Identifier: Apache-2.0
// Tokens to bytes. Each token's bytes are worked out once, when the tokenizer is opened; what depends
// on the tokens before it (white space at the very start or end) is a small state.
#pragma once

#include "base/status.h"
#include "format/json.h"
#include "tokenizer/vocabulary.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace temper {

class Detokenizer {
 public:
  // `json`: the "decoder" of a tokenizer.json. Without one, spellings are bytes of the byte-level
  // alphabet if the vocabulary uses it, and text otherwise.
  static Result<Detokenizer> create(const Json *json, const Vocabulary &vocabulary, bool byte_level);

  struct State {
    bool started = false;
    uint32_t stripped = 0;  // characters taken from the start
    bool at_start = true;   // more may be taken
    std::string held;       // may be the end, and then stripped
  };
  void append(const Vocabulary &vocabulary, int32_t id, State &state, std::string &text) const;

 private:
  enum class Kind { byte_level, byte_fallback, replace, metaspace, strip };
  struct Step {
    Kind kind = Kind::byte_level;
    std::string from;  // also the character that strip removes
    std::string to;
    bool drop_first = false;  // metaspace: the first token's marks are no spaces
    uint32_t start = 0;
    uint32_t stop = 0;
  };
  Status read_step(const Json &json);
  Status read_strip(const Json &json);
  std::string spell(std::string_view text, bool first) const;

  std::vector<Step> steps_;
  bool fused_ = false;
  bool first_differs_ = false;
  Step edges_;  // strip of the whole text
  std::vector<std::string> bytes_;
};

}  // namespace temper
