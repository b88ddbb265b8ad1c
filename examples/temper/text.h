// SPDX-License-Identifier: Apache-2.0
// Tokens to text: all at once, or as they come.
#ifndef TEMPER_PROGRAM_TEXT_H
#define TEMPER_PROGRAM_TEXT_H

#include "handles.h"

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

/// Text as its tokens come: a character that isn't complete yet is held back.
class TextStream {
public:
  /// Without a tokenizer the text is the ids.
  explicit TextStream(const temper_tokenizer *tokenizer);
  std::string push(const std::vector<int32_t> &tokens);
  std::string finish();

private:
  Decoder decoder_;
  bool first_ = true;
};

} // namespace program

#endif
