// SPDX-License-Identifier: Apache-2.0
// The host's own way to answer questions about rows of logits (backends/question.h). Knows nothing of samplers.
#pragma once

#include "backends/question.h"
#include "base/status.h"
#include "runtime/memory.h"

#include <cstdint>
#include <memory>
#include <span>

namespace temper {

// Scratch memory of one thread, for rows of at most columns() columns.
class Workspace {
 public:
  // TEMPER_E_UNSUPPORTED for less than 1 or more than TEMPER_MOST_COLUMNS columns.
  static Result<Workspace> create(int32_t columns, const temper_allocator &allocator = default_allocator());
  Workspace(Workspace &&) noexcept;
  Workspace &operator=(Workspace &&) noexcept;
  ~Workspace();
  int32_t columns() const noexcept;
  static size_t bytes(int32_t columns) noexcept;  // what create() takes from the allocator

  struct Memory;
  Memory &memory() noexcept { return *memory_; }

 private:
  explicit Workspace(std::unique_ptr<Memory> memory) noexcept;
  std::unique_ptr<Memory> memory_;
};

// About a row whose every column is a token: nothing is shaped, filtered or asked, the temperature is 1. The caller
// sets `columns` and `vocabulary`, and what it wants to know.
temper_question plain_question() noexcept;

// Allocates nothing; the row isn't changed. A row shorter than the question's columns, or wider than the
// workspace, holds nothing to draw.
temper_answer answer_row(const temper_question &question, std::span<const float> row, Workspace &workspace) noexcept;

// Turns a row of scores into the logits of the prediction, in place, as step 2 of an answer does. The question says
// what the row is. False: there is nothing in it to draw, and it is unchanged.
bool decode_row(const temper_question &question, std::span<float> row, Workspace &workspace) noexcept;

}  // namespace temper
