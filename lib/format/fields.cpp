// SPDX-License-Identifier: Apache-2.0
#include "format/fields.h"

#include "base/text.h"

#include <algorithm>
#include <cmath>

namespace temper {
namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::optional<int64_t> whole_number(const Json &json) noexcept {
  if (json.kind == Json::Kind::integer) return json.integer;
  // "1e6" is a whole number too, as far as a double can tell.
  if (json.kind == Json::Kind::real && std::abs(json.real) <= 0x1p53 &&
      json.real == std::floor(json.real))
    return static_cast<int64_t>(json.real);
  return std::nullopt;
}

bool contains_word(std::string_view text, std::string_view word) {
  return std::search(text.begin(), text.end(), word.begin(), word.end(), [](char a, char b) {
           return lower(a) == lower(b);
         }) != text.end();
}

const Json *Fields::find(std::string_view path) const noexcept {
  const Json *json = &root_;
  while (json != nullptr && !path.empty()) {
    const auto dot = path.find('.');
    json = json->find(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return json != nullptr && json->kind != Json::Kind::null ? json : nullptr;
}

void Fields::wrong(std::string_view path, const char *expected) {
  fail_with(fail(TEMPER_E_FORMAT, "%s: %.*s is not %s", file_.c_str(),
                 static_cast<int>(path.size()), path.data(), expected));
}

int64_t Fields::require(std::string_view path, int64_t low, int64_t high) {
  if (!has(path))
    fail_with(fail(TEMPER_E_FORMAT, "%s: %.*s is missing", file_.c_str(),
                   static_cast<int>(path.size()), path.data()));
  return integer(path, low, low, high);
}

int64_t Fields::integer(std::string_view path, int64_t fallback, int64_t low, int64_t high) {
  const Json *json = find(path);
  if (json == nullptr) return fallback;
  const std::optional<int64_t> value = whole_number(*json);
  if (value && *value >= low && *value <= high) return *value;
  char expected[96];
  std::snprintf(expected, sizeof expected, "a whole number from %lld to %lld",
                static_cast<long long>(low), static_cast<long long>(high));
  wrong(path, expected);
  return fallback;
}

double Fields::number(std::string_view path, double fallback, double low, double high) {
  const Json *json = find(path);
  if (json == nullptr) return fallback;
  const bool numeric = json->kind == Json::Kind::integer || json->kind == Json::Kind::real;
  if (numeric && json->real >= low && json->real <= high) return json->real;
  wrong(path, format_text("a number from %g to %g", low, high).c_str());
  return fallback;
}

bool Fields::flag(std::string_view path, bool fallback) {
  const Json *json = find(path);
  if (json == nullptr) return fallback;
  if (json->kind == Json::Kind::boolean) return json->flag;
  wrong(path, "true or false");
  return fallback;
}

std::string Fields::text(std::string_view path, std::string_view fallback) {
  const Json *json = find(path);
  if (json == nullptr) return std::string(fallback);
  if (json->kind == Json::Kind::text) return json->text;
  wrong(path, "a text");
  return std::string(fallback);
}

bool Fields::mentions(std::string_view path, std::string_view word) const {
  const Json *json = find(path);
  if (json == nullptr) return false;
  if (json->kind == Json::Kind::text) return contains_word(json->text, word);
  return std::any_of(json->members.begin(), json->members.end(), [word](const JsonMember &member) {
    return member.value.kind == Json::Kind::text && contains_word(member.value.text, word);
  });
}

}  // namespace temper
