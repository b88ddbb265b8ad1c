// SPDX-License-Identifier: Apache-2.0
#include "screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>

namespace program {
namespace {

/// Bytes of the well-formed character at @p at, or 0; its number in @p point.
size_t character(const std::string &text, size_t at, uint32_t &point) {
  const unsigned char first = static_cast<unsigned char>(text[at]);
  const size_t size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (size == 0 || first > 0xf4 || at + size > text.size()) {
    return 0;
  }
  point = size == 1 ? first : first & (0x7fu >> size);
  for (size_t i = 1; i < size; ++i) {
    const unsigned char next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xc0) != 0x80) {
      return 0;
    }
    point = point << 6 | (next & 0x3fu);
  }
  const bool overlong = (size == 3 && point < 0x800) || (size == 4 && point < 0x10000);
  const bool outside = point > 0x10ffff || (point >= 0xd800 && point < 0xe000);
  return overlong || outside ? 0 : size;
}

/// Columns a character takes on a terminal.
int columns(uint32_t point) {
  const bool combining = (point >= 0x300 && point <= 0x36f) || (point >= 0x200b && point <= 0x200f) ||
                         (point >= 0xfe00 && point <= 0xfe0f) || (point >= 0x20d0 && point <= 0x20ff);
  const bool wide = (point >= 0x1100 && point <= 0x115f) || (point >= 0x2e80 && point <= 0xa4cf) ||
                    (point >= 0xac00 && point <= 0xd7a3) || (point >= 0xf900 && point <= 0xfaff) ||
                    (point >= 0xfe30 && point <= 0xfe6f) || (point >= 0xff00 && point <= 0xff60) ||
                    (point >= 0xffe0 && point <= 0xffe6) || (point >= 0x1f300 && point <= 0x1faff) ||
                    (point >= 0x20000 && point <= 0x3fffd);
  return combining ? 0 : wide ? 2 : 1;
}

} // namespace

std::string presentable(const std::string &bytes) {
  std::string out;
  for (size_t at = 0; at < bytes.size();) {
    uint32_t point = 0;
    const size_t size = character(bytes, at, point);
    if (size == 0) {
      out += "\xef\xbf\xbd"; // the replacement character
      ++at;
      continue;
    }
    if (point >= 0x20 && !(point >= 0x7f && point < 0xa0)) {
      out.append(bytes, at, size);
    } else if (point == '\n' || point == '\t') {
      out += static_cast<char>(point);
    }
    at += size;
  }
  return out;
}

Screen::Screen() {
  winsize size{};
  terminal_ = isatty(STDOUT_FILENO) != 0;
  if (terminal_ && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
    width_ = size.ws_col > 1 ? size.ws_col : width_;
    height_ = size.ws_row > 2 ? size.ws_row : height_;
  }
}

/// Writes text and breaks its lines itself, so that it always knows where the cursor is.
void Screen::put(const std::string &text, Cursor &cursor) {
  for (size_t at = 0; at < text.size();) {
    uint32_t point = 0;
    const size_t size = character(text, at, point);
    if (size == 0) {
      ++at;
      continue;
    }
    if (point == '\n') {
      std::fputc('\n', stdout);
      ++cursor.line;
      cursor.column = 0;
    } else {
      const int taken = point == '\t' ? 8 - cursor.column % 8 : columns(point);
      if (cursor.column + taken > width_ - 1) {
        std::fputc('\n', stdout);
        ++cursor.line;
        cursor.column = 0;
      }
      if (point == '\t') {
        std::fprintf(stdout, "%*s", taken, "");
      } else {
        std::fwrite(text.data() + at, 1, size, stdout);
      }
      cursor.column += taken;
    }
    at += size;
  }
}

void Screen::settle(const std::string &text) {
  if (!terminal_) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return;
  }
  clear();
  put(presentable(text), end_);
}

void Screen::draft(const std::vector<Piece> &pieces) {
  if (!terminal_) {
    return;
  }
  clear();
  Cursor cursor = end_;
  for (const Piece &piece : pieces) {
    const std::string text = presentable(piece.text);
    std::fputs(piece.style == Style::final       ? ""
               : piece.style == Style::undecided ? "\033[90m"
                                                 : "\033[2m",
               stdout);
    for (size_t at = 0; at < text.size();) {
      uint32_t point = 0;
      const size_t size = character(text, at, point);
      // A draft taller than the screen couldn't be drawn over: its end stays unseen.
      if (cursor.line - end_.line < height_ - 2) {
        put(text.substr(at, size), cursor);
      }
      at += size;
    }
    std::fputs("\033[0m", stdout);
  }
  // Back to the end of the settled text, relative to here: the terminal may have scrolled.
  std::fputc('\r', stdout);
  if (cursor.line > end_.line) {
    std::fprintf(stdout, "\033[%dA", cursor.line - end_.line);
  }
  if (end_.column > 0) {
    std::fprintf(stdout, "\033[%dC", end_.column);
  }
  drawn_ = true;
}

void Screen::clear() {
  if (drawn_) {
    std::fputs("\033[J", stdout);
    drawn_ = false;
  }
}

void Screen::flush() { std::fflush(stdout); }

} // namespace program
