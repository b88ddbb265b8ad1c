// SPDX-License-Identifier: Apache-2.0
// What all sequences of a session have in common while a step is made: what it was created from, its options and sizes,
// the caller's functions. Functions of a step take it and a sequence; none of them needs the model to be there.
#pragma once

#include "session/plan.h"
#include "session/sequence.h"

#include <memory>
#include <span>

namespace temper {

// Looks at the raw logits (float, `columns` of them) that predict a position, before the sampler does; on
// any of the host's threads. For tests and traces.
struct LogitTap {
  void (*function)(void *user, int32_t row, int64_t position, std::span<const float> logits) = nullptr;
  void *user = nullptr;
};

// The caller's own work on logits and on candidates, on the thread that steps.
struct LogitHook {
  temper_logits_fn function = nullptr;
  void *user = nullptr;
};
struct ValueHook {
  temper_value_fn function = nullptr;
  void *user = nullptr;
  double alpha = 1;
};

struct SessionHooks {
  LogitTap tap;
  LogitHook logits;
  ValueHook value;
};

struct Frame {
  // The model's, or a spec for a frame without one (a test's).
  explicit Frame(SessionParts made_of, std::shared_ptr<const Spec> of = nullptr);

  SessionParts parts;
  std::shared_ptr<const Spec> spec;
  HeadDescription head;            // of the model's rows
  HeadDescription converted_head;  // of rows whose scores were decoded for others to work on
  SessionOptions options;
  SessionPlan plan;
  SessionHooks hooks;
  int64_t length = 0;  // as the caller gave it
  uint64_t seed = 0;

  // One set of draws per model call of a sequence: calls that stay at their place in the hyperschedule count too.
  Draws draws(const Standing &sequence, int64_t number, int64_t position) const noexcept {
    return {seed, sequence.id, static_cast<uint32_t>(number), static_cast<uint32_t>(position)};
  }
  Draws draws(const Standing &sequence, int64_t position) const noexcept {
    return draws(sequence, sequence.call + sequence.held, position);
  }
  // Generated positions of a sequence with this prompt; -1: unbounded.
  int64_t generated(int64_t prompt) const noexcept { return plan.capacity < 0 ? -1 : plan.capacity - prompt; }
  bool ends(int32_t token) const noexcept;
  bool is_masked(int32_t token) const noexcept { return temper::is_masked(head, token); }
};

// Makes room in a sequence for all that the frame's plan and options need: a step then allocates nothing.
void make_room(const Frame &frame, Sequence &sequence);

// What a step did.
struct StepReport {
  int64_t step = 0;          // its index
  bool done = false;         // all sequences were finished before
  bool length_limit = false; // one ended now at the model's trained length
  int64_t steps_total = 0;
  int32_t rows_running = 0, model_calls = 0;
  int64_t rows_computed = 0, rows_cached = 0, logit_rows = 0, settled = 0, changed = 0;
  bool idle = false;
  int64_t stale = 0;         // cached rows that an exact call would have computed
  double difference = -1;    // of logits to those of an exact call; -1: not measured
};

}  // namespace temper
