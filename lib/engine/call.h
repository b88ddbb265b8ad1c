// SPDX-License-Identifier: Apache-2.0
// One call of a model: rows of any number of sequences, which of their logits are wanted, and who asks about those
// (backends/question.h). An engine owns one and runs it; sessions, scores and evaluators fill it in.
#pragma once

#include "backends/backend.h"
#include "backends/question.h"
#include "base/status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace temper {

// One row: it attends to slots [visible_begin, visible_end) of its lane. Rows of one lane stand in slot order.
struct Row {
  int32_t token = 0;      // -1: a zero embedding
  int64_t position = 0;   // absolute
  int32_t condition = 0;  // of the engine's conditions
  temper_lane *lane = nullptr;
  int32_t slot = 0;
  int32_t visible_begin = 0;
  int32_t visible_end = 0;
};

// The host's threads, as work on logits sees them.
class Threads {
 public:
  virtual ~Threads() = default;
  virtual int32_t workers() const noexcept = 0;
  // body(index, worker) for 0 <= index < count, worker < workers().
  template <typename Body>
  void each(int32_t count, Body body) const {
    run([](void *argument, int32_t index, int32_t worker) { (*static_cast<Body *>(argument))(index, worker); }, &body,
        count);
  }

 protected:
  virtual void run(temper_task_fn task, void *argument, int32_t count) const = 0;
};

// Work on whole rows of logits, on the host: evaluators and scores, guidance, a caller's function. Where the logits are
// elsewhere all of them are copied to the host for it.
class LogitReader {
 public:
  virtual ~LogitReader() = default;
  // `logits` is [count][columns] of the wanted rows first, first + 1, ... in the order in which they were asked for. It may
  // be changed; questions about these rows are answered afterwards. An error ends the call.
  virtual Status read(int32_t first, int32_t count, float *logits, const Threads &threads) = 0;
};

// Questions about the wanted rows of a chunk, with their answers.
class Questions {
 public:
  void reserve(size_t count);
  void clear() noexcept;
  // Questions that follow are about row `row` of the chunk; rows come in order.
  void begin_row(int32_t row) noexcept { row_ = row; }
  // What a question points to stays until it is answered. False when there is no room.
  bool ask(const temper_question &question) noexcept;

  std::span<temper_question> list() noexcept { return list_; }
  std::span<const int32_t> rows() const noexcept { return rows_; }
  std::span<temper_answer> answers() noexcept { return answers_; }

 private:
  int32_t row_ = 0;
  std::vector<temper_question> list_;
  std::vector<int32_t> rows_;           // of each question
  std::vector<temper_answer> answers_;  // of each question
};

// Asks about wanted rows, and is told. All that a question needs is known before the logits are; it is put chunk by chunk
// because a question takes more memory than its answer.
class Interviewer {
 public:
  virtual ~Interviewer() = default;
  // About the wanted row of this number. An error ends the call.
  virtual Status ask(size_t wanted, Questions &questions) = 0;
  // The answers to that, in order; none when nothing was asked.
  virtual Status take(size_t wanted, std::span<const temper_answer> answers) = 0;
};

class Call {
 public:
  // Room for so many rows, and so many of them whose logits are wanted.
  void reserve(int32_t rows, int32_t wanted);

  void clear() noexcept;
  // The row's index, or -1 when the call is full.
  int32_t add(const Row &row) noexcept;
  int32_t count() const noexcept { return count_; }

  // The logits of a row are wanted; a row may be wanted more than once. False when there is no room.
  bool want(int32_t row) noexcept;
  std::span<const int32_t> wanted() const noexcept { return wanted_; }
  // Sees the wanted rows as they are; none: nobody does.
  void set_reader(LogitReader *reader) noexcept { reader_ = reader; }
  LogitReader *reader() const noexcept { return reader_; }
  // Asks about the wanted rows; none: nobody does.
  void set_interviewer(Interviewer *interviewer) noexcept { interviewer_ = interviewer; }
  Interviewer *interviewer() const noexcept { return interviewer_; }

  std::span<const int64_t> positions() const noexcept { return {positions_.data(), static_cast<size_t>(count_)}; }
  int32_t condition(int32_t row) const noexcept { return conditions_[static_cast<size_t>(row)]; }
  // As a backend takes them; `places` are the positions' own numbers there (rotary.h), one for each row.
  temper_rows rows(const int32_t *places) const noexcept;

 private:
  int32_t count_ = 0;
  std::vector<int64_t> positions_;
  std::vector<int32_t> tokens_, conditions_, slots_, begins_, ends_;
  std::vector<temper_lane *> lanes_;
  std::vector<int32_t> wanted_;
  LogitReader *reader_ = nullptr;
  Interviewer *interviewer_ = nullptr;
};

}  // namespace temper
