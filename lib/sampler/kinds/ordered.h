// SPDX-License-Identifier: Apache-2.0
// Samplers that draw a token for every masked position and keep the ones they trust most. What isn't kept stays
// masked; positions that reach level 0 always are kept.
#pragma once

#include "sampler/kind.h"

namespace temper::ordered {

inline constexpr ParameterBounds order_bounds = {TEMPER_ORDER_PROBABILITY, TEMPER_ORDER_POSITION, 0, true};
inline constexpr ParameterBounds end_bounds = {TEMPER_END_FREE, TEMPER_END_LAST, 0, true};

// Ranks all masked positions.
void decide(const SamplerParameters &, const HeadDescription &head, const SamplerWindow &window) noexcept;
// A token of each, and how sure the model is of it.
void ask(const Place &place, temper_question &question) noexcept;
void choose(const Place &place, const temper_answer &answer, Proposal &proposal) noexcept;

// The masked position that is trusted most and wasn't kept yet; the first of equals.
Proposal *best_left(const SamplerWindow &window) noexcept;
// Positions that reach level 0 are kept whatever is thought of them; how many.
double keep_final(const SamplerWindow &window) noexcept;
// All above the threshold, at least one, and the final ones.
void keep_confident(const SamplerParameters &parameters, const SamplerWindow &window) noexcept;
// The others take their masks back. Are there any, or is the whole window visible?
Verdict close(const HeadDescription &head, const SamplerWindow &window) noexcept;

}  // namespace temper::ordered
