// SPDX-License-Identifier: Apache-2.0
// Fields of tokenizer.json, with the field's name in every complaint.
#pragma once

#include "base/status.h"
#include "format/json.h"
#include "tokenizer/pattern.h"

#include <string>
#include <string_view>

namespace temper {

// Not there, or null.
bool is_absent(const Json *json) noexcept;

// The "type" of a normalizer, pre-tokenizer, ...; `what` is for the message.
Result<std::string> type_of(const Json &json, const char *what);
Result<std::string> text_field(const Json &json, const char *key);
// Absent gives the default.
Result<bool> flag_field(const Json &json, const char *key, bool otherwise);
Result<const Json *> array_field(const Json &json, const char *key);
// "pattern": {"String": ...} or {"Regex": ...}
Result<Pattern> pattern_field(const Json &json);

}  // namespace temper
