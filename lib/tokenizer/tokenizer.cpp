// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tokenizer.h"

#include "tokenizer/utf8.h"

namespace temper {
namespace {

// Positions inside a piece are 32 bits wide.
constexpr size_t longest_text = size_t{1} << 30;

constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

}  // namespace

struct Tokenizer::Work {
  Pieces pieces;
  Bpe::Scratch scratch;
};

std::optional<int32_t> Tokenizer::id(std::string_view text) const noexcept {
  const int32_t id = parts_.vocabulary.find(text);
  return id < 0 ? std::nullopt : std::optional<int32_t>(id);
}

std::string_view Tokenizer::text(int32_t id) const noexcept {
  const Vocabulary::Entry *entry = parts_.vocabulary.entry(id);
  return entry == nullptr ? std::string_view() : std::string_view(entry->text);
}

bool Tokenizer::is_special(int32_t id) const noexcept {
  const Vocabulary::Entry *entry = parts_.vocabulary.entry(id);
  return entry != nullptr && entry->special;
}

Status Tokenizer::encode_stretch(std::string_view text, bool first, Work &work,
                                 std::vector<int32_t> &tokens) const {
  TEMPER_TRY(parts_.pre_tokenizer.split(text, first, work.pieces));
  for (const std::string_view piece : work.pieces.list)
    TEMPER_TRY(parts_.bpe.encode(parts_.vocabulary, piece, work.scratch, tokens));
  return Status();
}

Status Tokenizer::encode(std::string_view text, const EncodeOptions &options,
                         std::vector<int32_t> &tokens) const {
  if (text.size() > longest_text)
    return fail(TEMPER_E_ARGUMENT, "a text of %zu bytes is longer than the %zu that can be encoded at once",
                text.size(), longest_text);
  std::vector<int32_t> result;
  if (options.add_special) result = parts_.prefix;
  Work work;
  std::vector<Segment> outer;
  std::vector<Segment> inner;
  std::string normalized;
  TEMPER_TRY(parts_.added.find(text, AddedTokens::Pass::raw, options.parse_special, outer));
  bool first = true;
  for (const Segment &segment : outer) {
    if (segment.token >= 0) {
      result.push_back(segment.token);
      first = false;
      continue;
    }
    std::string_view stretch = segment.text;
    if (!parts_.normalizer.empty()) {
      normalized = stretch;
      TEMPER_TRY(parts_.normalizer.apply(normalized));
      stretch = normalized;
    }
    TEMPER_TRY(parts_.added.find(stretch, AddedTokens::Pass::normalized, options.parse_special, inner));
    for (const Segment &part : inner) {
      if (part.token >= 0)
        result.push_back(part.token);
      else
        TEMPER_TRY(encode_stretch(part.text, first, work, result));
      first = false;
    }
  }
  if (options.add_special) result.insert(result.end(), parts_.suffix.begin(), parts_.suffix.end());
  tokens.insert(tokens.end(), result.begin(), result.end());
  return Status();
}

Status Tokenizer::decode(std::span<const int32_t> tokens, const DecodeOptions &options,
                         Detokenizer::State &state, std::string &text) const {
  for (const int32_t token : tokens) {
    const Vocabulary::Entry *entry = parts_.vocabulary.entry(token);
    if (entry == nullptr) {
      if (options.skip_unknown) continue;
      return fail(TEMPER_E_ARGUMENT, "token %d isn't in the vocabulary", token);
    }
    if (entry->special && options.skip_special) continue;
    parts_.detokenizer.append(parts_.vocabulary, token, state, text);
  }
  return Status();
}

Status Tokenizer::decode(std::span<const int32_t> tokens, const DecodeOptions &options, std::string &text) const {
  Detokenizer::State state;
  std::string result;
  TEMPER_TRY(decode(tokens, options, state, result));
  text.append(result);
  return Status();
}

Status StreamDecoder::push(std::span<const int32_t> tokens, State &after, std::string &text) const {
  after = state_;
  std::string bytes = std::move(after.incomplete);
  after.incomplete.clear();
  TEMPER_TRY(tokenizer_->decode(tokens, options_, after.text, bytes));
  for (size_t at = 0; at < bytes.size();) {
    const Utf8Char next = next_utf8(bytes, at);
    if (next.kind == Utf8Char::Kind::incomplete) {
      after.incomplete = bytes.substr(at);
      break;
    }
    if (next.whole())
      text.append(bytes, at, next.size);
    else
      text.append(replacement_character);
    at += next.size;
  }
  return Status();
}

std::string StreamDecoder::rest() const {
  // An incomplete character won't be completed any more.
  return state_.incomplete.empty() ? std::string() : std::string(replacement_character);
}

}  // namespace temper
