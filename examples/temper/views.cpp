// SPDX-License-Identifier: Apache-2.0
#include "views.h"

#include "screen.h"
#include "text.h"

#include <cstdio>
#include <thread>

namespace program {
namespace {

/// What stands in front of a row's text.
std::string prompt_of(const Progress &progress, const Words &words, size_t row, bool show) {
  const Prompt &prompt = progress.prompts()[row];
  if (!show || prompt.tokens.empty()) {
    return "";
  }
  return words.ids() ? join_ids(prompt.tokens) + " " : prompt.text;
}

void note_limit(const Progress &progress) {
  for (size_t row = 0; row < progress.rows().size(); ++row) {
    if (progress.rows()[row].finished == TEMPER_ROW_MODEL_LIMIT) {
      std::fflush(stdout);
      std::fprintf(stderr, "temper: row %zu ended at the model's trained length (see --sliding-context)\n", row);
    }
  }
}

/// All rows, each under a heading when there are several.
void print_rows(const Progress &progress, const Words &words, bool show_prompt) {
  for (size_t row = 0; row < progress.rows().size(); ++row) {
    if (progress.rows().size() > 1) {
      std::printf("%s== row %zu: %zu tokens, %s\n", row > 0 ? "\n" : "", row, progress.rows()[row].tokens.size(),
                  finished_text(progress.rows()[row].finished));
    }
    std::printf("%s%s\n", prompt_of(progress, words, row, show_prompt).c_str(),
                words.text(progress.rows()[row].tokens).c_str());
  }
}

class TextView : public View {
public:
  TextView(const Progress &progress, const Words &words, bool show_prompt)
      : progress_(progress), words_(words), show_prompt_(show_prompt), stream_(words),
        single_(progress.rows().size() == 1) {}

  void begin() override {
    if (single_) {
      write(prompt_of(progress_, words_, 0, show_prompt_));
      write(stream_.push(news())); // of a session that goes on
    }
  }

  void step() override {
    if (single_) {
      write(stream_.push(news()));
    }
  }

  void end() override {
    if (single_) {
      write(stream_.push(news())); // what settled without a step
      write(stream_.finish() + "\n");
    } else {
      print_rows(progress_, words_, show_prompt_);
    }
    note_limit(progress_);
  }

private:
  /// Tokens of the only row that haven't been shown yet.
  std::vector<int32_t> news() {
    const std::vector<int32_t> &tokens = progress_.rows()[0].tokens;
    const std::vector<int32_t> out(tokens.begin() + static_cast<std::ptrdiff_t>(shown_), tokens.end());
    shown_ = tokens.size();
    return out;
  }

  static void write(const std::string &text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }

  const Progress &progress_;
  const Words &words_;
  bool show_prompt_;
  TextStream stream_;
  size_t shown_ = 0;
  bool single_;
};

class WatchView : public View {
public:
  WatchView(const Progress &progress, const Words &words, bool show_prompt, int delay_ms)
      : progress_(progress), words_(words), show_prompt_(show_prompt), stream_(words),
        delay_(delay_ms), single_(progress.rows().size() == 1) {}

  void begin() override {
    if (single_ && screen_.terminal()) {
      screen_.settle(prompt_of(progress_, words_, 0, show_prompt_));
      screen_.settle(stream_.push(news()));
      screen_.flush();
    }
  }

  void step() override {
    if (!screen_.terminal()) {
      lines();
    } else if (single_) {
      screen_.settle(stream_.push(news()));
      screen_.draft(window(0));
    } else {
      screen_.draft(frame());
    }
    screen_.flush();
    if (delay_.count() > 0) {
      std::this_thread::sleep_for(delay_);
    }
  }

  void end() override {
    screen_.clear();
    if (screen_.terminal() && single_) {
      screen_.settle(stream_.push(news()));
      screen_.settle(stream_.finish() + "\n");
      screen_.flush();
    } else {
      print_rows(progress_, words_, show_prompt_);
    }
    note_limit(progress_);
  }

private:
  /// Tokens of the only row that haven't been shown yet.
  std::vector<int32_t> news() {
    const std::vector<int32_t> &tokens = progress_.rows()[0].tokens;
    const std::vector<int32_t> out(tokens.begin() + static_cast<std::ptrdiff_t>(shown_), tokens.end());
    shown_ = tokens.size();
    return out;
  }

  /// The window as pieces: decided stretches as text, every undecided position as one shade.
  std::vector<Piece> window(size_t row) const {
    std::vector<Piece> pieces;
    std::vector<int32_t> decided;
    const auto flush = [&] {
      if (!decided.empty()) {
        const std::string text = words_.text(decided);
        pieces.push_back({words_.ids() ? " " + text : text, Style::tentative});
        decided.clear();
      }
    };
    std::vector<int32_t> tokens = progress_.rows()[row].window;
    const std::vector<int32_t> ahead = progress_.ahead(row);
    tokens.insert(tokens.end(), ahead.begin(), ahead.end());
    for (const int32_t token : tokens) {
      if (!progress_.undecided(token)) {
        decided.push_back(token);
        continue;
      }
      flush();
      if (pieces.empty() || pieces.back().style != Style::undecided) {
        pieces.push_back({"", Style::undecided});
      }
      pieces.back().text += "\xe2\x96\x91"; // a light shade
    }
    flush();
    return pieces;
  }

  /// All rows at once, each as much of its end as fits.
  std::vector<Piece> frame() const {
    std::vector<Piece> pieces;
    const size_t count = progress_.rows().size();
    const size_t lines = static_cast<size_t>(std::max(screen_.height() - 3, 2)) / count;
    const size_t room = std::max<size_t>(lines, 2) - 1;
    for (size_t row = 0; row < count; ++row) {
      const std::vector<Piece> draft = window(row);
      std::string text = presentable(prompt_of(progress_, words_, row, show_prompt_) +
                                     words_.text(progress_.rows()[row].tokens));
      const size_t most = room * static_cast<size_t>(screen_.width()) * 2 / 3;
      if (text.size() > most) {
        text = "..." + presentable(text.substr(text.size() - most));
      }
      for (char &c : text) {
        c = c == '\n' ? ' ' : c;
      }
      pieces.push_back({(row > 0 ? "\n" : "") + std::to_string(row) + "  ", Style::undecided});
      pieces.push_back({text, Style::final});
      pieces.insert(pieces.end(), draft.begin(), draft.end());
    }
    return pieces;
  }

  /// Without a terminal: a line a step and row, settled text and window apart.
  void lines() const {
    for (size_t row = 0; row < progress_.rows().size(); ++row) {
      std::string line = words_.text(progress_.rows()[row].tokens) + "|";
      for (const Piece &piece : window(row)) {
        line += piece.text;
      }
      line = presentable(line);
      for (char &c : line) {
        c = c == '\n' ? ' ' : c;
      }
      std::printf("step %d row %zu: %s\n", progress_.steps().back().info.step, row, line.c_str());
    }
  }

  const Progress &progress_;
  const Words &words_;
  bool show_prompt_;
  TextStream stream_;
  size_t shown_ = 0;
  Screen screen_;
  std::chrono::milliseconds delay_;
  bool single_;
};

} // namespace

std::unique_ptr<View> make_text_view(const Progress &progress, const Words &words, bool show_prompt) {
  return std::make_unique<TextView>(progress, words, show_prompt);
}

std::unique_ptr<View> make_watch_view(const Progress &progress, const Words &words, bool show_prompt, int delay_ms) {
  return std::make_unique<WatchView>(progress, words, show_prompt, delay_ms);
}

} // namespace program
