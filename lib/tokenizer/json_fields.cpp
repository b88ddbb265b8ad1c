// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/json_fields.h"

namespace temper {

bool is_absent(const Json *json) noexcept { return json == nullptr || json->kind == Json::Kind::null; }

Result<std::string> type_of(const Json &json, const char *what) {
  const Json *type = json.find("type");
  if (type == nullptr || type->kind != Json::Kind::text)
    return fail(TEMPER_E_FORMAT, "tokenizer: a %s has no type", what);
  return type->text;
}

Result<std::string> text_field(const Json &json, const char *key) {
  const Json *field = json.find(key);
  if (field == nullptr || field->kind != Json::Kind::text)
    return fail(TEMPER_E_FORMAT, "tokenizer: \"%s\" is missing or isn't text", key);
  return field->text;
}

Result<bool> flag_field(const Json &json, const char *key, bool otherwise) {
  const Json *field = json.find(key);
  if (is_absent(field)) return otherwise;
  if (field->kind != Json::Kind::boolean)
    return fail(TEMPER_E_FORMAT, "tokenizer: \"%s\" isn't true or false", key);
  return field->flag;
}

Result<const Json *> array_field(const Json &json, const char *key) {
  const Json *field = json.find(key);
  if (field == nullptr || field->kind != Json::Kind::array)
    return fail(TEMPER_E_FORMAT, "tokenizer: \"%s\" is missing or isn't a list", key);
  return field;
}

Result<Pattern> pattern_field(const Json &json) {
  const Json *pattern = json.find("pattern");
  if (pattern != nullptr) {
    const Json *text = pattern->find("String");
    if (text != nullptr && text->kind == Json::Kind::text) return Pattern::literal(text->text);
    const Json *expression = pattern->find("Regex");
    if (expression != nullptr && expression->kind == Json::Kind::text) return Pattern::compile(expression->text);
  }
  return Status(TEMPER_E_FORMAT, "tokenizer: \"pattern\" is neither a String nor a Regex");
}

}  // namespace temper
