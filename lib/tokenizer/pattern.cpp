// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/pattern.h"

#include "tokenizer/utf8.h"

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8
#endif
#include <pcre2.h>

#include <chrono>

namespace temper {
namespace {

constexpr size_t longest_expression = size_t{64} << 10;
constexpr uint32_t heap_limit_kib = 64U << 10;
// Starting points that one search may try before the clock is looked at.
constexpr size_t search_window = 256;
constexpr std::chrono::seconds time_limit{20};

struct FreeMatch {
  void operator()(pcre2_match_data *match) const { pcre2_match_data_free(match); }
};
struct FreeContext {
  void operator()(pcre2_match_context *context) const { pcre2_match_context_free(context); }
};
struct FreeCompile {
  void operator()(pcre2_compile_context *context) const { pcre2_compile_context_free(context); }
};

}  // namespace

struct Pattern::Code {
  pcre2_code *code = nullptr;
  Code() = default;
  Code(const Code &) = delete;
  Code &operator=(const Code &) = delete;
  ~Code() {
    pcre2_code_free(code);
    // PCRE2 keeps the last piece of executable memory for the next pattern, and would lose it with the library.
    pcre2_jit_free_unused_memory(nullptr);
  }
};

Result<Pattern> Pattern::compile(std::string_view expression) {
  if (expression.size() > longest_expression)
    return fail(TEMPER_E_FORMAT, "tokenizer: a pattern of %zu bytes is too long", expression.size());
  const std::unique_ptr<pcre2_compile_context, FreeCompile> context(pcre2_compile_context_create(nullptr));
  if (!context) return Status(TEMPER_E_MEMORY, "out of memory");
  pcre2_set_parens_nest_limit(context.get(), 100);
  const auto holder = std::make_shared<Code>();
  int code = 0;
  PCRE2_SIZE offset = 0;
  holder->code = pcre2_compile(
      reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(),
      PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT, &code, &offset, context.get());
  if (holder->code == nullptr) {
    if (code == PCRE2_ERROR_HEAP_FAILED) return Status(TEMPER_E_MEMORY, "out of memory");
    PCRE2_UCHAR reason[128] = {};
    pcre2_get_error_message(code, reason, sizeof reason);
    return fail(TEMPER_E_FORMAT, "tokenizer: pattern is wrong at byte %zu: %s", static_cast<size_t>(offset),
                reinterpret_cast<const char *>(reason));
  }
  Pattern pattern;
  pattern.code_ = holder;
  // Without JIT (not every machine allows it) the interpreter gives the same answers.
  (void)pcre2_jit_compile(holder->code, PCRE2_JIT_COMPLETE);
  return pattern;
}

Result<Pattern> Pattern::literal(std::string_view text) {
  Pattern pattern;
  pattern.literal_ = text;
  return pattern;
}

void Pattern::find_literal(std::string_view text, std::vector<Span> &spans) const {
  size_t done = 0;
  while (!literal_.empty()) {
    const size_t at = text.find(literal_, done);
    if (at == std::string_view::npos) break;
    if (at > done) spans.push_back({done, at, false});
    done = at + literal_.size();
    spans.push_back({at, done, true});
  }
  if (done < text.size()) spans.push_back({done, text.size(), false});
}

Status Pattern::find(std::string_view text, std::vector<Span> &spans) const {
  spans.clear();
  if (!code_) {
    find_literal(text, spans);
    return Status();
  }
  const std::unique_ptr<pcre2_match_data, FreeMatch> match(
      pcre2_match_data_create_from_pattern(code_->code, nullptr));
  const std::unique_ptr<pcre2_match_context, FreeContext> context(pcre2_match_context_create(nullptr));
  if (!match || !context) return Status(TEMPER_E_MEMORY, "out of memory");
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size()) {
      const Utf8Char next = next_utf8(text, end);
      if (!next.whole()) break;
      end += next.size;
    }
    if (end > at) TEMPER_TRY(find_valid(text.substr(at, end - at), at, match.get(), context.get(), spans));
    if (end < text.size()) {
      spans.push_back({end, end + 1, false});
      ++end;
    }
    at = end;
  }
  return Status();
}

Status Pattern::find_valid(std::string_view text, size_t base, void *match_data, void *match_context,
                           std::vector<Span> &spans) const {
  auto *match = static_cast<pcre2_match_data *>(match_data);
  auto *context = static_cast<pcre2_match_context *>(match_context);
  // A sound pattern's work at one place is linear in what it looks at.
  const size_t work = 100000 + 4 * text.size();
  pcre2_set_match_limit(context, work < 0x7FFFFFFF ? static_cast<uint32_t>(work) : 0x7FFFFFFFU);
  pcre2_set_heap_limit(context, heap_limit_kib);
  const auto start = std::chrono::steady_clock::now();
  const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  const PCRE2_SIZE *bounds = pcre2_get_ovector_pointer(match);
  size_t done = 0;  // up to here in spans
  size_t from = 0;
  size_t rounds = 0;
  while (from < text.size()) {
    if (++rounds % 64 == 0 && std::chrono::steady_clock::now() - start > time_limit)
      return Status(TEMPER_E_FORMAT, "tokenizer: the pattern takes too long on this text");
    const size_t limit = text.size() - from < search_window ? text.size() : from + search_window;
    pcre2_set_offset_limit(context, limit);
    int found = pcre2_match(code_->code, subject, text.size(), from, PCRE2_NO_UTF_CHECK, match, context);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT)
      found = pcre2_match(code_->code, subject, text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, match,
                          context);
    if (found == PCRE2_ERROR_NOMATCH) {
      // Nothing begins in this window; go on at the next character's first byte.
      from = limit;
      while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0U) == 0x80U) ++from;
      continue;
    }
    if (found == PCRE2_ERROR_NOMEMORY) return Status(TEMPER_E_MEMORY, "out of memory");
    if (found < 0) {
      PCRE2_UCHAR reason[128] = {};
      pcre2_get_error_message(found, reason, sizeof reason);
      return fail(TEMPER_E_FORMAT, "tokenizer: the pattern fails on this text: %s",
                  reinterpret_cast<const char *>(reason));
    }
    const size_t begin = bounds[0];
    const size_t end = bounds[1];
    if (begin < done || end < begin || end > text.size())
      return Status(TEMPER_E_FORMAT, "tokenizer: the pattern's matches overlap");
    if (begin > done) spans.push_back({base + done, base + begin, false});
    spans.push_back({base + begin, base + end, true});
    done = end;
    from = end;
    // An empty match cuts the text there; the search goes on one character further.
    if (end == begin) from = end < text.size() ? end + next_utf8(text, end).size : end + 1;
  }
  if (done < text.size()) spans.push_back({base + done, base + text.size(), false});
  return Status();
}

}  // namespace temper
