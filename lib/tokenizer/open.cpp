// SPDX-License-Identifier: Apache-2.0
// Finding a tokenizer's files in a folder.
#include "base/mapped_file.h"
#include "tokenizer/tokenizer.h"

namespace temper {
namespace {

std::string_view text_of(const MappedFile &file) {
  return {reinterpret_cast<const char *>(file.bytes().data()), file.bytes().size()};
}

Status open_if_there(const std::string &path, MappedFile &file) {
  if (!path_exists(path)) return Status();
  TEMPER_ASSIGN(file, MappedFile::open(path));
  return Status();
}

}  // namespace

Result<Tokenizer::Shared> Tokenizer::open(const std::string &path) {
  if (!is_folder(path)) {
    TEMPER_ASSIGN(const MappedFile file, MappedFile::open(path));
    return from_tokenizer_json(text_of(file));
  }
  MappedFile config;
  MappedFile special_map;
  MappedFile added_tokens;
  TEMPER_TRY(open_if_there(path + "/tokenizer_config.json", config));
  TEMPER_TRY(open_if_there(path + "/special_tokens_map.json", special_map));
  TEMPER_TRY(open_if_there(path + "/added_tokens.json", added_tokens));
  const TokenizerExtras extras{text_of(config), text_of(special_map), text_of(added_tokens)};
  if (path_exists(path + "/tokenizer.json")) {
    TEMPER_ASSIGN(const MappedFile file, MappedFile::open(path + "/tokenizer.json"));
    return from_tokenizer_json(text_of(file), extras);
  }
  const struct {
    const char *vocabulary;
    const char *merges;
  } names[] = {{"/vocab.json", "/merges.txt"}, {"/encoder.json", "/vocab.bpe"}};
  for (const auto &[vocabulary, merges] : names) {
    if (!path_exists(path + vocabulary) || !path_exists(path + merges)) continue;
    TEMPER_ASSIGN(const MappedFile vocabulary_file, MappedFile::open(path + vocabulary));
    TEMPER_ASSIGN(const MappedFile merges_file, MappedFile::open(path + merges));
    return from_vocab_merges(text_of(vocabulary_file), text_of(merges_file), extras);
  }
  return fail(TEMPER_E_IO,
              "%s: no tokenizer here (tokenizer.json, vocab.json with merges.txt, or encoder.json with vocab.bpe)",
              path.c_str());
}

}  // namespace temper
