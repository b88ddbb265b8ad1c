// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/builder.h"

#include <initializer_list>
#include <unordered_map>

namespace temper {

Status TokenizerBuilder::read_vocabulary(const Json &json) {
  if (json.kind != Json::Kind::object)
    return Status(TEMPER_E_FORMAT, "tokenizer: the vocabulary isn't an object");
  for (const auto &[text, id] : json.members) {
    if (id.kind != Json::Kind::integer)
      return fail(TEMPER_E_FORMAT, "tokenizer: token \"%.60s\" has no integer id", text.c_str());
    TEMPER_TRY(parts.vocabulary.add(text, id.integer));
  }
  return Status();
}

Status TokenizerBuilder::add_tokens(const Extras &extras) {
  std::unordered_map<std::string, size_t> places;
  std::vector<AddedToken> tokens;
  const auto put = [&](const AddedToken &token) -> Status {
    TEMPER_TRY(parts.vocabulary.add(token.content, token.id));
    if (places.emplace(token.content, tokens.size()).second) tokens.push_back(token);
    return Status();
  };
  for (const AddedToken &token : added) TEMPER_TRY(put(token));
  for (const AddedToken &token : extras.added) TEMPER_TRY(put(token));
  // A token with a role is special, whether or not a file lists it as added.
  std::vector<std::string> special = extras.special;
  for (const Extras::Role *role : {&extras.bos, &extras.eos, &extras.mask, &extras.pad, &extras.unknown})
    special.push_back(role->text);
  for (const std::string &text : special) {
    const int32_t id = text.empty() ? -1 : parts.vocabulary.find(text);
    if (id < 0) continue;
    const auto [place, is_new] = places.emplace(text, tokens.size());
    if (is_new) {
      tokens.emplace_back();
      tokens.back().content = text;
      tokens.back().id = id;
    }
    tokens[place->second].special = true;
  }
  for (const AddedToken &token : tokens) {
    TEMPER_TRY(parts.added.add(token, parts.normalizer));
    Vocabulary::Entry *entry = parts.vocabulary.entry(token.id);
    entry->added = true;
    entry->special = token.special;
  }
  return Status();
}

void TokenizerBuilder::find_roles(const Extras &extras) {
  const Vocabulary &vocabulary = parts.vocabulary;
  // A file's word counts; without one, a special token with a usual spelling is taken.
  const auto find = [&](const Extras::Role &role, std::initializer_list<const char *> usual) {
    std::optional<int32_t> result;
    if (role.stated) {
      const int32_t id = role.text.empty() ? -1 : vocabulary.find(role.text);
      if (id >= 0) result = id;
      return result;
    }
    for (const char *text : usual) {
      const int32_t id = vocabulary.find(text);
      if (id >= 0 && vocabulary.entry(id)->special) return std::optional<int32_t>(id);
    }
    return result;
  };
  parts.bos = find(extras.bos, {"<s>", "<bos>", "[BOS]", "<|begin_of_text|>", "<|startoftext|>", "<|endoftext|>"});
  parts.eos = find(extras.eos, {"</s>", "<eos>", "[EOS]", "<|end_of_text|>", "<|endoftext|>"});
  parts.mask = find(extras.mask, {"<mask>", "[MASK]", "<|mask|>", "<|mdm_mask|>", "<|MASK|>", "|<MASK>|"});
  parts.pad = find(extras.pad, {"<pad>", "[PAD]", "<|pad|>"});
}

Result<Tokenizer::Shared> TokenizerBuilder::finish(const Extras &extras) {
  TEMPER_TRY(add_tokens(extras));
  if (!unknown.empty()) {
    bpe.unknown = parts.vocabulary.find(unknown);
    if (bpe.unknown < 0)
      return fail(TEMPER_E_FORMAT, "tokenizer: unknown token \"%.60s\" isn't in the vocabulary", unknown.c_str());
  }
  bpe.byte_level = parts.pre_tokenizer.is_byte_level();
  TEMPER_ASSIGN(parts.bpe, Bpe::create(parts.vocabulary, merges, bpe));
  TEMPER_ASSIGN(parts.detokenizer, Detokenizer::create(decoder, parts.vocabulary, bpe.byte_level));
  find_roles(extras);
  if (!has_template) {
    if (extras.add_bos && parts.bos) parts.prefix = {*parts.bos};
    if (extras.add_eos && parts.eos) parts.suffix = {*parts.eos};
  }
  return Tokenizer::Shared(std::make_shared<const Tokenizer>(std::move(parts)));
}

}  // namespace temper
