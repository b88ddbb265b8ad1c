// SPDX-License-Identifier: Apache-2.0
// JSON as a tree of values, read with bounds: depth, number of values and duplicate keys are
// checked while reading, so that no file can exhaust the stack or blow up memory.
#pragma once

#include "base/status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace temper {

struct Json;
struct JsonMember;

struct Json {
  enum class Kind : uint8_t { null, boolean, integer, real, text, array, object };

  Kind kind = Kind::null;
  bool flag = false;
  int64_t integer = 0;
  double real = 0.0;  // also set for integers
  std::string text;
  std::vector<JsonMember> members;  // of an object or, with empty keys, an array

  const Json *find(std::string_view key) const noexcept;  // member of an object, or null
};

struct JsonMember {
  std::string key;
  Json value;
};

struct JsonLimits {
  size_t bytes = size_t{16} << 20;
  size_t depth = 64;
  size_t values = size_t{1} << 20;
};

// TEMPER_E_FORMAT, with `name` in the message, for anything that isn't one JSON value within the
// limits: wrong syntax or UTF-8, numbers beyond a double, a key twice in one object.
Result<Json> parse_json(std::span<const std::byte> bytes, const std::string &name,
                        const JsonLimits &limits = {});

}  // namespace temper
