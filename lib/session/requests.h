// SPDX-License-Identifier: Apache-2.0
// Which rows of logits a step's call is asked for, and what is done with them.
#pragma once

#include "engine/call.h"
#include "session/frame.h"

#include <atomic>
#include <span>
#include <vector>

namespace temper {

// A row of logits that is wanted: for which position of whose window.
struct Request {
  int32_t sequence = 0;
  int32_t active = 0;
};

// What a call is made for.
enum class Purpose {
  step,    // new tokens
  preview  // what the model would make of a candidate
};

// The requests of one call; with two runs of the model (`pairs`) two rows for each, the second run's first.
struct Requests {
  Purpose purpose = Purpose::step;
  int32_t candidate = 0;  // that is looked at in a preview
  bool pairs = false;
  std::vector<Request> list;

  int32_t rows_each() const noexcept { return pairs ? 2 : 1; }
  const CallWindow &window_of(const Sequence &sequence) const noexcept {
    return purpose == Purpose::step ? sequence.window : sequence.preview.window;
  }
};

// Reads the rows of a call: score heads are decoded where others work on them, pairs are combined, the caller's functions
// see them, and the sampler proposes.
class RequestReader final : public LogitReader {
 public:
  RequestReader(const Frame &frame, std::span<Sequence> sequences, const Requests &requests,
                std::span<Workspace> workspaces)
      : frame_(frame), sequences_(sequences), requests_(requests), workspaces_(workspaces) {}

  Status read(int32_t first, int32_t count, float *logits, const Threads &threads) override;
  // Of measured pairs; -1: none were.
  double difference() const noexcept { return difference_; }

 private:
  std::span<float> row(float *logits, int32_t at) const noexcept;
  void convert(int32_t first, int32_t count, float *logits, const Threads &threads);
  void combine(int32_t count, float *logits);
  Status call_hook(int32_t first, int32_t count, float *logits);
  void propose(const Request &request, std::span<const float> row, Workspace &workspace);
  void estimate(const Request &request, std::span<const float> row, Workspace &workspace);

  const Frame &frame_;
  std::span<Sequence> sequences_;
  const Requests &requests_;
  std::span<Workspace> workspaces_;
  const HeadDescription *head_ = nullptr;  // of the rows as they are now
  std::atomic<bool> not_finite_{false};
  double difference_ = -1;
};

}  // namespace temper
