// SPDX-License-Identifier: Apache-2.0
// One-step samplers (MATH 4): move each active position from its noise level to the next one.
//
// A step has three phases, so that a sampler may look at one position, or at all of them:
//   decide   before the model runs, over a sequence's window: which positions need logits at all? Draws
//            that don't depend on logits are made here.
//   question, choose  per position, on any thread: what has to be known about its row of logits, and the new
//            token from the answer. Whoever holds the logits answers (answer/answer.h, or a backend).
//   finish   over the window again: joint decisions (who is revealed, who keeps its mask), what is
//            remembered, and whether the next call is at the next levels.
// A sampler is immutable and shareable; the three phases are noexcept and allocate nothing.
#pragma once

#include "answer/answer.h"
#include "base/philox.h"
#include "base/status.h"
#include "noise/noise.h"
#include "sampler/head.h"
#include "sampler/list.h"
#include "sampler/shaping.h"

#include <cstdint>
#include <span>
#include <string>

namespace temper {

// What they do, include/temper/sampler.h says.
enum class SamplerKind : int32_t {
#define TEMPER_KIND_NUMBER(name, number) name = number,
  TEMPER_SAMPLER_KINDS(TEMPER_KIND_NUMBER)
#undef TEMPER_KIND_NUMBER
};

enum class SamplerParameter : int32_t {
  temperature = 1,  // 0: the most probable token
  top_k = 2,        // 0: off
  top_p = 3,        // 1: off
  min_p = 4,        // 0: off
  eta = 5,          // ACS: strength of the correction; ReMDM: cap or scale of its remasking
  typical_p = 6,    // 1: off
  compat = 7,       // 1: as the published program does it where that isn't exact (MATH 7)
  zeta = 8,         // remask: 0 absorbing .. 1 resampling kernel
  rule = 9,         // remdm: cap, rescale, conf, loop; confidence: how many
  t_on = 10, t_off = 11, alpha_on = 12,  // remdm loop
  order = 13,       // what confident means
  order_temperature = 14,
  threshold = 15,
  factor = 16,
  entropy_bound = 17,
  corrector_steps = 18, corrector_positions = 19,
  edit_threshold = 20,
  extra_steps = 21,  // calls beyond the schedule's, at most
  patience = 22,
  stop_stable = 23,  // adaptive stop: calls in a row without another most probable token; 0: off
  stop_entropy = 24, // adaptive stop: mean entropy of the window, nats
  end_rule = 25      // end tokens: as others, never, only when nothing else is left to reveal
};

struct ParameterBounds {
  double low = 0, high = 0, initial = 0;
  bool integer = false;
};

// Whole numbers with a meaning are those of include/temper/sampler.h: TEMPER_ORDER_, TEMPER_END_, and for rules
// TEMPER_REMDM_ or TEMPER_COUNT_.
struct SamplerParameters {
  double temperature = 1, top_p = 1, min_p = 0, typical_p = 1;
  int32_t top_k = 0;
  double eta = 0, zeta = 0, t_on = 0, t_off = 0, alpha_on = 0;
  int32_t compat = 0, rule = 0, order = 0, end_rule = 0;
  double order_temperature = 0, threshold = 0, factor = 0, entropy_bound = 0, edit_threshold = 0;
  int32_t corrector_steps = 0, corrector_positions = 0, extra_steps = 0, patience = 0;
  int32_t stop_stable = 0;
  double stop_entropy = 0;
  Shaping shaping;
};

// What is remembered of a position between calls. Plain data: a session saves it as it is.
struct PositionMemory {
  double probability = 0;     // of the token, in the call that set it
  double turn = 0;            // first hitting: when its time comes, in (0, 1); 0: not in this row of levels
  int32_t best = -1;     // the most probable token in the last call
  int32_t stable = 0;    // calls in a row in which it was the same as in the one before
};

// The same of a window as a whole.
struct WindowMemory {
  int64_t held = 0;      // calls already made at the present levels; the caller counts
  int32_t rounds = 0;    // of correction
  int32_t waiting = 0;   // rounds without improvement
  double best_score = 0;
};

// One active position of a sequence in one call.
struct SamplerPosition {
  uint32_t position = 0;               // absolute, the prompt included
  int32_t token = no_token;             // current token; the mask id or no_token when masked
  bool fixed = false;                       // never changes: prompt, infill
  const Transition *transition = nullptr;   // from its level to the next one
  PositionMemory *memory = nullptr;         // written by finish alone
  const ShapingContext *shaping = nullptr;  // null: nothing to shape by
  static constexpr int32_t no_token = -1;
};

// What decide found out about a position.
enum class Move : int32_t {
  keep = 0,     // stays what it is
  uniform = 1,  // became a uniform token: no logits needed
  draw = 2,     // takes a token of the prediction
  edit = 3,     // visible: may change, by the chain
  correct = 4,  // visible: takes a new token of the prediction
  state = 5,    // takes a state of the whole step's distribution
  rank = 6,     // takes a token if finish agrees
  remask = 7,   // becomes the mask
  watch = 8     // stays; only looked at (adaptive stop)
};

// What a phase says about a position.
struct Proposal {
  int32_t token = SamplerPosition::no_token;  // after the step
  bool needs_logits = false;  // decide: a question has to be answered
  Move move = Move::keep;     // what decide found, for choose and finish
  double probability = 0;     // choose: of `token` under the (filtered) prediction pi; 0 without logits
  double confidence = 0;      // choose: rank among the window's positions, larger first
  double entropy = 0;         // choose: of pi, nats; where the kind or the adaptive stop asks for it
  int32_t best = SamplerPosition::no_token;  // choose: the most probable token, likewise
};

// A sequence's active positions in one call.
struct SamplerWindow {
  std::span<const SamplerPosition> positions;  // in order
  std::span<Proposal> proposals;               // one for each
  WindowMemory *memory = nullptr;
  Draws draws;                                 // of the sequence; at(p) gives a position's
};

// What comes after a call.
enum class Verdict : int32_t {
  advance,  // the next levels
  hold,     // another call at these levels, with the tokens as they are now
  settle    // nothing in this window will change any more: all of it may take level 0 at once
};

struct Kind;

class Sampler {
 public:
  static Result<Sampler> create(SamplerKind kind, const SamplerParameters &parameters);
  // TEMPER_E_ARGUMENT when the kind doesn't have the parameter.
  static Result<ParameterBounds> bounds(SamplerKind kind, SamplerParameter parameter);
  static SamplerParameters defaults(SamplerKind kind) noexcept;
  static Result<double> get(SamplerKind kind, const SamplerParameters &from, SamplerParameter parameter);
  static Status set(SamplerKind kind, SamplerParameters &to, SamplerParameter parameter, double value);

