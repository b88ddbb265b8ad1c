// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/normalizer.h"

#include "tokenizer/json_fields.h"
#include "tokenizer/unicode.h"
#include "tokenizer/utf8.h"

namespace temper {
namespace {

constexpr size_t most_steps = 32;

// A file's replacements must not blow a short text up to gigabytes.
size_t growth_limit(size_t size) {
  return size > SIZE_MAX / 32 ? SIZE_MAX : size * 16 + (size_t{1} << 16);
}

Status too_long() { return Status(TEMPER_E_FORMAT, "tokenizer: the normalizer makes the text too long"); }

void strip(std::string &text, bool left, bool right) {
  size_t begin = 0;
  while (left && begin < text.size()) {
    const Utf8Char next = next_utf8(text, begin);
    if (!next.whole() || !is_space(next.code)) break;
    begin += next.size;
  }
  size_t end = text.size();
  while (right && end > begin) {
    const Utf8Char last = last_utf8(std::string_view(text).substr(begin, end - begin));
    if (!last.whole() || !is_space(last.code)) break;
    end -= last.size;
  }
  text = text.substr(begin, end - begin);
}

}  // namespace

void Normalizer::add_nfc() { steps_.emplace_back(); }

Result<Normalizer> Normalizer::read(const Json *json) {
  Normalizer normalizer;
  if (!is_absent(json)) TEMPER_TRY(normalizer.read_step(*json));
  return normalizer;
}

Status Normalizer::read_step(const Json &json) {
  TEMPER_ASSIGN(const std::string type, type_of(json, "normalizer"));
  if (steps_.size() >= most_steps) return Status(TEMPER_E_FORMAT, "tokenizer: too many normalizers");
  Step step;
  if (type == "Sequence") {
    // The JSON reader bounds the depth, and with it this recursion.
    TEMPER_ASSIGN(const Json *list, array_field(json, "normalizers"));
    for (const JsonMember &member : list->members) TEMPER_TRY(read_step(member.value));
    return Status();
  }
  if (type == "NFC") {
    step.kind = Kind::nfc;
  } else if (type == "NFD") {
    step.kind = Kind::nfd;
  } else if (type == "Lowercase") {
    step.kind = Kind::lowercase;
  } else if (type == "Strip") {
    step.kind = Kind::strip;
    TEMPER_ASSIGN(step.left, flag_field(json, "strip_left", true));
    TEMPER_ASSIGN(step.right, flag_field(json, "strip_right", true));
  } else if (type == "Prepend") {
    step.kind = Kind::prepend;
    TEMPER_ASSIGN(step.text, text_field(json, "prepend"));
  } else if (type == "Replace") {
    step.kind = Kind::replace;
    TEMPER_ASSIGN(step.text, text_field(json, "content"));
    TEMPER_ASSIGN(step.pattern, pattern_field(json));
  } else {
    return fail(TEMPER_E_UNSUPPORTED, "tokenizer: normalizer \"%.60s\" isn't supported", type.c_str());
  }
  steps_.push_back(std::move(step));
  return Status();
}

Status Normalizer::run(const Step &step, std::string &text) {
  switch (step.kind) {
    case Kind::nfc: text = to_nfc(text); break;
    case Kind::nfd: text = to_nfd(text); break;
    case Kind::lowercase: text = to_lower(text); break;
    case Kind::strip: strip(text, step.left, step.right); break;
    case Kind::prepend:
      if (!text.empty()) text.insert(0, step.text);
      break;
    case Kind::replace: {
      std::vector<Span> spans;
      TEMPER_TRY(step.pattern.find(text, spans));
      const size_t limit = growth_limit(text.size());
      std::string result;
      for (const Span &span : spans) {
        if (span.matched)
          result.append(step.text);
        else
          result.append(text, span.begin, span.end - span.begin);
        if (result.size() > limit) return too_long();
      }
      text = std::move(result);
      break;
    }
  }
  return Status();
}

Status Normalizer::apply(std::string &text) const {
  const size_t limit = growth_limit(text.size());
  for (const Step &step : steps_) {
    TEMPER_TRY(run(step, text));
    if (text.size() > limit) return too_long();
  }
  return Status();
}

}  // namespace temper
