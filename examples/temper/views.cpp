// SPDX-License-Identifier: Apache-2.0
#include "views.h"

#include "choices.h"
#include "screen.h"
#include "text.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <thread>

namespace program {
namespace {

std::string text_of(const temper_tokenizer *tokenizer, const std::vector<int32_t> &tokens) {
  return tokenizer != nullptr ? decode(tokenizer, tokens) : join_ids(tokens);
}

/// What stands in front of a row's text.
std::string prompt_of(const Generation &generation, const temper_tokenizer *tokenizer, size_t row, bool show) {
  const Prompt &prompt = generation.prompts()[row];
  if (!show || prompt.tokens.empty()) {
    return "";
  }
  return tokenizer != nullptr ? prompt.text : join_ids(prompt.tokens) + " ";
}

void note_limit(const Generation &generation) {
  for (size_t row = 0; row < generation.rows().size(); ++row) {
    if (generation.rows()[row].finished == TEMPER_ROW_MODEL_LIMIT) {
      std::fflush(stdout);
      std::fprintf(stderr, "temper: row %zu ended at the model's trained length (see --sliding-context)\n", row);
    }
  }
}

/// All rows, each under a heading when there are several.
void print_rows(const Generation &generation, const temper_tokenizer *tokenizer, bool show_prompt) {
  for (size_t row = 0; row < generation.rows().size(); ++row) {
    if (generation.rows().size() > 1) {
      std::printf("%s== row %zu: %zu tokens, %s\n", row > 0 ? "\n" : "", row, generation.rows()[row].tokens.size(),
                  finished_text(generation.rows()[row].finished));
    }
    std::printf("%s%s\n", prompt_of(generation, tokenizer, row, show_prompt).c_str(),
                text_of(tokenizer, generation.rows()[row].tokens).c_str());
  }
}

class TextView : public View {
public:
  TextView(const Generation &generation, const temper_tokenizer *tokenizer, bool show_prompt)
      : generation_(generation), tokenizer_(tokenizer), show_prompt_(show_prompt), stream_(tokenizer),
        single_(generation.rows().size() == 1) {}

  void begin() override {
    if (single_) {
      write(prompt_of(generation_, tokenizer_, 0, show_prompt_));
    }
  }

  void step() override {
    if (single_) {
      write(stream_.push(generation_.rows()[0].fresh));
    }
  }

  void end() override {
    if (single_) {
      write(stream_.finish() + "\n");
    } else {
      print_rows(generation_, tokenizer_, show_prompt_);
    }
    note_limit(generation_);
  }

private:
  static void write(const std::string &text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }

  const Generation &generation_;
  const temper_tokenizer *tokenizer_;
  bool show_prompt_;
  TextStream stream_;
  bool single_;
};

class WatchView : public View {
public:
  WatchView(const Generation &generation, const temper_tokenizer *tokenizer, bool show_prompt, int delay_ms)
      : generation_(generation), tokenizer_(tokenizer), show_prompt_(show_prompt), stream_(tokenizer),
        delay_(delay_ms), single_(generation.rows().size() == 1) {}

  void begin() override {
    if (single_ && screen_.terminal()) {
      screen_.settle(prompt_of(generation_, tokenizer_, 0, show_prompt_));
      screen_.flush();
    }
  }

