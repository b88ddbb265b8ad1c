// SPDX-License-Identifier: Apache-2.0
// A session being stepped, and what is known of each row so far.
#ifndef TEMPER_PROGRAM_GENERATION_H
#define TEMPER_PROGRAM_GENERATION_H

#include "handles.h"

#include <string>
#include <vector>

namespace program {

struct Prompt {
  std::string text;
  std::vector<int32_t> tokens;
};

/// A row of a generation.
struct Row {
  std::vector<int32_t> tokens;   ///< settled, without the prompt
  std::vector<int32_t> fresh;    ///< of these, what the last step settled
  std::vector<int32_t> window;   ///< tentative
  int32_t finished = TEMPER_ROW_RUNNING;
};

struct Step {
  temper_step_info info;
  double seconds;
};

class Generation {
public:
  /// @p limit: tokens of a row at most; 0: as many as the session gives.
  Generation(temper_session *session, const temper_model *model, std::vector<Prompt> prompts, int64_t limit);

  /// One step; false when there was nothing more to do or Ctrl-C came.
  bool step();

  const std::vector<Prompt> &prompts() const { return prompts_; }
  const std::vector<Row> &rows() const { return rows_; }
  const std::vector<Step> &steps() const { return steps_; }
  bool cancelled() const { return cancelled_; }
  bool undecided(int32_t token) const { return token < 0 || token == mask_; }
  double seconds() const;
  int64_t tokens() const;
  /// One line: tokens, steps, rows, speed.
  std::string summary() const;

private:
  void collect(size_t row);

  temper_session *session_;
  std::vector<Prompt> prompts_;
  std::vector<Row> rows_;
  std::vector<Step> steps_;
  std::vector<int32_t> buffer_;
  size_t limit_;
  int32_t mask_;
  bool cancelled_ = false;
};

/// Why a row ended, in words.
const char *finished_text(int32_t finished);

} // namespace program

#endif
