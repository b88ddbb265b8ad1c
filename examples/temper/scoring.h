// SPDX-License-Identifier: Apache-2.0
// Texts cut into windows of a model's length, and their score.
#ifndef TEMPER_PROGRAM_SCORING_H
#define TEMPER_PROGRAM_SCORING_H

#include "handles.h"

#include <vector>

namespace CLI {
class App;
}

namespace program {

/// A text's tokens with what stands before them and isn't scored.
struct Text {
  std::vector<int32_t> tokens;
  size_t prefix = 0;
};

struct Window {
  size_t text = 0;               ///< index of the text it is cut from
  size_t first = 0;              ///< its first scored token there
  std::vector<int32_t> tokens;   ///< begin token and context included
  size_t prefix = 0;
  std::vector<double> terms;     ///< of tokens, once scored
  int64_t scored = 0;
  double nats = 0;
};

/// How a text is cut. Each window scores its own tokens; without a stride the windows lie side by side, each
/// behind a begin token; a stride of S scores S tokens a window behind as many earlier ones as fit.
struct Cutting {
  int64_t length = 0;   ///< positions of a window
  int64_t stride = 0;   ///< 0: none
  int64_t windows = 0;  ///< at most so many of a text; 0: all
  int32_t begin = -1;   ///< begin token; -1: none
};
std::vector<Window> cut(const std::vector<Text> &texts, const Cutting &cutting);

/// Positions of a window: @p wanted (0: the model's trained length, or 1024), no more than the model has.
int64_t window_length(const temper_model *model, int64_t wanted);
/// The model's begin token, else its end token, else -1.
int32_t begin_token(const temper_model *model);

struct Sampling {
  int64_t samples = 0;
  int replicates = 0, batch = 0;
  uint64_t seed = 0;
  bool no_cache = false;
  void add_to(CLI::App &app, bool with_seed);
};

/// Scores all windows; progress goes to standard error when that is a terminal, and Ctrl-C stops it.
temper_score_result score(temper_model *model, const temper_hyperschedule *schedule, const temper_noise *noise,
                          const Sampling &sampling, std::vector<Window> &windows);

/// Was the last score stopped by Ctrl-C?
bool score_was_stopped();

} // namespace program

#endif
