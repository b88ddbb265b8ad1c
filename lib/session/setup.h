// SPDX-License-Identifier: Apache-2.0
// What may be said of a sequence before its session's first step: its prompt, and single positions.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <span>

namespace temper {

struct Frame;
struct Sequence;
class Session;

// The first token of a shifted model is predicted by the row before it: without a prompt a begin token is put there.
Status add_begin_token(const Frame &frame, Sequence &sequence);
// Where the positions that are generated begin: behind the prompt, or behind the begin token that is to be put there.
Result<int64_t> generated_begin(const Frame &frame, const Sequence &sequence);

// A view of one sequence of a session, for one statement.
class Setup {
 public:
  Setup(Session &session, int32_t row) noexcept;

  Status set_id(uint32_t id);
  Status prompt(std::span<const int32_t> tokens);
  Status fix(std::span<const int64_t> positions, std::span<const int32_t> tokens);
  Status draft(std::span<const int32_t> tokens, std::span<const int32_t> levels, bool corrupt);
  Status weights(std::span<const float> weights);
  Status allow(int64_t position, std::span<const int32_t> tokens);
  Status unconditional(std::span<const int32_t> tokens);

 private:
  Status check_not_begun(const char *what) const;
  Status check_token(int32_t token) const;
  // Single positions can be spoken of; where the first one is that is generated.
  Result<int64_t> check_bend(const char *what);
  // Makes room for rows whose single positions are spoken of: the last thing that may fail.
  Status bend();

  Session &session_;
  const Frame &frame_;
  Sequence &sequence_;
};

}  // namespace temper
