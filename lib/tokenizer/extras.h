// SPDX-License-Identifier: Apache-2.0
// What tokenizer_config.json, special_tokens_map.json and added_tokens.json say.
#pragma once

#include "base/status.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/tokenizer.h"

#include <optional>
#include <string>
#include <vector>

namespace temper {

struct Extras {
  // A role that a file gives to a token. "Stated" with an empty text: there is no such token.
  struct Role {
    bool stated = false;
    std::string text;
  };
  Role bos, eos, mask, pad, unknown;
  std::vector<std::string> special;  // other special tokens
  std::vector<AddedToken> added;
  bool add_bos = false;
  bool add_eos = false;
  std::string tokenizer_class;

  static Result<Extras> read(const TokenizerExtras &files);

 private:
  Status read_roles(const Json &json);
  Status read_config(const Json &json);
  Status read_added(const Json &json);
};

// One entry of "added_tokens", or of "added_tokens_decoder" where the id is the key.
Result<AddedToken> read_added_token(const Json &json, std::optional<int64_t> id);

Result<Json> parse_tokenizer_file(std::string_view bytes, const char *name);

}  // namespace temper