  // Can this sampler follow the head on this path? The message says why not.
  Status check(const HeadDescription &head, const Noise &noise) const;

  // A parameter that was set and does nothing with this head on this path, and why. "" when all is well. For people:
  // whoever makes a session tells it through the log.
  std::string remark(const HeadDescription &head, const Noise &noise) const;

  SamplerKind kind() const noexcept { return kind_; }
  const SamplerParameters &parameters() const noexcept { return parameters_; }

  // Fills window.proposals. Without need of logits a proposal is final, but for finish.
  void decide(const HeadDescription &head, const SamplerWindow &window) const noexcept;

  // What has to be known about the row of a position that needs logits. `decided` is what decide said of it,
  // `draws` are the position's. The question points into the head, the position and the sampler. The caller sets
  // `offset`, if the model has one.
  temper_question question(const HeadDescription &head, const SamplerPosition &at, const Proposal &decided,
                           const Draws &draws) const noexcept;
  // What becomes of the position, given the answer. A row with nothing that could be drawn (all -inf, or NaN)
  // gives token no_token and probability 0: the caller reports it.
  Proposal choose(const HeadDescription &head, const SamplerPosition &at, const Proposal &decided, const Draws &draws,
                  const temper_answer &answer) const noexcept;

  // Published modes of two kinds are functions of the whole row. Where reads_row() is true, this replaces both
  // question and choose. `row` has head.columns floats, from which `offset` is subtracted first.
  bool reads_row(const Proposal &decided) const noexcept;
  Proposal choose_from_row(const HeadDescription &head, const SamplerPosition &at, const Proposal &decided,
                           const Draws &draws, std::span<const float> row, Workspace &workspace,
                           float offset = 0) const noexcept;

  // All of it at once, for a row that lies here: the model's raw output, which isn't changed. Proposals without
  // need of logits stay what they are.
  Proposal propose(const HeadDescription &head, const SamplerPosition &at, const Proposal &decided,
                   const Draws &draws, std::span<const float> row, Workspace &workspace) const noexcept;

  // After all that needed logits have chosen. May take proposals back; writes memory.
  Verdict finish(const HeadDescription &head, const SamplerWindow &window) const noexcept;

  // Is a position's token the clean one already, whatever the model says?
  static bool is_certain(const HeadDescription &head, const SamplerPosition &at) noexcept;
  // The most probable clean token of a position, exclusions, biases and penalties applied: what the model would
  // have it be, the answer's `best`. `at.transition` goes to level 0. Not for positions that are certain.
  temper_question estimate_question(const HeadDescription &head, const SamplerPosition &at) const noexcept;

  // Does a token that is visible stay what it is until its position is settled?
  bool keeps_visible(const HeadDescription &head) const noexcept;

  // Score heads only: the row becomes log pi or log pit (floats, in place), so that guidance and a caller's
  // function can work on it; the head it then is.
  static HeadDescription converted(const HeadDescription &head) noexcept;
  static bool convert(const HeadDescription &head, const SamplerPosition &at, std::span<float> row,
                      Workspace &workspace) noexcept;

  // The token a position starts with: the mask id, a uniform token (tag 8) when the path has no mask, or
  // no_token when the model has no mask token. `draws` are those of the call it first
  // appears in.
  static int32_t initial_token(const HeadDescription &head, const Noise &noise,
                               const Draws &draws) noexcept;

 private:
  Sampler(SamplerKind kind, const SamplerParameters &parameters, const Kind &known) noexcept;
  temper_question shaped_row(const HeadDescription &head, const SamplerPosition &at) const noexcept;
  Proposal seen(const temper_answer &answer, Proposal proposal) const noexcept;

  SamplerKind kind_;
  const Kind *kind_of_;
  SamplerParameters parameters_;
};

}  // namespace temper
