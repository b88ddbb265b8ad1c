// SPDX-License-Identifier: Apache-2.0
// Text to tokens and back, by byte-pair encoding. A Tokenizer is immutable and may be shared between
// threads. Texts are bytes: UTF-8 is expected, anything else passes through unharmed where the
// vocabulary has tokens for bytes.
#pragma once

#include "base/status.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/bpe.h"
#include "tokenizer/detokenizer.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/vocabulary.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace temper {

class Source;

// What a tokenizer consists of; the loaders fill it in.
struct TokenizerParts {
  Vocabulary vocabulary;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  AddedTokens added;
  Bpe bpe;
  Detokenizer detokenizer;
  std::vector<int32_t> prefix;  // special tokens before and after a text
  std::vector<int32_t> suffix;
  std::optional<int32_t> bos, eos, mask, pad;
};

// Files next to a vocabulary, as their bytes; empty when absent.
struct TokenizerExtras {
  std::string_view config;        // tokenizer_config.json
  std::string_view special_map;   // special_tokens_map.json
  std::string_view added_tokens;  // added_tokens.json
};

class Tokenizer {
 public:
  using Shared = std::shared_ptr<const Tokenizer>;

  // Side files tokenizer.json, vocab.json and merges.txt, or encoder.json and vocab.bpe (looked for in this order).
  // TEMPER_E_IO when there are none.
  static Result<Shared> open(const Source &source);
  // Those of a model's path, or the path of a tokenizer.json.
  static Result<Shared> open(const std::string &path);
  static Result<Shared> from_tokenizer_json(std::string_view json, const TokenizerExtras &extras = {});
  static Result<Shared> from_vocab_merges(std::string_view vocab_json, std::string_view merges,
                                          const TokenizerExtras &extras = {});

  explicit Tokenizer(TokenizerParts parts) : parts_(std::move(parts)) {}

  int32_t vocab_size() const noexcept { return parts_.vocabulary.size(); }
  std::optional<int32_t> id(std::string_view text) const noexcept;
  // As the vocabulary spells it; empty for an unknown id.
  std::string_view text(int32_t id) const noexcept;
  bool known(int64_t id) const noexcept { return parts_.vocabulary.entry(id) != nullptr; }
  bool is_special(int32_t id) const noexcept;
  std::optional<int32_t> bos() const noexcept { return parts_.bos; }
  std::optional<int32_t> eos() const noexcept { return parts_.eos; }
  std::optional<int32_t> mask() const noexcept { return parts_.mask; }
  std::optional<int32_t> pad() const noexcept { return parts_.pad; }

  struct EncodeOptions {
    bool add_special = false;    // what the model expects around a text (bos, eos)
    bool parse_special = false;  // special tokens spelled in the text are recognised
  };
  // Appends. On error `tokens` is as before.
  Status encode(std::string_view text, const EncodeOptions &options, std::vector<int32_t> &tokens) const;

  struct DecodeOptions {
    bool skip_special = false;  // special tokens give no text
    bool skip_unknown = false;  // so do ids that aren't in the vocabulary, otherwise an error
  };
  // Appends the exact bytes.
  Status decode(std::span<const int32_t> tokens, const DecodeOptions &options, std::string &text) const;
  Status decode(std::span<const int32_t> tokens, bool skip_special, std::string &text) const {
    return decode(tokens, DecodeOptions{skip_special, false}, text);
  }
  // The same with the state of a text in progress.
  Status decode(std::span<const int32_t> tokens, const DecodeOptions &options, Detokenizer::State &state,
                std::string &text) const;

 private:
  struct Work;
  Status encode_stretch(std::string_view text, bool first, Work &work, std::vector<int32_t> &tokens) const;

  TokenizerParts parts_;
};

// Tokens to text as they come. Only whole characters come out; bytes that can't become one come out
// as U+FFFD, one for each maximal ill-formed part, so that the output always is UTF-8.
class StreamDecoder {
 public:
  StreamDecoder(Tokenizer::Shared tokenizer, const Tokenizer::DecodeOptions &options)
      : tokenizer_(std::move(tokenizer)), options_(options) {}

  struct State {
    Detokenizer::State text;
    std::string incomplete;  // at most 3 bytes
  };

  // What `tokens` add, and the state after them; nothing changes until commit(), so that a caller
  // whose buffer is too small can try again.
  Status push(std::span<const int32_t> tokens, State &after, std::string &text) const;
  // What is still held back.
  std::string rest() const;
  void commit(State state) noexcept { state_ = std::move(state); }
  void reset() noexcept { state_ = State(); }

 private:
  Tokenizer::Shared tokenizer_;
  Tokenizer::DecodeOptions options_;
  State state_;
};

}  // namespace temper
