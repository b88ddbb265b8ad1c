// SPDX-License-Identifier: Apache-2.0
// A kind of sampler: one small file in kinds/ that fills this table, and a line in list.h.
#pragma once

#include "answer/workspace.h"
#include "sampler/row.h"

#include <span>
#include <string>

namespace temper {

struct KindParameter {
  SamplerParameter parameter{};
  const char *name = "";
  ParameterBounds bounds;
};

// A row as it is, for published modes: loaded, shaped, filtered and believed in, as the kind's question asked.
struct WholeRow {
  std::span<const float> logits;  // the model's own
  float offset;                   // to be subtracted from them
  Workspace::Memory &memory;
};

struct Kind {
  const char *name = "";
  // Has temperature, filters, the adaptive stop and a rule for end tokens.
  bool draws = true;
  // What it has beside those; may also give them another default.
  std::span<const KindParameter> own = {};

  Status (*check)(const SamplerParameters &, const HeadDescription &, const Noise &) = nullptr;
  void (*decide)(const SamplerParameters &, const HeadDescription &, const SamplerWindow &) noexcept = nullptr;
  // Both for positions that need logits. `ask` finds the row described, shaped and filtered, and nothing asked;
  // `choose` gets the answer to that. The proposal is what decide left.
  void (*ask)(const Place &, temper_question &) noexcept = nullptr;
  void (*choose)(const Place &, const temper_answer &, Proposal &) noexcept = nullptr;
  Verdict (*finish)(const SamplerParameters &, const HeadDescription &, const SamplerWindow &) noexcept = nullptr;
  // Visible tokens stay: null: never; see Sampler::keeps_visible.
  bool (*keeps_visible)(const HeadDescription &) noexcept = nullptr;
  // See Sampler::remark; null: nothing to say.
  std::string (*remark)(const SamplerParameters &, const HeadDescription &, const Noise &) = nullptr;
  // Published modes only (compat is set): instead of choose, from the whole row.
  void (*choose_from_row)(const Place &, const WholeRow &, Proposal &) noexcept = nullptr;
};

// Null for unknown numbers.
const Kind *find_kind(SamplerKind kind) noexcept;

namespace kinds {
#define TEMPER_DECLARE_KIND(name, number) extern const Kind name;
TEMPER_SAMPLER_KINDS(TEMPER_DECLARE_KIND)
#undef TEMPER_DECLARE_KIND
}  // namespace kinds

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
// For compat that lets the mask id be drawn: a remark where it never can be.
std::string remark_on_mask(const SamplerParameters &parameters, const HeadDescription &head, const Noise &noise);
inline bool if_carried_over(const HeadDescription &head) noexcept { return head.carry_over; }
inline bool always(const HeadDescription &) noexcept { return true; }

}  // namespace temper
