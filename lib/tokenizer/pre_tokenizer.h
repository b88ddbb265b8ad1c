// SPDX-License-Identifier: Apache-2.0
// Cuts a text into the pieces that are encoded each by itself.
#pragma once

#include "base/status.h"
#include "format/json.h"
#include "tokenizer/pattern.h"

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace temper {

// Pieces point into the text or, where a step changed it, into `changed`.
struct Pieces {
  std::vector<std::string_view> list;
  std::deque<std::string> changed;
};

class PreTokenizer {
 public:
  // Splitting rules of vocabularies that come without a tokenizer.json.
  static constexpr const char *gpt2_pattern =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
  static constexpr const char *qwen2_pattern =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
      "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  PreTokenizer() = default;  // one piece
  // From the "pre_tokenizer" of a tokenizer.json; null is fine.
  static Result<PreTokenizer> read(const Json *json);
  // Byte level, isolating what the pattern matches.
  static Result<PreTokenizer> byte_level(const char *pattern);

  // The vocabulary spells bytes (byte_alphabet.h) rather than characters.
  bool is_byte_level() const noexcept { return byte_level_; }
  // `first`: `text` begins the whole input. Empty pieces are dropped.
  Status split(std::string_view text, bool first, Pieces &pieces) const;

 private:
  enum class Kind { cut, prefix_space, metaspace };
  enum class Behavior { isolated, removed, contiguous, with_previous, with_next };
  enum class Prefix { always, first, never };
  struct Step {
    Kind kind = Kind::cut;
    Pattern pattern;
    Behavior behavior = Behavior::isolated;
    bool invert = false;
    std::string replacement;  // of a space, by a metaspace
    Prefix prefix = Prefix::always;
    bool split = true;
  };
  Status read_step(const Json &json);
  Status read_metaspace(const Json &json);
  Status add_cut(const char *expression, Behavior behavior, bool invert);
  static Result<Behavior> read_behavior(const std::string &name);
  static void cut(const Step &step, std::string_view text, std::vector<Span> &spans,
                  std::vector<std::string_view> &out);
  static Status run(const Step &step, bool first, Pieces &pieces);

  std::vector<Step> steps_;
  bool byte_level_ = false;
};

}  // namespace temper
