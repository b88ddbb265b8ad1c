// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/pre_tokenizer.h"

#include "tokenizer/json_fields.h"

#include <algorithm>

namespace temper {
namespace {

constexpr size_t most_steps = 32;
constexpr const char *word_pattern =
    "[\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{200c}\\x{200d}]+|"
    "[^\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{200c}\\x{200d}\\s]+";
constexpr const char *punctuation_pattern = "[!-/:-@\\[-`{-~\\p{P}]";

}  // namespace

Result<PreTokenizer> PreTokenizer::read(const Json *json) {
  PreTokenizer result;
  if (!is_absent(json)) TEMPER_TRY(result.read_step(*json));
  return result;
}

Result<PreTokenizer> PreTokenizer::byte_level(const char *pattern) {
  PreTokenizer result;
  TEMPER_TRY(result.add_cut(pattern, Behavior::isolated, false));
  result.byte_level_ = true;
  return result;
}

Status PreTokenizer::add_cut(const char *expression, Behavior behavior, bool invert) {
  Step step;
  TEMPER_ASSIGN(step.pattern, Pattern::compile(expression));
  step.behavior = behavior;
  step.invert = invert;
  steps_.push_back(std::move(step));
  return Status();
}

Result<PreTokenizer::Behavior> PreTokenizer::read_behavior(const std::string &name) {
  if (name == "Isolated") return Behavior::isolated;
  if (name == "Removed") return Behavior::removed;
  if (name == "Contiguous") return Behavior::contiguous;
  if (name == "MergedWithPrevious") return Behavior::with_previous;
  if (name == "MergedWithNext") return Behavior::with_next;
  return fail(TEMPER_E_FORMAT, "tokenizer: unknown split behavior \"%.60s\"", name.c_str());
}

Status PreTokenizer::read_step(const Json &json) {
  TEMPER_ASSIGN(const std::string type, type_of(json, "pre-tokenizer"));
  if (steps_.size() >= most_steps) return Status(TEMPER_E_FORMAT, "tokenizer: too many pre-tokenizers");
  if (type == "Sequence") {
    // The JSON reader bounds the depth, and with it this recursion.
    TEMPER_ASSIGN(const Json *list, array_field(json, "pretokenizers"));
    for (const JsonMember &member : list->members) TEMPER_TRY(read_step(member.value));
    return Status();
  }
  // ByteLevel changes the alphabet; what comes after it would have to be applied to spellings.
  if (byte_level_)
    return fail(TEMPER_E_UNSUPPORTED, "tokenizer: pre-tokenizer \"%.60s\" after ByteLevel isn't supported",
                type.c_str());
  if (type == "ByteLevel") {
    TEMPER_ASSIGN(const bool prefix, flag_field(json, "add_prefix_space", true));
    TEMPER_ASSIGN(const bool pattern, flag_field(json, "use_regex", true));
    if (prefix) {
      steps_.emplace_back();
      steps_.back().kind = Kind::prefix_space;
    }
    byte_level_ = true;
    return pattern ? add_cut(gpt2_pattern, Behavior::isolated, false) : Status();
  }
  if (type == "Split") {
    Step step;
    TEMPER_ASSIGN(step.pattern, pattern_field(json));
    TEMPER_ASSIGN(const std::string behavior, text_field(json, "behavior"));
    TEMPER_ASSIGN(step.behavior, read_behavior(behavior));
    TEMPER_ASSIGN(step.invert, flag_field(json, "invert", false));
    steps_.push_back(std::move(step));
    return Status();
  }
  if (type == "Digits") {
    TEMPER_ASSIGN(const bool individual, flag_field(json, "individual_digits", false));
    return add_cut("\\p{N}", individual ? Behavior::isolated : Behavior::contiguous, false);
  }
  if (type == "Punctuation") {
    Behavior behavior = Behavior::isolated;
    if (!is_absent(json.find("behavior"))) {
      TEMPER_ASSIGN(const std::string name, text_field(json, "behavior"));
      TEMPER_ASSIGN(behavior, read_behavior(name));
    }
    return add_cut(punctuation_pattern, behavior, false);
  }
  if (type == "Whitespace") return add_cut(word_pattern, Behavior::removed, true);
  if (type == "WhitespaceSplit") return add_cut("\\s", Behavior::removed, false);
  if (type == "Metaspace") return read_metaspace(json);
  return fail(TEMPER_E_UNSUPPORTED, "tokenizer: pre-tokenizer \"%.60s\" isn't supported", type.c_str());
}

Status PreTokenizer::read_metaspace(const Json &json) {
  Step step;
  step.kind = Kind::metaspace;
  TEMPER_ASSIGN(step.replacement, text_field(json, "replacement"));
  TEMPER_ASSIGN(step.split, flag_field(json, "split", true));
  TEMPER_ASSIGN(const bool prefix, flag_field(json, "add_prefix_space", true));
  step.prefix = prefix ? Prefix::always : Prefix::never;
  if (!is_absent(json.find("prepend_scheme"))) {
    TEMPER_ASSIGN(const std::string scheme, text_field(json, "prepend_scheme"));
    if (scheme != "always" && scheme != "first" && scheme != "never")
      return fail(TEMPER_E_FORMAT, "tokenizer: unknown prepend_scheme \"%.60s\"", scheme.c_str());
    step.prefix = scheme == "always" ? Prefix::always : scheme == "first" ? Prefix::first : Prefix::never;
  }
  if (step.replacement.empty() || step.replacement.size() > 4)
    return Status(TEMPER_E_FORMAT, "tokenizer: a Metaspace replacement isn't one character");
  TEMPER_ASSIGN(step.pattern, Pattern::literal(step.replacement));
  step.behavior = Behavior::with_next;
  steps_.push_back(std::move(step));
  return Status();
}

// `spans` holds what the pattern found, and is used up.
void PreTokenizer::cut(const Step &step, std::string_view text, std::vector<Span> &spans,
                       std::vector<std::string_view> &out) {
  if (step.invert)
    for (Span &span : spans) span.matched = !span.matched;
  size_t kept = 0;
  if (step.behavior == Behavior::with_next) {
    // A span takes in the match before it; of several matches in a row only the last.
    std::reverse(spans.begin(), spans.end());
    bool after_match = false;
    for (const Span span : spans) {
      if (span.matched && !after_match && kept > 0)
        spans[kept - 1].begin = span.begin;
      else
        spans[kept++] = span;
      after_match = span.matched;
    }
    std::reverse(spans.begin(), spans.begin() + static_cast<std::ptrdiff_t>(kept));
  } else {
    bool after_match = false;
    for (const Span span : spans) {
      bool join = false;
      if (step.behavior == Behavior::removed && span.matched) continue;
      if (kept > 0 && step.behavior == Behavior::contiguous) join = span.matched == spans[kept - 1].matched;
      if (kept > 0 && step.behavior == Behavior::with_previous) join = span.matched && !after_match;
      after_match = span.matched;
      if (join)
        spans[kept - 1].end = span.end;
      else
        spans[kept++] = span;
    }
  }
  for (size_t i = 0; i < kept; ++i)
    if (spans[i].end > spans[i].begin) out.push_back(text.substr(spans[i].begin, spans[i].end - spans[i].begin));
}

Status PreTokenizer::run(const Step &step, bool first, Pieces &pieces) {
  std::vector<std::string_view> out;
  std::vector<Span> spans;
  for (size_t i = 0; i < pieces.list.size(); ++i) {
    std::string_view piece = pieces.list[i];
    if (step.kind == Kind::prefix_space) {
      if (piece.front() != ' ') piece = pieces.changed.emplace_back(" ").append(piece);
      out.push_back(piece);
      continue;
    }
    if (step.kind == Kind::metaspace) {
      std::string text;
      for (const char c : piece) {
        if (c == ' ')
          text.append(step.replacement);
        else
          text.push_back(c);
      }
      const bool wanted = step.prefix == Prefix::always || (step.prefix == Prefix::first && first && i == 0);
      if (wanted && text.compare(0, step.replacement.size(), step.replacement) != 0)
        text.insert(0, step.replacement);
      piece = pieces.changed.emplace_back(std::move(text));
      if (!step.split) {
        out.push_back(piece);
        continue;
      }
    }
    TEMPER_TRY(step.pattern.find(piece, spans));
    cut(step, piece, spans, out);
  }
  pieces.list.swap(out);
  return Status();
}

Status PreTokenizer::split(std::string_view text, bool first, Pieces &pieces) const {
  pieces.list.clear();
  pieces.changed.clear();
  if (!text.empty()) pieces.list.push_back(text);
  for (const Step &step : steps_) TEMPER_TRY(run(step, first, pieces));
  return Status();
}

}  // namespace temper