  void step() override {
    if (!screen_.terminal()) {
      lines();
    } else if (single_) {
      screen_.settle(stream_.push(generation_.rows()[0].fresh));
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
      screen_.settle(stream_.finish() + "\n");
      screen_.flush();
    } else {
      print_rows(generation_, tokenizer_, show_prompt_);
    }
    note_limit(generation_);
  }

private:
  /// The window as pieces: decided stretches as text, every undecided position as one shade.
  std::vector<Piece> window(size_t row) const {
    std::vector<Piece> pieces;
    std::vector<int32_t> decided;
    const auto flush = [&] {
      if (!decided.empty()) {
        const std::string text = text_of(tokenizer_, decided);
        pieces.push_back({tokenizer_ != nullptr ? text : " " + text, Style::tentative});
        decided.clear();
      }
    };
    for (const int32_t token : generation_.rows()[row].window) {
      if (!generation_.undecided(token)) {
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
    const size_t count = generation_.rows().size();
    const size_t lines = static_cast<size_t>(std::max(screen_.height() - 3, 2)) / count;
    const size_t room = std::max<size_t>(lines, 2) - 1;
    for (size_t row = 0; row < count; ++row) {
      const std::vector<Piece> draft = window(row);
      std::string text = presentable(prompt_of(generation_, tokenizer_, row, show_prompt_) +
                                     text_of(tokenizer_, generation_.rows()[row].tokens));
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
    for (size_t row = 0; row < generation_.rows().size(); ++row) {
      std::string line = text_of(tokenizer_, generation_.rows()[row].tokens) + "|";
      for (const Piece &piece : window(row)) {
        line += piece.text;
      }
      line = presentable(line);
      for (char &c : line) {
        c = c == '\n' ? ' ' : c;
      }
      std::printf("step %d row %zu: %s\n", generation_.steps().back().info.step, row, line.c_str());
    }
  }

  const Generation &generation_;
  const temper_tokenizer *tokenizer_;
  bool show_prompt_;
  TextStream stream_;
  Screen screen_;
  std::chrono::milliseconds delay_;
  bool single_;
};

class JsonView : public View {
public:
  JsonView(const Generation &generation, const temper_model *model, const temper_tokenizer *tokenizer, uint64_t seed)
      : generation_(generation), model_(model), tokenizer_(tokenizer), seed_(seed) {}

  void begin() override {}
  void step() override {}

  void end() override {
    nlohmann::json report = {{"version", temper_version_string()},
                             {"model", model_text(model_, TEMPER_MODEL_PATH)},
                             {"family", model_text(model_, TEMPER_MODEL_FAMILY)},
                             {"backend", model_text(model_, TEMPER_MODEL_BACKEND)},
                             {"seed", seed_},
                             {"cancelled", generation_.cancelled()},
                             {"rows", nlohmann::json::array()},
                             {"steps", nlohmann::json::array()}};
    for (size_t i = 0; i < generation_.rows().size(); ++i) {
      const Row &row = generation_.rows()[i];
      nlohmann::json entry = {{"prompt_tokens", generation_.prompts()[i].tokens},
                              {"tokens", row.tokens},
                              {"finished", finished_text(row.finished)}};
      if (tokenizer_ != nullptr) {
        entry["prompt"] = generation_.prompts()[i].text;
        entry["text"] = decode(tokenizer_, row.tokens);
      }
      report["rows"].push_back(std::move(entry));
    }
    for (const Step &step : generation_.steps()) {
      report["steps"].push_back({{"step", step.info.step},
                                 {"rows_running", step.info.rows_running},
                                 {"model_calls", step.info.model_calls},
                                 {"rows_computed", step.info.rows_computed},
                                 {"rows_cached", step.info.rows_cached},
                                 {"logit_rows", step.info.logit_rows},
                                 {"settled", step.info.settled},
                                 {"changed", step.info.changed},
                                 {"logits_reused", step.info.logits_reused != 0},
                                 {"ms", step.seconds * 1e3}});
    }
    const double seconds = generation_.seconds();
    report["timing"] = {{"seconds", seconds},
                        {"tokens", generation_.tokens()},
                        {"tokens_per_second", seconds > 0.0 ? static_cast<double>(generation_.tokens()) / seconds : 0.0}};
    // Bytes of a character cut in the middle become the replacement character: JSON is UTF-8.
    std::printf("%s\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  }

private:
  const Generation &generation_;
  const temper_model *model_;
  const temper_tokenizer *tokenizer_;
  uint64_t seed_;
};

} // namespace

std::unique_ptr<View> make_text_view(const Generation &generation, const temper_tokenizer *tokenizer,
                                     bool show_prompt) {
  return std::make_unique<TextView>(generation, tokenizer, show_prompt);
}

std::unique_ptr<View> make_watch_view(const Generation &generation, const temper_tokenizer *tokenizer,
                                      bool show_prompt, int delay_ms) {
  return std::make_unique<WatchView>(generation, tokenizer, show_prompt, delay_ms);
}

std::unique_ptr<View> make_json_view(const Generation &generation, const temper_model *model,
                                     const temper_tokenizer *tokenizer, uint64_t seed) {
  return std::make_unique<JsonView>(generation, model, tokenizer, seed);
}

} // namespace program
