// SPDX-License-Identifier: Apache-2.0
// Finding a tokenizer's files beside a model.
#include "base/mapped_file.h"
#include "format/source.h"
#include "tokenizer/tokenizer.h"

namespace temper {
namespace {

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

}  // namespace

Result<Tokenizer::Shared> Tokenizer::open(const std::string &path) {
  const bool alone = path_exists(path) && !is_folder(path) && !path.ends_with(".safetensors");
  if (alone) {
    TEMPER_ASSIGN(const MappedFile file, MappedFile::open(path));
    return from_tokenizer_json(text_of(file.bytes()));
  }
  TEMPER_ASSIGN(const std::shared_ptr<Source> source, open_source(path));
  return open(*source);
}

Result<Tokenizer::Shared> Tokenizer::open(const Source &source) {
  using File = std::optional<SideFile>;
  const auto text = [](const File &file) { return file ? text_of(file->bytes) : std::string_view(); };
  TEMPER_ASSIGN(const File config, source.side_file("tokenizer_config.json"));
  TEMPER_ASSIGN(const File special_map, source.side_file("special_tokens_map.json"));
  TEMPER_ASSIGN(const File added_tokens, source.side_file("added_tokens.json"));
  const TokenizerExtras extras{text(config), text(special_map), text(added_tokens)};
  TEMPER_ASSIGN(const File json, source.side_file("tokenizer.json"));
  if (json) return from_tokenizer_json(text(json), extras);
  const struct {
    const char *vocabulary;
    const char *merges;
  } names[] = {{"vocab.json", "merges.txt"}, {"encoder.json", "vocab.bpe"}};
  for (const auto &name : names) {
    TEMPER_ASSIGN(const File vocabulary, source.side_file(name.vocabulary));
    TEMPER_ASSIGN(const File merges, source.side_file(name.merges));
    if (vocabulary && merges) return from_vocab_merges(text(vocabulary), text(merges), extras);
  }
  return fail(TEMPER_E_IO,
              "%s: no tokenizer here (tokenizer.json, vocab.json with merges.txt, or encoder.json with vocab.bpe)",
              source.where().c_str());
}

}  // namespace temper
