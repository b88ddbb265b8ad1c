// SPDX-License-Identifier: Apache-2.0
// Texts for people. They read the same whatever locale the program has set: "0.02", never "0,02".
#pragma once

#include <cstdarg>
#include <cstddef>
#include <string>
#include <string_view>

namespace temper {

// A number as printf's %.<digits>g writes it in the C locale.
struct NumberText {
  char text[40];
};
NumberText number_text(double value, int digits = 6) noexcept;

// printf, of which it knows %d %i %u %x %X %c %s %p %e %f %g with flags, width, precision and l, ll, z, h. Of the flags
// %e %f %g take `-` alone. Widths of numbers are at most 64, but for these three.
[[gnu::format(printf, 1, 2)]] std::string format_text(const char *format, ...);

// The same, with strings among the arguments shortened to `longest` bytes.
[[gnu::format(printf, 2, 0)]] std::string format_shortened(size_t longest, const char *format, va_list arguments);

// `text` in at most `longest` bytes (7 or more): the middle makes way for "...", because a path is told by its
// ends, and what went wrong stands at one of the ends of a message. Whole UTF-8 characters stay whole.
std::string shortened(std::string_view text, size_t longest);

}  // namespace temper
