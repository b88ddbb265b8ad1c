// SPDX-License-Identifier: Apache-2.0
// One-step samplers (MATH 4): move each active position from its noise level to the next one.
//
// A step has three phases, so that a sampler may look at one position, or at all of them:
//   decide   before the model runs: does this position need logits at all? Draws that don't depend on
//            logits are made here (and, being functions of their address, made again where needed).
//   propose  per position, on any thread with a Workspace of its own: the new token from a row of logits.
//   finish   once per sequence over all its active positions: joint decisions.
// A sampler is immutable and shareable; the three phases are noexcept and allocate nothing.
#pragma once

#include "base/philox.h"
#include "base/status.h"
#include "noise/noise.h"
#include "sampler/head.h"

#include <cstdint>
#include <memory>
#include <span>

namespace temper {

enum class SamplerKind : std::int32_t {
  ancestral = 0,  // the exact reverse chain, any path
  acs = 1,        // adaptive correction sampler (HDLM): reveals, and re-draws visible tokens
  greedy = 2      // ancestral decisions with the most probable token
};

enum class SamplerParameter : std::int32_t {
  temperature = 1,  // 0: the most probable token
  top_k = 2,        // 0: off
  top_p = 3,        // 1: off
  min_p = 4,        // 0: off
  eta = 5           // ACS: strength of the correction
};

struct ParameterBounds {
  double low = 0, high = 0, initial = 0;
  bool integer = false;
};

struct SamplerParameters {
  double temperature = 1, top_p = 1, min_p = 0, eta = 0;
  std::int32_t top_k = 0;
};

// One active position of a sequence in one call.
struct SamplerPosition {
  std::uint32_t position = 0;               // absolute, the prompt included
  std::int32_t token = kAbsent;             // current token; the mask id or kAbsent when masked
  bool fixed = false;                       // never changes: prompt, infill
  const Transition *transition = nullptr;   // from its level to the next one
  static constexpr std::int32_t kAbsent = -1;
};

// What a phase says about a position.
struct Proposal {
  std::int32_t token = SamplerPosition::kAbsent;  // after the step
  bool needs_logits = false;                      // decide: propose has to be called
  bool changed = false;
  double probability = 0;  // propose: of `token` under the (filtered) prediction pi; 0 without logits
};

// Scratch memory of one thread.
class Workspace {
 public:
  static Result<Workspace> create(std::int32_t columns);
  Workspace(Workspace &&) noexcept;
  Workspace &operator=(Workspace &&) noexcept;
  ~Workspace();
  std::int32_t columns() const noexcept;
  static std::size_t bytes(std::int32_t columns) noexcept;  // what create() takes

  struct Memory;
  Memory &memory() noexcept { return *memory_; }

 private:
  explicit Workspace(std::unique_ptr<Memory> memory) noexcept;
  std::unique_ptr<Memory> memory_;
};

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

  SamplerKind kind() const noexcept { return kind_; }
  const SamplerParameters &parameters() const noexcept { return parameters_; }

  // `draws` is Draws(seed, sequence id, call, position). Without need of logits the proposal is final.
  Proposal decide(const HeadDescription &head, const SamplerPosition &at, const Draws &draws) const noexcept;

  // `row` has head.columns floats, the model's raw output; it isn't changed. A row with nothing that could
  // be drawn (all -inf, or NaN) gives token kAbsent and probability 0: the caller reports it.
  Proposal propose(const HeadDescription &head, const SamplerPosition &at, const Draws &draws,
                   std::span<const float> row, Workspace &workspace) const noexcept;

  // All active positions of a sequence, in order, after propose. May take proposals back.
  void finish(const HeadDescription &head, std::span<const SamplerPosition> positions,
              std::span<Proposal> proposals, const Draws &sequence_draws) const noexcept;

  // The token a position starts with: the mask id, a uniform token (tag 8) when the path has no mask, or
  // kAbsent when the model has no mask token. `draws` are those of the call it first
  // appears in.
  static std::int32_t initial_token(const HeadDescription &head, const Noise &noise,
                                    const Draws &draws) noexcept;

 private:
  Sampler(SamplerKind kind, const SamplerParameters &parameters) noexcept
      : kind_(kind), parameters_(parameters) {}
  SamplerKind kind_;
  SamplerParameters parameters_;
};

}  // namespace temper
