// SPDX-License-Identifier: Apache-2.0
// One position before and after its row of logits is answered, and the questions and draws that the kinds of
// sampler are made of. Nothing here reads a row: see backends/question.h for what answers mean.
#pragma once

#include "sampler/sampler.h"

namespace temper {

// A position that needs logits.
struct Place {
  const SamplerParameters &parameters;
  const HeadDescription &head;
  const SamplerPosition &at;
  const Draws &draws;
  Move move;  // what decide found

  double tokens() const noexcept { return static_cast<double>(head.tokens()); }
  bool certain() const noexcept { return parameters.temperature == 0; }  // takes the most probable token
};

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
Move reveal_move(const Transition &step, double chance, const Draws &draws) noexcept;
// Fills a proposal for a move that needs no logits, or asks for them.
void propose_move(const HeadDescription &head, const SamplerPosition &at, Move move, const Draws &draws,
                  Proposal &proposal) noexcept;

// log of the factor that turns the head's weight of a visible token into that of the full posterior (MATH 1.5,
// (9)); of the leave-one-out prediction.
double shift_to_posterior(const HeadDescription &head, const Transition &step) noexcept;
double shift_to_leave_one_out(const HeadDescription &head, const Transition &step) noexcept;

// A question about the row as it is: what its columns are, nothing shaped, nothing asked.
temper_question describe_row(const HeadDescription &head, const SamplerPosition &at) noexcept;

// What ask_ functions ask, the function of the same name without it makes a proposal of.
// A token by the integer inverse CDF, or the most probable one (`best`, or at temperature 0); its probability.
void ask_token(const Place &place, DrawTag tag, temper_question &question, bool best = false) noexcept;
void take_token(const Place &place, const temper_answer &answer, Proposal &proposal, bool best = false) noexcept;
// Moves the visible token's weight by `shift` before that. Temperature 0 has no weights.
void ask_shifted(const Place &place, double shift, temper_question &question) noexcept;

// The visible token's weight, moved by `shift` in the logarithm, and that of all others; one of the others, of the
// prediction or uniform.
void ask_apart(const Place &place, double shift, temper_question &question, bool best = false) noexcept;
struct OwnAndRest {
  double own = 0, rest = 0;
};
OwnAndRest own_and_rest(const Place &place, const temper_answer &answer) noexcept;
void take_other(const Place &place, const temper_answer &answer, bool predicted, Proposal &proposal,
                bool best = false) noexcept;

// The exact step of a visible token (MATH 4.4, y real).
void ask_edit(const Place &place, temper_question &question, bool greedy = false) noexcept;
void take_edit(const Place &place, const temper_answer &answer, Proposal &proposal, bool greedy = false) noexcept;

// How probable the model finds the token that take_token took, before temperature and filters.
inline double belief_in_taken(const Place &place, const temper_answer &answer) noexcept {
  return place.certain() ? answer.best_belief : answer.belief;
}

}  // namespace temper
