// SPDX-License-Identifier: Apache-2.0
// One position with its row of logits, and the draws that the kinds of sampler are made of.
#pragma once

#include "sampler/workspace.h"

namespace temper {

struct RowWork {
  const SamplerParameters &parameters;
  const HeadDescription &head;
  const SamplerPosition &at;
  const Draws &draws;
  Workspace::Memory &memory;
  double confidence_top = 0;    // of the row before temperature and filters: its largest logit
  double confidence_total = 0;  // and its sum of weights at temperature 1
  double mask_score = 0;        // published analytic step only; the other scores stand in memory.other

  double tokens() const noexcept { return static_cast<double>(head.tokens()); }
  // How probable the model itself finds a token, before temperature and filters.
  double believed(int32_t token) const noexcept {
    return exponential(memory.logits[static_cast<size_t>(token)] - confidence_top) * weight_one / confidence_total;
  }
};

inline bool is_masked(const HeadDescription &head, int32_t token) noexcept {
  return token < 0 || token == head.mask_token;
}
inline bool is_masked(const HeadDescription &head, const SamplerPosition &at) noexcept {
  return is_masked(head, at.token);
}
// Not moved by this call.
inline bool rests(const SamplerPosition &at) noexcept { return at.fixed || at.transition->identity; }

// Tokens that may be emitted, and the one of a rank among them, `skip` left out (-1: none).
uint64_t emittable(const HeadDescription &head) noexcept;
bool is_emittable(const HeadDescription &head, int32_t token) noexcept;
int32_t id_of_rank(const HeadDescription &head, uint64_t rank, int32_t skip) noexcept;
int32_t uniform_token(const HeadDescription &head, const Draws &draws) noexcept;

// Reveals a masked position of the path's chain: keep, uniform or draw (MATH 4.4).
Move reveal_move(const HeadDescription &head, const SamplerPosition &at, double chance, const Draws &draws) noexcept;
// Fills a proposal for a move that needs no logits, or asks for them.
void propose_move(const HeadDescription &head, const SamplerPosition &at, Move move, const Draws &draws,
                  Proposal &proposal) noexcept;

// log of the factor that turns the head's weight of a visible token into that of the full posterior (MATH 1.5,
// (9)); of the leave-one-out prediction.
double shift_to_posterior(const HeadDescription &head, const Transition &step) noexcept;
double shift_to_leave_one_out(const HeadDescription &head, const Transition &step) noexcept;
// Moves the visible token's weight by that.
void shift_own(RowWork &row, double shift) noexcept;

// A token of the row by the integer inverse CDF, or the most probable one; its probability.
void take(RowWork &row, uint64_t bits, Proposal &proposal, bool best = false) noexcept;
// How probable a token of the row is; the mask: 0.
double probability_of(RowWork &row, int32_t token) noexcept;
// Takes the visible token out of the row: its weight, moved by `shift` in the logarithm, and that of all others.
struct OwnAndRest {
  double own = 0, rest = 0;
};
OwnAndRest take_out_own(RowWork &row, double shift) noexcept;
// After that: another token, of the prediction or uniform.
void draw_other(RowWork &row, const OwnAndRest &weights, bool predicted, bool greedy, Proposal &proposal) noexcept;
// The exact step of a visible token (MATH 4.4, y real).
void edit_visible(RowWork &row, bool greedy, Proposal &proposal) noexcept;

// A state of the distribution in memory.other[0..N) and `mask`; tokens that may not be emitted are left out.
int32_t draw_state(RowWork &row, double mask, uint64_t bits) noexcept;

// How sure the row is of `token`: a TEMPER_ORDER_ number, see include/temper/sampler.h.
void rank_row(RowWork &row, Proposal &proposal) noexcept;

}  // namespace temper
