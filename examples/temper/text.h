// SPDX-License-Identifier: Apache-2.0
// Tokens to text: all at once, or as they come.
#ifndef TEMPER_PROGRAM_TEXT_H
#define TEMPER_PROGRAM_TEXT_H

#include "handles.h"

#include <map>
#include <string>
#include <vector>

namespace program {

/// The tokenizer of an open model.
Tokenizer tokenizer_of(const temper_model *model);

Tokenizer open_tokenizer(const std::string &path);

/// Token ids of a text. @p flags TEMPER_TOKENIZER_...
std::vector<int32_t> encode(const temper_tokenizer *tokenizer, const std::string &text, int32_t flags);

/// For showing text: what has none (a mask, an end token) is passed over.
constexpr int32_t text_only = TEMPER_TOKENIZER_SKIP_UNKNOWN | TEMPER_TOKENIZER_SKIP_SPECIAL;

/// The exact bytes of tokens.
std::string decode(const temper_tokenizer *tokenizer, const std::vector<int32_t> &tokens, int32_t flags = text_only);

/// A token as its vocabulary spells it.
std::string spelling(const temper_tokenizer *tokenizer, int32_t token);
int64_t tokenizer_number(const temper_tokenizer *tokenizer, int32_t key);

/// Ids separated by blanks or commas. Throws Usage.
std::vector<int32_t> parse_ids(const std::string &text);
std::string join_ids(const std::vector<int32_t> &tokens);

/// The bytes that a token is in the middle of a text; none for what has no text.
std::string bytes_of(const temper_tokenizer *tokenizer, int32_t token);

class Words;

/// Text as its tokens come: a character that isn't complete yet is held back.
class TextStream {
public:
  explicit TextStream(const Words &words);
  std::string push(const std::vector<int32_t> &tokens);
  std::string finish();

private:
  const Words &words_;
  Decoder decoder_;
  std::string held_;
  bool first_ = true;
};

/// How tokens are shown: as a tokenizer decodes them, by a table of their bytes, or as ids.
class Words {
public:
  /// NULL: ids.
  explicit Words(const temper_tokenizer *tokenizer) : tokenizer_(tokenizer) {}
  /// @p table must outlive this and may grow.
  explicit Words(const std::map<int32_t, std::string> *table) : table_(table) {}

  bool ids() const { return tokenizer_ == nullptr && table_ == nullptr; }
  const temper_tokenizer *tokenizer() const { return tokenizer_; }
  std::string text(const std::vector<int32_t> &tokens) const;
  /// A single token, so that it can be read: blanks and control characters escaped.
  std::string quoted(int32_t token) const;

private:
  friend class TextStream;
  std::string from_table(const std::vector<int32_t> &tokens) const;

  const temper_tokenizer *tokenizer_ = nullptr;
  const std::map<int32_t, std::string> *table_ = nullptr;
};

} // namespace program

#endif
