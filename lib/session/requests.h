// SPDX-License-Identifier: Apache-2.0
// Which rows of logits a step's call is asked for, and what is done with them.
#pragma once

#include "engine/engine.h"
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

// Asks what the sampler wants to know, and gives it the answers. Where somebody has to see whole rows it reads them
// before: score heads are decoded for others to work on, pairs are combined, the caller's functions look at them, and
// published modes of samplers choose from them.
class RequestWork final : public Interviewer, private LogitReader {
 public:
  RequestWork(const Frame &frame, std::span<Sequence> sequences, const Requests &requests, Engine &engine)
      : frame_(frame), sequences_(sequences), requests_(requests), engine_(engine) {}

  // Puts itself into the engine's call.
  void join(Call &call);
  Status ask(size_t wanted, Questions &questions) override;
  Status take(size_t wanted, std::span<const temper_answer> answers) override;
  // Of measured pairs; -1: none were.
  double difference() const noexcept { return difference_; }

 private:
  Status read(int32_t first, int32_t count, float *logits, const Threads &threads) override;
  bool reads_rows() const noexcept;
  // Score heads are decoded before anything else sees them.
  bool converts() const noexcept;
  const HeadDescription &head() const noexcept { return converts() ? frame_.converted_head : frame_.head; }
  const Request *request_of(size_t wanted) const noexcept;  // null: the second run's row of a pair
  Sequence &sequence_of(const Request &request) noexcept { return sequences_[static_cast<size_t>(request.sequence)]; }
  Draws draws_of(const Sequence &sequence, size_t proposal) const noexcept;
  std::span<float> row(float *logits, int32_t at) const noexcept;
  void convert(int32_t first, int32_t count, float *logits, const Threads &threads);
  void combine(int32_t count, float *logits);
  Status call_hook(int32_t first, int32_t count, float *logits);
  void look_at(const Request &request, std::span<const float> row, Workspace &workspace);

  const Frame &frame_;
  std::span<Sequence> sequences_;
  const Requests &requests_;
  Engine &engine_;
  std::atomic<bool> nothing_to_draw_{false};
  double difference_ = -1;
};

}  // namespace temper
