// SPDX-License-Identifier: Apache-2.0
// Showing text that is still changing: what is settled stays, what isn't is drawn dim behind it and drawn
// over at the next step.
#ifndef TEMPER_PROGRAM_SCREEN_H
#define TEMPER_PROGRAM_SCREEN_H

#include <string>
#include <vector>

namespace program {

/// How a stretch of text is drawn: as final text is, dim, or as the shade of what isn't decided.
enum class Style { final, tentative, undecided };

struct Piece {
  std::string text;
  Style style = Style::tentative;
};

/// Bytes as valid UTF-8 without control characters: a draft may break a character in the middle.
std::string presentable(const std::string &bytes);

/// A terminal (or a plain file) that is written from the top down.
class Screen {
public:
  Screen();
  bool terminal() const { return terminal_; }
  int height() const { return height_; }
  int width() const { return width_; }

  /// Final text: stays where it is.
  void settle(const std::string &text);
  /// The draft behind the settled text; replaces the one before.
  void draft(const std::vector<Piece> &pieces);
  /// Removes the draft.
  void clear();
  void flush();

private:
  struct Cursor {
    int line = 0, column = 0;
  };

  void put(const std::string &text, Cursor &cursor);

  bool terminal_ = false;
  int width_ = 80, height_ = 24;
  Cursor end_;      ///< of the settled text
  bool drawn_ = false;
};

} // namespace program

#endif
