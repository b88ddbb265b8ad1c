// SPDX-License-Identifier: Apache-2.0
// vocab.json with merges.txt, which GPT-2 calls encoder.json and vocab.bpe: byte-level BPE whose
// splitting rule isn't in the files and depends on the family.
#include "tokenizer/builder.h"

namespace temper {
namespace {

constexpr size_t most_merges = size_t{1} << 21;

// One merge a line, "left right". Only the first line may be a comment: later ones may begin with #.
Status read_lines(std::string_view text, std::vector<MergePair> &merges) {
  size_t line_number = 0;
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find('\n', at);
    if (end == std::string_view::npos) end = text.size();
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++line_number;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty() || (line_number == 1 && line.substr(0, 8) == "#version")) continue;
    const size_t space = line.find(' ');
    if (space == 0 || space == std::string_view::npos || space + 1 == line.size() ||
        line.find(' ', space + 1) != std::string_view::npos)
      return fail(TEMPER_E_FORMAT, "tokenizer: line %zu of the merges isn't two tokens", line_number);
    if (merges.size() >= most_merges) return Status(TEMPER_E_FORMAT, "tokenizer: too many merges");
    merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return Status();
}

bool splits_like_qwen2(const std::string &name) {
  return name.rfind("Qwen2", 0) == 0 || name.rfind("Dream", 0) == 0;
}

}  // namespace

Result<Tokenizer::Shared> Tokenizer::from_vocab_merges(std::string_view vocab_json, std::string_view merges,
                                                       const TokenizerExtras &files) {
  TEMPER_ASSIGN(const Json json, parse_tokenizer_file(vocab_json, "the vocabulary"));
  TEMPER_ASSIGN(const Extras extras, Extras::read(files));
  TokenizerBuilder builder;
  TEMPER_TRY(builder.read_vocabulary(json));
  TEMPER_TRY(read_lines(merges, builder.merges));
  const bool qwen2 = splits_like_qwen2(extras.tokenizer_class);
  TEMPER_ASSIGN(builder.parts.pre_tokenizer,
                PreTokenizer::byte_level(qwen2 ? PreTokenizer::qwen2_pattern : PreTokenizer::gpt2_pattern));
  if (qwen2) builder.parts.normalizer.add_nfc();
  if (const int32_t end = builder.parts.vocabulary.find("<|endoftext|>"); end >= 0) {
    AddedToken token;
    token.content = "<|endoftext|>";
    token.id = end;
    token.special = true;
    builder.added.push_back(token);
  }
  return builder.finish(extras);
}

}  // namespace temper
