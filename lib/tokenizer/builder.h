// SPDX-License-Identifier: Apache-2.0
// The common end of all loaders: from a vocabulary, merges and added tokens to a Tokenizer.
#pragma once

#include "tokenizer/extras.h"
#include "tokenizer/tokenizer.h"

#include <string>
#include <vector>

namespace temper {

struct TokenizerBuilder {
  TokenizerParts parts;           // vocabulary, normalizer, pre_tokenizer, prefix and suffix filled in
  std::vector<AddedToken> added;  // of the file itself
  std::vector<MergePair> merges;  // the texts must outlive finish()
  Bpe::Options bpe;
  std::string unknown;             // spelling of the unknown token; empty: none
  const Json *decoder = nullptr;
  bool has_template = false;  // prefix and suffix are decided

  // "vocab": {text: id}
  Status read_vocabulary(const Json &json);
  Result<Tokenizer::Shared> finish(const Extras &extras);

 private:
  Status add_tokens(const Extras &extras);
  void find_roles(const Extras &extras);
};

}  // namespace temper
