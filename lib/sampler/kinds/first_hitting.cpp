// SPDX-License-Identifier: Apache-2.0
// First hitting (arXiv 2409.02908): the absorbing chain in continuous time, one token per call of the model. A
// position with mask survival 1 - v reveal at the share v of a call's way is revealed at v = u / reveal, if that
// is below 1: the draw u that decides for the ancestral sampler also says when. Calls are held until all of the
// row's positions have had their turn. A model that is told the time is told that of the call's begin.
#include "sampler/kind.h"

namespace temper {
namespace {

Status check(const SamplerParameters &, const HeadDescription &head, const Noise &noise) {
  TEMPER_TRY(needs_mask(head, noise, "first-hitting"));
  return needs_no_uniform(noise, "first-hitting");
}

// When its turn comes in this row of levels, in (0, 1); 0: not.
double turn_of(const HeadDescription &head, const SamplerWindow &window, const SamplerPosition &at) noexcept {
  if (rests(at) || !is_masked(head, at)) return 0;
  if (window.memory->held > 0) return at.memory->turn;
  const double reveal = at.transition->final ? 1 : at.transition->reveal;
  const double u = window.draws.at(at.position).uniform(DrawTag::reveal);
  return u < reveal ? u / reveal : 0;
}

void decide(const SamplerParameters &, const HeadDescription &head, const SamplerWindow &window) noexcept {
  size_t first = window.positions.size();
  double earliest = 2;
  for (size_t i = 0; i < window.positions.size(); ++i) {
    const SamplerPosition &at = window.positions[i];
    propose_move(head, at, Move::keep, window.draws.at(at.position), window.proposals[i]);
    const double turn = turn_of(head, window, at);
    if (turn > 0 && turn < earliest) {
      earliest = turn;
      first = i;
    }
  }
  if (first < window.positions.size())
    propose_move(head, window.positions[first], Move::draw, window.draws.at(window.positions[first].position),
                 window.proposals[first]);
}

void ask(const Place &place, temper_question &question) noexcept { ask_token(place, DrawTag::token, question); }

void choose(const Place &place, const temper_answer &answer, Proposal &proposal) noexcept {
  take_token(place, answer, proposal);
}

Verdict finish(const SamplerParameters &, const HeadDescription &head, const SamplerWindow &window) noexcept {
  bool more = false;
  for (size_t i = 0; i < window.positions.size(); ++i) {
    const SamplerPosition &at = window.positions[i];
    const bool had = window.proposals[i].move == Move::draw;
    at.memory->turn = had ? 0 : turn_of(head, window, at);
    more = more || at.memory->turn > 0;
  }
  return more ? Verdict::hold : Verdict::advance;
}

}  // namespace

const Kind kinds::first_hitting = {.name = "first-hitting",
                                   .check = check,
                                   .decide = decide,
                                   .ask = ask,
                                   .choose = choose,
                                   .finish = finish,
                                   .keeps_visible = always};

}  // namespace temper
