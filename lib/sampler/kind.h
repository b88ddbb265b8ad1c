// SPDX-License-Identifier: Apache-2.0
// A kind of sampler: one small file in kinds/ that fills this table, and a line in kinds.cpp.
#pragma once

#include "sampler/row.h"

#include <span>

namespace temper {

struct KindParameter {
  SamplerParameter parameter{};
  ParameterBounds bounds;
};

struct Kind {
  // Has temperature, filters, the adaptive stop and a rule for end tokens.
  bool draws = true;
  // What it has beside those; may also give them another default.
  std::span<const KindParameter> own;

  Status (*check)(const SamplerParameters &, const HeadDescription &, const Noise &) = nullptr;
  void (*decide)(const SamplerParameters &, const HeadDescription &, const SamplerWindow &) noexcept = nullptr;
  // The row is loaded, shaped and filtered; `proposal` is what decide left. Called for needs_logits only.
  void (*propose)(RowWork &, Proposal &) noexcept = nullptr;
  Verdict (*finish)(const SamplerParameters &, const HeadDescription &, const SamplerWindow &) noexcept = nullptr;
  // Visible tokens stay: null: never; see Sampler::keeps_visible.
  bool (*keeps_visible)(const HeadDescription &) noexcept = nullptr;
};

// Null for unknown numbers.
const Kind *find_kind(SamplerKind kind) noexcept;

namespace kinds {
extern const Kind ancestral, acs, greedy, analytic, remask, remdm, first_hitting, confidence, threshold, entropy_bound,
    gibbs, renoise, self_correct, edit;
}

// A move for every position: move_of(position, its draws).
template <typename MoveOf>
void decide_each(const HeadDescription &head, const SamplerWindow &window, MoveOf move_of) noexcept {
  for (size_t i = 0; i < window.positions.size(); ++i) {
    const SamplerPosition &at = window.positions[i];
    const Draws draws = window.draws.at(at.position);
    propose_move(head, at, move_of(at, draws), draws, window.proposals[i]);
  }
}

// What most kinds need.
Status needs_mask(const HeadDescription &head, const Noise &noise, const char *name);
Status needs_no_uniform(const Noise &noise, const char *name);
// The head says something about visible tokens.
Status needs_opinion(const HeadDescription &head, const char *name);
inline bool if_carried_over(const HeadDescription &head) noexcept { return head.carry_over; }
inline bool always(const HeadDescription &) noexcept { return true; }

}  // namespace temper
