// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/detokenizer.h"

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/json_fields.h"

namespace temper {
namespace {

constexpr size_t most_steps = 16;
// Replacements may lengthen a token, but not to gigabytes over a whole vocabulary.
constexpr size_t longest_replacement = 64;

size_t longest_spelling(std::string_view text) { return 64 + 4 * text.size(); }

void replace_all(std::string &text, std::string_view from, std::string_view to) {
  if (text.find(from) == std::string::npos) return;
  std::string result;
  size_t done = 0;
  for (size_t at = 0; (at = text.find(from, done)) != std::string::npos; done = at + from.size())
    result.append(text, done, at - done).append(to);
  result.append(text, done);
  text = std::move(result);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// "<0x0A>" is a byte.
void byte_fallback(std::string &text) {
  if (text.size() != 6 || text.compare(0, 3, "<0x") != 0 || text[5] != '>') return;
  const int high = hex_digit(text[3]);
  const int low = hex_digit(text[4]);
  if (high >= 0 && low >= 0) text.assign(1, static_cast<char>(high * 16 + low));
}

bool begins_with(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace

Status Detokenizer::read_strip(const Json &json) {
  Step step;
  step.kind = Kind::strip;
  TEMPER_ASSIGN(step.from, text_field(json, "content"));
  if (step.from.empty() || step.from.size() > 4)
    return Status(TEMPER_E_FORMAT, "tokenizer: a Strip decoder's content isn't one character");
  for (const char *key : {"start", "stop"}) {
    const Json *field = json.find(key);
    if (is_absent(field)) continue;
    if (field->kind != Json::Kind::integer || field->integer < 0 || field->integer > 1024)
      return fail(TEMPER_E_FORMAT, "tokenizer: a Strip decoder's \"%s\" isn't 0 to 1024", key);
    (key[2] == 'a' ? step.start : step.stop) = static_cast<uint32_t>(field->integer);
  }
  if (!fused_) {
    steps_.push_back(std::move(step));
  } else if (edges_.kind == Kind::strip) {
    return Status(TEMPER_E_UNSUPPORTED, "tokenizer: two Strip decoders after Fuse aren't supported");
  } else {
    edges_ = std::move(step);
  }
  return Status();
}

Status Detokenizer::read_step(const Json &json) {
  TEMPER_ASSIGN(const std::string type, type_of(json, "decoder"));
  if (steps_.size() >= most_steps) return Status(TEMPER_E_FORMAT, "tokenizer: too many decoders");
  if (type == "Sequence") {
    // The JSON reader bounds the depth, and with it this recursion.
    TEMPER_ASSIGN(const Json *list, array_field(json, "decoders"));
    for (const JsonMember &member : list->members) TEMPER_TRY(read_step(member.value));
    return Status();
  }
  if (type == "Strip") return read_strip(json);
  if (type == "Fuse") {
    fused_ = true;
    return Status();
  }
  Step step;
  if (fused_)
    return fail(TEMPER_E_UNSUPPORTED, "tokenizer: decoder \"%.60s\" after Fuse isn't supported", type.c_str());
  if (type == "ByteLevel") {
    step.kind = Kind::byte_level;
    fused_ = true;
  } else if (type == "ByteFallback") {
    step.kind = Kind::byte_fallback;
  } else if (type == "Replace") {
    step.kind = Kind::replace;
    const Json *pattern = json.find("pattern");
    const Json *from = pattern == nullptr ? nullptr : pattern->find("String");
    if (from == nullptr)
      return Status(TEMPER_E_UNSUPPORTED, "tokenizer: a Replace decoder needs a String pattern");
    if (from->kind != Json::Kind::text || from->text.empty())
      return Status(TEMPER_E_FORMAT, "tokenizer: a Replace decoder's pattern is empty or isn't text");
    step.from = from->text;
    TEMPER_ASSIGN(step.to, text_field(json, "content"));
    if (step.to.size() > longest_replacement)
      return Status(TEMPER_E_FORMAT, "tokenizer: a Replace decoder's content is too long");
  } else if (type == "Metaspace") {
    step.kind = Kind::metaspace;
    TEMPER_ASSIGN(step.from, text_field(json, "replacement"));
    if (step.from.empty()) return Status(TEMPER_E_FORMAT, "tokenizer: a Metaspace replacement is empty");
    step.to.assign(1, ' ');
    TEMPER_ASSIGN(step.drop_first, flag_field(json, "add_prefix_space", true));
    if (!is_absent(json.find("prepend_scheme"))) {
      TEMPER_ASSIGN(const std::string scheme, text_field(json, "prepend_scheme"));
      step.drop_first = scheme != "never";
    }
    first_differs_ = first_differs_ || step.drop_first;
  } else {
    return fail(TEMPER_E_UNSUPPORTED, "tokenizer: decoder \"%.60s\" isn't supported", type.c_str());
  }
  steps_.push_back(std::move(step));
  return Status();
}

std::string Detokenizer::spell(std::string_view spelling, bool first) const {
  std::string text(spelling);
  std::string bytes;
  for (const Step &step : steps_) {
    switch (step.kind) {
      case Kind::byte_level:
        if (bytes_of_spelling(text, bytes)) text = bytes;
        break;
      case Kind::byte_fallback: byte_fallback(text); break;
      case Kind::replace: replace_all(text, step.from, step.to); break;
      case Kind::metaspace: replace_all(text, step.from, first && step.drop_first ? "" : step.to); break;
      case Kind::strip:
        for (uint32_t i = 0; i < step.start && begins_with(text, step.from); ++i) text.erase(0, step.from.size());
        for (uint32_t i = 0; i < step.stop && ends_with(text, step.from); ++i)
          text.resize(text.size() - step.from.size());
        break;
    }
    // Several replacements may multiply: create() refuses what is that much longer.
    if (text.size() > longest_spelling(spelling)) break;
  }
  return text;
}

Result<Detokenizer> Detokenizer::create(const Json *json, const Vocabulary &vocabulary, bool byte_level) {
  Detokenizer result;
  if (!is_absent(json))
    TEMPER_TRY(result.read_step(*json));
  else if (byte_level)
    result.steps_.emplace_back();
  result.bytes_.resize(static_cast<size_t>(vocabulary.size()));
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const Vocabulary::Entry *entry = vocabulary.entry(id);
    if (entry == nullptr) continue;
    // Added tokens are spelled as they stand in a text.
    std::string bytes = entry->added ? entry->text : result.spell(entry->text, false);
    if (bytes.size() > longest_spelling(entry->text))
      return fail(TEMPER_E_FORMAT, "tokenizer: the decoder makes token %d too long", id);
    result.bytes_[static_cast<size_t>(id)] = std::move(bytes);
  }
  return result;
}

void Detokenizer::append(const Vocabulary &vocabulary, int32_t id, State &state, std::string &text) const {
  const Vocabulary::Entry *entry = vocabulary.entry(id);
  if (entry == nullptr) return;
  std::string first;
  std::string_view bytes = bytes_[static_cast<size_t>(id)];
  if (first_differs_ && !state.started && !entry->added) {
    first = spell(entry->text, true);
    bytes = first;
  }
  state.started = true;
  if (edges_.kind != Kind::strip) {
    text.append(bytes);
    return;
  }
  while (state.at_start && !bytes.empty()) {
    if (state.stripped < edges_.start && begins_with(bytes, edges_.from)) {
      bytes.remove_prefix(edges_.from.size());
      ++state.stripped;
    } else {
      state.at_start = false;
    }
  }
  // All but the last `stop` strippable characters are out.
  state.held.append(bytes);
  size_t end = state.held.size();
  for (uint32_t i = 0; i < edges_.stop && ends_with(std::string_view(state.held).substr(0, end), edges_.from); ++i)
    end -= edges_.from.size();
  text.append(state.held, 0, end);
  state.held.erase(0, end);
}

}  // namespace temper
