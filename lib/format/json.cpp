// SPDX-License-Identifier: Apache-2.0
#include "format/json.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace temper {
namespace {

// Builds the tree from nlohmann's SAX events (its parser keeps its own stack on the heap, and a
// handler that answers `false` stops it).
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(const std::string &name, const JsonLimits &limits) : name_(name), limits_(limits) {}

  Json root;
  Status status;

  bool null() override { return add({}) != nullptr; }
  bool boolean(bool value) override {
    Json json;
    json.kind = Json::Kind::boolean;
    json.flag = value;
    return add(std::move(json)) != nullptr;
  }
  bool number_integer(number_integer_t value) override {
    Json json;
    json.kind = Json::Kind::integer;
    json.integer = value;
    json.real = static_cast<double>(value);
    return add(std::move(json)) != nullptr;
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(INT64_MAX))
      return number_float(static_cast<double>(value), {});
    return number_integer(static_cast<number_integer_t>(value));
  }
  bool number_float(number_float_t value, const string_t &) override {
    Json json;
    json.kind = Json::Kind::real;
    json.real = value;
    return add(std::move(json)) != nullptr;
  }
  bool string(string_t &value) override {
    Json json;
    json.kind = Json::Kind::text;
    json.text = std::move(value);
    return add(std::move(json)) != nullptr;
  }
  bool binary(binary_t &) override { return refuse("binary value"); }
  bool start_object(size_t) override { return open(Json::Kind::object); }
  bool start_array(size_t) override { return open(Json::Kind::array); }
  bool key(string_t &value) override {
    key_ = std::move(value);
    return true;
  }
  bool end_object() override {
    const std::vector<JsonMember> &members = stack_.back()->members;
    stack_.pop_back();
    std::vector<std::string_view> keys;
    keys.reserve(members.size());
    for (const JsonMember &member : members) keys.push_back(member.key);
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice == keys.end()) return true;
    status = fail(TEMPER_E_FORMAT, "%s: key \"%.80s\" occurs twice", name_.c_str(),
                  std::string(*twice).c_str());
    return false;
  }
  bool end_array() override {
    stack_.pop_back();
    return true;
  }
  bool parse_error(size_t position, const std::string &,
                   const nlohmann::detail::exception &error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ...": from "parse error".
    std::string_view what = error.what();
    if (const auto end = what.find("] "); end != std::string_view::npos) what.remove_prefix(end + 2);
    // The text may quote the file's own bytes: keep the message printable.
    std::string text(what.substr(0, 120));
    for (char &c : text)
      if (c < ' ' || c > '~') c = '?';
    status = fail(TEMPER_E_FORMAT, "%s: not JSON at byte %zu: %s", name_.c_str(), position,
                  text.c_str());
    return false;
  }

 private:
  bool refuse(const char *why) {
    status = fail(TEMPER_E_FORMAT, "%s: JSON %s", name_.c_str(), why);
    return false;
  }

  Json *add(Json value) {
    if (++count_ > limits_.values) {
      (void)refuse("has too many values");
      return nullptr;
    }
    if (stack_.empty()) {
      root = std::move(value);
      return &root;
    }
    Json &parent = *stack_.back();
    if (parent.kind == Json::Kind::array) key_.clear();
    parent.members.push_back({std::move(key_), std::move(value)});
    return &parent.members.back().value;
  }

  bool open(Json::Kind kind) {
    if (stack_.size() >= limits_.depth) return refuse("is nested too deeply");
    Json json;
    json.kind = kind;
    // The address stays good: a parent's list doesn't grow while a child is open.
    Json *place = add(std::move(json));
    if (place == nullptr) return false;
    stack_.push_back(place);
    return true;
  }

  const std::string &name_;
  const JsonLimits &limits_;
  std::vector<Json *> stack_;
  std::string key_;
  size_t count_ = 0;
};

}  // namespace

const Json *Json::find(std::string_view key) const noexcept {
  if (kind != Kind::object) return nullptr;
  for (const JsonMember &member : members)
    if (member.key == key) return &member.value;
  return nullptr;
}

Result<Json> parse_json(std::span<const std::byte> bytes, const std::string &name,
                        const JsonLimits &limits) {
  if (bytes.size() > limits.bytes)
    return fail(TEMPER_E_FORMAT, "%s: %zu bytes of JSON are more than the %zu allowed",
                name.c_str(), bytes.size(), limits.bytes);
  Builder builder(name, limits);
  const char *begin = reinterpret_cast<const char *>(bytes.data());
  const bool complete = nlohmann::json::sax_parse(begin, begin + bytes.size(), &builder);
  if (!builder.status.ok()) return builder.status;
  if (!complete) return fail(TEMPER_E_FORMAT, "%s: not JSON", name.c_str());
  return std::move(builder.root);
}

}  // namespace temper
