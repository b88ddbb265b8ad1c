// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/extras.h"

#include "tokenizer/json_fields.h"

#include <charconv>

namespace temper {
namespace {

// Twice the largest published tokenizer.json.
constexpr JsonLimits limits{size_t{64} << 20, 64, size_t{3} << 20};

// A token is given as text or as an object with its content.
Result<std::string> token_text(const Json &json, const char *key) {
  if (json.kind == Json::Kind::text) return json.text;
  const Json *content = json.find("content");
  if (content == nullptr || content->kind != Json::Kind::text)
    return fail(TEMPER_E_FORMAT, "tokenizer: \"%s\" isn't a token", key);
  return content->text;
}

}  // namespace

Result<Json> parse_tokenizer_file(std::string_view bytes, const char *name) {
  TEMPER_ASSIGN(Json json, parse_json({reinterpret_cast<const std::byte *>(bytes.data()), bytes.size()}, name, limits));
  if (json.kind != Json::Kind::object) return fail(TEMPER_E_FORMAT, "%s: not a JSON object", name);
  return json;
}

Result<AddedToken> read_added_token(const Json &json, std::optional<int64_t> id) {
  AddedToken token;
  TEMPER_ASSIGN(token.content, text_field(json, "content"));
  if (!id) {
    const Json *field = json.find("id");
    if (field == nullptr || field->kind != Json::Kind::integer)
      return Status(TEMPER_E_FORMAT, "tokenizer: an added token has no integer id");
    id = field->integer;
  }
  token.id = *id;
  TEMPER_ASSIGN(token.special, flag_field(json, "special", false));
  TEMPER_ASSIGN(token.normalized, flag_field(json, "normalized", !token.special));
  TEMPER_ASSIGN(token.strip_left, flag_field(json, "lstrip", false));
  TEMPER_ASSIGN(token.strip_right, flag_field(json, "rstrip", false));
  TEMPER_ASSIGN(token.single_word, flag_field(json, "single_word", false));
  return token;
}

Status Extras::read_roles(const Json &json) {
  const struct {
    const char *key;
    Role *role;
  } roles[] = {{"bos_token", &bos}, {"eos_token", &eos}, {"mask_token", &mask}, {"pad_token", &pad},
               {"unk_token", &unknown}};
  for (const auto &[key, role] : roles) {
    const Json *field = json.find(key);
    if (field == nullptr || (role->stated && !role->text.empty())) continue;
    role->stated = true;
    if (field->kind != Json::Kind::null) {
      TEMPER_ASSIGN(role->text, token_text(*field, key));
    }
  }
  const Json *others = json.find("additional_special_tokens");
  if (is_absent(others)) return Status();
  if (others->kind != Json::Kind::array)
    return Status(TEMPER_E_FORMAT, "tokenizer: \"additional_special_tokens\" isn't a list");
  for (const JsonMember &member : others->members) {
    TEMPER_ASSIGN(std::string text, token_text(member.value, "additional_special_tokens"));
    special.push_back(std::move(text));
  }
  return Status();
}

Status Extras::read_config(const Json &json) {
  TEMPER_TRY(read_roles(json));
  TEMPER_ASSIGN(add_bos, flag_field(json, "add_bos_token", false));
  TEMPER_ASSIGN(add_eos, flag_field(json, "add_eos_token", false));
  const Json *name = json.find("tokenizer_class");
  if (name != nullptr && name->kind == Json::Kind::text) tokenizer_class = name->text;
  const Json *list = json.find("added_tokens_decoder");
  if (is_absent(list)) return Status();
  if (list->kind != Json::Kind::object)
    return Status(TEMPER_E_FORMAT, "tokenizer: \"added_tokens_decoder\" isn't an object");
  for (const auto &[key, value] : list->members) {
    int64_t id = -1;
    const auto [end, wrong] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (wrong != std::errc() || end != key.data() + key.size())
      return fail(TEMPER_E_FORMAT, "tokenizer: added token id \"%.40s\" isn't a number", key.c_str());
    TEMPER_ASSIGN(AddedToken token, read_added_token(value, id));
    added.push_back(std::move(token));
  }
  return Status();
}

Status Extras::read_added(const Json &json) {
  for (const auto &[key, value] : json.members) {
    if (value.kind != Json::Kind::integer)
      return fail(TEMPER_E_FORMAT, "tokenizer: added token \"%.60s\" has no integer id", key.c_str());
    AddedToken token;
    token.content = key;
    token.id = value.integer;
    added.push_back(std::move(token));
  }
  return Status();
}

Result<Extras> Extras::read(const TokenizerExtras &files) {
  Extras extras;
  if (!files.config.empty()) {
    TEMPER_ASSIGN(const Json json, parse_tokenizer_file(files.config, "tokenizer_config.json"));
    TEMPER_TRY(extras.read_config(json));
  }
  if (!files.special_map.empty()) {
    TEMPER_ASSIGN(const Json json, parse_tokenizer_file(files.special_map, "special_tokens_map.json"));
    TEMPER_TRY(extras.read_roles(json));
  }
  if (!files.added_tokens.empty()) {
    TEMPER_ASSIGN(const Json json, parse_tokenizer_file(files.added_tokens, "added_tokens.json"));
    TEMPER_TRY(extras.read_added(json));
  }
  return extras;
}

}  // namespace temper
