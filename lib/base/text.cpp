// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>

namespace temper {
namespace {

// One conversion of a format: "%-5.3lld" is flags, width, precision, size and kind.
struct Directive {
  char flags[8] = "";
  int width = 0;
  int precision = -1;  // none
  char size[3] = "";
  char kind = 0;
};

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

int read_number(const char *&at, va_list *arguments) {
  if (*at == '*') {
    ++at;
    return va_arg(*arguments, int);
  }
  int value = 0;
  for (; is_digit(*at); ++at) value = std::min(value * 10 + (*at - '0'), 4096);
  return value;
}

// Reads behind a '%' up to and with the kind.
Directive read_directive(const char *&at, va_list *arguments) {
  Directive directive;
  for (size_t i = 0; *at != 0 && std::strchr("-+ #0", *at) != nullptr && i + 1 < sizeof directive.flags; ++at)
    directive.flags[i++] = *at;
  if (is_digit(*at) || *at == '*') directive.width = read_number(at, arguments);
  if (*at == '.') directive.precision = read_number(++at, arguments);
  for (size_t i = 0; (*at == 'l' || *at == 'z' || *at == 'h') && i + 1 < sizeof directive.size; ++at)
    directive.size[i++] = *at;
  if (*at != 0) directive.kind = *at++;
  return directive;
}

void append_padded(std::string &out, const Directive &directive, std::string_view text) {
  const size_t width = directive.width < 0 ? 0 : static_cast<size_t>(directive.width);
  const size_t gap = width > text.size() ? width - text.size() : 0;
  const bool left = std::strchr(directive.flags, '-') != nullptr;
  if (!left) out.append(gap, ' ');
  out.append(text);
  if (left) out.append(gap, ' ');
}

// Whole numbers, characters and pointers read the same in every locale: printf writes them.
template <typename Value>
void append_by_printf(std::string &out, const Directive &directive, Value value) {
  char format[32], text[96];
  (void)std::snprintf(format, sizeof format, directive.precision < 0 ? "%%%s*%s%c" : "%%%s*.*%s%c", directive.flags,
                      directive.size, directive.kind);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  const int width = std::min(directive.width, 64), precision = std::min(directive.precision, 64);
  const int length = precision < 0 ? std::snprintf(text, sizeof text, format, width, value)
                                   : std::snprintf(text, sizeof text, format, width, precision, value);
#pragma GCC diagnostic pop
  if (length > 0) out.append(text, std::min(static_cast<size_t>(length), sizeof text - 1));
}

void append_real(std::string &out, const Directive &directive, double value) {
  const auto style = directive.kind == 'e'   ? std::chars_format::scientific
                     : directive.kind == 'f' ? std::chars_format::fixed
                                             : std::chars_format::general;
  char text[400];  // the largest double has 309 digits before the point
  const int digits = std::min(directive.precision < 0 ? 6 : directive.precision, 60);
  const std::to_chars_result end = std::to_chars(text, text + sizeof text, value, style, digits);
  append_padded(out, directive, {text, static_cast<size_t>(end.ptr - text)});
}

void append_string(std::string &out, const Directive &directive, const char *value, size_t longest) {
  if (value == nullptr) value = "(null)";
  const size_t most = directive.precision < 0 ? std::numeric_limits<size_t>::max()
                                              : static_cast<size_t>(directive.precision);
  size_t length = 0;
  while (length < most && value[length] != 0) ++length;
  append_padded(out, directive, length > longest ? shortened({value, length}, longest) : std::string(value, length));
}

void append_argument(std::string &out, const Directive &directive, va_list *arguments, size_t longest) {
  const std::string_view size = directive.size;
  switch (directive.kind) {
    case '%': out += '%'; return;
    case 's': return append_string(out, directive, va_arg(*arguments, const char *), longest);
    case 'c': return append_by_printf(out, directive, va_arg(*arguments, int));
    case 'p': return append_by_printf(out, directive, va_arg(*arguments, void *));
    case 'e': case 'f': case 'g': return append_real(out, directive, va_arg(*arguments, double));
    case 'd': case 'i': case 'u': case 'x': case 'X':
      if (size == "ll") return append_by_printf(out, directive, va_arg(*arguments, long long));
      if (size == "l") return append_by_printf(out, directive, va_arg(*arguments, long));
      if (size == "z") return append_by_printf(out, directive, va_arg(*arguments, size_t));
      return append_by_printf(out, directive, va_arg(*arguments, int));
    default: return;
  }
}

bool continues_character(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

}  // namespace

NumberText number_text(double value, int digits) noexcept {
  NumberText number;
  char *const last = number.text + sizeof number.text - 1;
  *std::to_chars(number.text, last, value, std::chars_format::general, std::clamp(digits, 1, 17)).ptr = '\0';
  return number;
}

std::string format_shortened(size_t longest, const char *format, va_list arguments) {
  std::string out;
  va_list rest;
  va_copy(rest, arguments);
  for (const char *at = format; *at != 0;) {
    if (*at != '%') {
      out += *at++;
      continue;
    }
    const Directive directive = read_directive(++at, &rest);
    append_argument(out, directive, &rest, longest);
  }
  va_end(rest);
  return out;
}

std::string format_text(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::string text = format_shortened(std::numeric_limits<size_t>::max(), format, arguments);
  va_end(arguments);
  return text;
}

std::string shortened(std::string_view text, size_t longest) {
  if (text.size() <= longest) return std::string(text);
  const size_t kept = std::max<size_t>(longest, 7) - 3;
  size_t head = kept / 2, tail = text.size() - (kept - kept / 2);
  while (head > 0 && continues_character(text[head])) --head;
  while (tail < text.size() && continues_character(text[tail])) ++tail;
  return std::string(text.substr(0, head)) + "..." + std::string(text.substr(tail));
}

}  // namespace temper
