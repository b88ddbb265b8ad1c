// SPDX-License-Identifier: Apache-2.0
// A generation in progress, and what is known of each row so far.
#ifndef TEMPER_PROGRAM_GENERATION_H
#define TEMPER_PROGRAM_GENERATION_H

#include "handles.h"
#include "settings.h"

#include <string>
#include <vector>

namespace program {

/// A row of a generation.
struct Row {
  std::vector<int32_t> tokens;   ///< settled, without the prompt
  std::vector<int32_t> taken;    ///< what the last step settled, also what is more than was asked for
  std::vector<int32_t> window;   ///< tentative
  int32_t finished = TEMPER_ROW_RUNNING;
  int64_t call = 0;                            ///< model calls so far
  int64_t settled_begin = 0, settled_end = 0;  ///< what the last step settled, the prompt counted
};

struct Step {
  temper_step_info info;
  double seconds;
};

/// What can be seen of a generation, whether a session makes it now or it was recorded.
class Progress {
public:
  Progress(std::vector<Prompt> prompts, int32_t mask)
      : prompts_(std::move(prompts)), rows_(prompts_.size()), mask_(mask) {}
  virtual ~Progress() = default;

  /// One step; false when there was nothing more to do or Ctrl-C came.
  virtual bool step() = 0;

  const std::vector<Prompt> &prompts() const { return prompts_; }
  const std::vector<Row> &rows() const { return rows_; }
  const std::vector<Step> &steps() const { return steps_; }
  bool cancelled() const { return cancelled_; }
  bool undecided(int32_t token) const { return token < 0 || token == mask_; }
  /// What stands behind the window because it was fixed, with -1 between; empty when nothing is.
  std::vector<int32_t> ahead(size_t row) const;
  double seconds() const;
  int64_t tokens() const;
  /// One line: tokens, steps, rows, speed.
  std::string summary() const;

protected:
  std::vector<Prompt> prompts_;
  std::vector<Row> rows_;
  std::vector<Step> steps_;
  bool cancelled_ = false;

private:
  int32_t mask_;
};

class Generation : public Progress {
public:
  /// @p limit: tokens of a row at most; 0: as many as the session gives.
  Generation(temper_session *session, const temper_model *model, std::vector<Prompt> prompts, int64_t limit);

  bool step() override;
  /// After the session was restored: takes over what had settled by then.
  void take_over();
  /// Where the tokens of a row come from; empty when the session has forgotten it.
  std::vector<temper_token_record> provenance(size_t row) const;

private:
  void collect(size_t row);
  void take(size_t row, const int32_t *tokens, size_t count);

  temper_session *session_;
  std::vector<int32_t> buffer_;
  size_t limit_;
};

/// Why a row ended, in words.
const char *finished_text(int32_t finished);

} // namespace program

#endif
