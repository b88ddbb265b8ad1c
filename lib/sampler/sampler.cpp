// SPDX-License-Identifier: Apache-2.0
// The phases, as far as all kinds share them: what a question says about the row, and the adaptive stop.
#include "sampler/sampler.h"

#include "sampler/kind.h"

#include <algorithm>

namespace temper {
namespace {

constexpr double largest_scale = 1e300;  // infinity times 0 is no logit

bool stops_early(const SamplerParameters &parameters) noexcept { return parameters.stop_stable > 0; }

}  // namespace

void Sampler::decide(const HeadDescription &head, const SamplerWindow &window) const noexcept {
  kind_of_->decide(parameters_, head, window);
  if (!stops_early(parameters_)) return;
  for (size_t i = 0; i < window.positions.size(); ++i) {
    Proposal &proposal = window.proposals[i];
    if (proposal.move != Move::keep || rests(window.positions[i])) continue;
    proposal.move = Move::watch;
    proposal.needs_logits = true;
  }
}

// What the row is, and how it is shaped before temperature and filters.
temper_question Sampler::shaped_row(const HeadDescription &head, const SamplerPosition &at) const noexcept {
  temper_question question = describe_row(head, at);
  if (at.shaping == nullptr) return question;
  parameters_.shaping.describe(*at.shaping, question);
  if (parameters_.end_rule == TEMPER_END_NEVER) {
    question.banned = at.shaping->end_tokens.data();
    question.banned_count = at.shaping->end_tokens.size();
  }
  return question;
}

temper_question Sampler::question(const HeadDescription &head, const SamplerPosition &at, const Proposal &decided,
                                  const Draws &draws) const noexcept {
  temper_question question = shaped_row(head, at);
  // Temperature 0 looks at a row as it is at temperature 1.
  if (parameters_.temperature > 0) question.scale = std::min(1 / parameters_.temperature, largest_scale);
  question.filter_scale = question.scale;
  question.top_k = parameters_.top_k;
  question.top_p = parameters_.top_p;
  question.min_p = parameters_.min_p;
  question.typical_p = parameters_.typical_p;
  // The published samplers let the mask id be drawn.
  if (parameters_.compat != 0) question.asked |= TEMPER_ASK_MASK_STAYS;
  if (stops_early(parameters_)) question.asked |= TEMPER_ASK_FAVOURITE | TEMPER_ASK_ENTROPY;
  if (decided.move != Move::watch) kind_of_->ask({parameters_, head, at, draws, decided.move}, question);
  return question;
}

Proposal Sampler::choose(const HeadDescription &head, const SamplerPosition &at, const Proposal &decided,
                         const Draws &draws, const temper_answer &answer) const noexcept {
  Proposal proposal = decided;
  proposal.token = SamplerPosition::no_token;
  if (answer.status != TEMPER_ANSWER_GIVEN) return proposal;
  if (decided.move == Move::watch) proposal.token = at.token;
  else kind_of_->choose({parameters_, head, at, draws, decided.move}, answer, proposal);
  return seen(answer, proposal);
}

// What the adaptive stop wants to know, beside what became of the position.
Proposal Sampler::seen(const temper_answer &answer, Proposal proposal) const noexcept {
  if (stops_early(parameters_)) {
    proposal.best = answer.favourite;
    proposal.entropy = answer.entropy;
  }
  return proposal;
}

bool Sampler::reads_row(const Proposal &decided) const noexcept {
  return kind_of_->choose_from_row != nullptr && parameters_.compat != 0 && decided.needs_logits &&
         decided.move != Move::watch;
}

Proposal Sampler::choose_from_row(const HeadDescription &head, const SamplerPosition &at, const Proposal &decided,
                                  const Draws &draws, std::span<const float> row, Workspace &workspace,
                                  float offset) const noexcept {
  temper_question asked = question(head, at, decided, draws);
  asked.offset = offset;
  const temper_answer answer = answer_row(asked, row, workspace);
  Proposal proposal = decided;
  proposal.token = SamplerPosition::no_token;
  if (answer.status != TEMPER_ANSWER_GIVEN) return proposal;
  kind_of_->choose_from_row({parameters_, head, at, draws, decided.move}, {row, offset, workspace.memory()}, proposal);
  return seen(answer, proposal);
}

Proposal Sampler::propose(const HeadDescription &head, const SamplerPosition &at, const Proposal &decided,
                          const Draws &draws, std::span<const float> row, Workspace &workspace) const noexcept {
  if (!decided.needs_logits) return decided;
  if (reads_row(decided)) return choose_from_row(head, at, decided, draws, row, workspace);
  return choose(head, at, decided, draws, answer_row(question(head, at, decided, draws), row, workspace));
}

bool Sampler::is_certain(const HeadDescription &head, const SamplerPosition &at) noexcept {
  return at.fixed || temper::is_certain(head, *at.transition, at.token);
}

temper_question Sampler::estimate_question(const HeadDescription &head, const SamplerPosition &at) const noexcept {
  temper_question question = shaped_row(head, at);
  question.asked = TEMPER_ASK_BEST;
  if (question.own >= 0) {
    question.own_weight = TEMPER_OWN_SHIFTED;
    question.shift = shift_to_posterior(head, *at.transition);
  }
  return question;
}

Verdict Sampler::finish(const HeadDescription &head, const SamplerWindow &window) const noexcept {
  const Verdict verdict = kind_of_->finish != nullptr ? kind_of_->finish(parameters_, head, window) : Verdict::advance;
  if (!stops_early(parameters_)) return verdict;

  // The adaptive stop: the model has made up its mind about every position.
  double entropy = 0, seen = 0;
  bool stable = true;
  for (size_t i = 0; i < window.positions.size(); ++i) {
    const Proposal &proposal = window.proposals[i];
    if (proposal.best < 0) continue;
    PositionMemory &memory = *window.positions[i].memory;
    memory.stable = memory.best == proposal.best ? memory.stable + 1 : 0;
    memory.best = proposal.best;
    stable = stable && memory.stable >= parameters_.stop_stable;
    entropy += proposal.entropy;
    ++seen;
  }
  if (seen == 0 || !stable || !(entropy / seen < parameters_.stop_entropy)) return verdict;
  bool masked = false;
  for (size_t i = 0; i < window.positions.size(); ++i) {
    Proposal &proposal = window.proposals[i];
    if (is_masked(head, proposal.token) && proposal.best >= 0 && !window.positions[i].fixed) {
      proposal.token = proposal.best;
      proposal.probability = 0;
    }
    masked = masked || is_masked(head, proposal.token);
  }
  // Positions that don't take part yet keep the window open.
  return masked ? verdict : Verdict::settle;
}

bool Sampler::keeps_visible(const HeadDescription &head) const noexcept {
  return kind_of_->keeps_visible != nullptr && kind_of_->keeps_visible(head);
}

HeadDescription Sampler::converted(const HeadDescription &head) noexcept {
  HeadDescription as = head;
  if (head.kind == HeadForm::score_exact) as.kind = HeadForm::leave_one_out;
  if (head.kind == HeadForm::score_official_gamma) as.kind = HeadForm::posterior;
  return as;
}

bool Sampler::convert(const HeadDescription &head, const SamplerPosition &at, std::span<float> row,
                      Workspace &workspace) noexcept {
  return decode_row(describe_row(head, at), row, workspace);
}

int32_t Sampler::initial_token(const HeadDescription &head, const Noise &noise, const Draws &draws) noexcept {
  if (noise.uses_mask()) return head.mask_token;
  return id_of_rank(head, draws.integer(DrawTag::initial_noise, emittable(head)), -1);
}

}  // namespace temper
