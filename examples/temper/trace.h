// SPDX-License-Identifier: Apache-2.0
// A generation written down step by step, as JSON lines: first what it was made with, then what every step
// did, last where the tokens came from. Enough to run it again and compare, or to show it without a model.
#ifndef TEMPER_PROGRAM_TRACE_H
#define TEMPER_PROGRAM_TRACE_H

#include "generation.h"
#include "opening.h"
#include "text.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <set>

namespace program {

/// Makes the lines of a generation.
class Tracer {
public:
  /// @p words: bytes of tokens are noted when they are seen first. Ids: none are.
  Tracer(const Generation &generation, const Words &words);

  nlohmann::json header(const Settings &settings, const Opening &opening, const temper_model *model);
  /// What the last step did: rows that were running, and of each the positions whose token is another one.
  nlohmann::json step();
  nlohmann::json end() const;

private:
  struct Known {
    int64_t settled = 0;           ///< the prompt counted
    std::vector<int32_t> tokens;   ///< from position 0; -1: undecided
    bool finished = false;
  };

  void spell(nlohmann::json &line, const std::vector<int32_t> &tokens);

  const Generation &generation_;
  const Words &words_;
  std::vector<Known> rows_;
  std::set<int32_t> spelled_;
};

/// A file that lines are added to, each written out at once.
class LineFile {
public:
  explicit LineFile(const std::string &path);
  ~LineFile();
  LineFile(const LineFile &) = delete;
  LineFile &operator=(const LineFile &) = delete;
  void write(const nlohmann::json &line);

private:
  std::string path_;
  std::FILE *file_;
};

/// A trace that was read.
struct Recording {
  Settings settings;
  Opening opening;          ///< path and corrections of the model, and the backend it ran on
  bool ids = false;
  int32_t mask = -1;
  std::vector<nlohmann::json> steps;
  nlohmann::json end;       ///< null: it was cut off
  std::map<int32_t, std::string> bytes;
};

/// Throws Failure with the line that can't be read.
Recording read_trace(const std::string &path);

/// In what two lines of a step (or the end) differ, in words; empty: in nothing.
std::string difference(const nlohmann::json &recorded, const nlohmann::json &now);

/// A recorded generation, step by step.
class Recorded : public Progress {
public:
  explicit Recorded(const Recording &recording);
  bool step() override;

private:
  const Recording &recording_;
  std::vector<std::vector<int32_t>> known_; ///< by row, from position 0
};

} // namespace program

#endif
