// SPDX-License-Identifier: Apache-2.0
#include "answer/answer.h"

#include "answer/workspace.h"

namespace temper {
namespace {

bool fits(const temper_question &question, std::span<const float> row, const Workspace &workspace) noexcept {
  return question.columns <= workspace.columns() && row.size() >= static_cast<size_t>(question.columns);
}

// Steps 6 and 7: the row after its filters.
void look(const temper_question &question, Workspace::Memory &memory, temper_answer &answer) noexcept {
  memory.scale = question.filter_scale;
  memory.filter(question);
  if (question.asked & TEMPER_ASK_FAVOURITE) answer.favourite = memory.most_probable();
  if (question.asked & TEMPER_ASK_ENTROPY) answer.entropy = memory.entropy();
  if (question.asked & TEMPER_ASK_MARGIN) answer.margin = memory.margin();
}

// Step 8, first half: shifts the own token's weight, or takes it out and reports it.
void treat_own(const temper_question &question, double own_logit, Workspace::Memory &memory,
               temper_answer &answer) noexcept {
  memory.scale = question.scale;
  if (question.own < 0 || question.own_weight == TEMPER_OWN_KEPT) return;
  if (question.own_weight == TEMPER_OWN_SHIFTED) {
    if (question.shift != 0) memory.change(question.own, own_logit + question.shift / memory.scale);
    return;
  }
  memory.change(question.own, never);
  answer.own = weight_one;
  if (!(memory.top > never)) return;
  // Without this token among the logits (filtered out) its exponent is -inf.
  const double exponent = (own_logit - memory.top) * memory.scale + question.shift;
  answer.own = exponent > -700 ? weight_one * exponential(exponent) : 0;
}

// Step 8, second half.
void choose(const temper_question &question, double own_logit, Workspace::Memory &memory,
            temper_answer &answer) noexcept {
  if (!(memory.top > never)) return;
  const auto belief_in = [&](int32_t id) {
    return memory.believed(id == question.own ? own_logit : memory.logits[static_cast<size_t>(id)]);
  };
  const bool believes = question.asked & TEMPER_ASK_BELIEF;
  if (question.asked & TEMPER_ASK_BEST) {
    answer.best = memory.most_probable();
    if (believes) answer.best_belief = belief_in(answer.best);
  }
  if ((question.asked & (TEMPER_ASK_TOTAL | TEMPER_ASK_DRAW | TEMPER_ASK_PROBE)) == 0) return;
  memory.sum();
  answer.total = static_cast<double>(memory.total);
  if (question.asked & TEMPER_ASK_PROBE) answer.probe = memory.weight(question.probe);
  if ((question.asked & TEMPER_ASK_DRAW) == 0) return;
  answer.token = memory.draw(question.bits);
  answer.weight = memory.weight(answer.token);
  if (believes) answer.belief = belief_in(answer.token);
}

}  // namespace

temper_question plain_question() noexcept {
  temper_question question{};
  question.mask = question.own = question.seen_here = -1;
  question.repetition = 1;
  question.filter_scale = question.scale = 1;
  question.top_p = question.typical_p = 1;
  return question;
}

temper_answer answer_row(const temper_question &question, std::span<const float> row, Workspace &workspace) noexcept {
  temper_answer answer{};
  answer.status = TEMPER_ANSWER_NOTHING;
  answer.token = answer.best = answer.favourite = -1;
  Workspace::Memory &memory = workspace.memory();
  if (!fits(question, row, workspace) || !memory.load(question, row) || !memory.shape(question)) return answer;
  answer.status = TEMPER_ANSWER_GIVEN;
  if (question.asked & TEMPER_ASK_BELIEF) memory.believe(question.asked & TEMPER_ASK_ROUGH);
  look(question, memory, answer);
  const double own_logit = question.own >= 0 ? memory.logits[static_cast<size_t>(question.own)] : never;
  treat_own(question, own_logit, memory, answer);
  choose(question, own_logit, memory, answer);
  return answer;
}

bool decode_row(const temper_question &question, std::span<float> row, Workspace &workspace) noexcept {
  if (question.form == TEMPER_ROW_LOGITS) return true;
  Workspace::Memory &memory = workspace.memory();
  if (!fits(question, row, workspace) || !memory.load(question, row)) return false;
  for (size_t id = 0; id < memory.count; ++id) row[id] = static_cast<float>(memory.logits[id]);
  return true;
}

}  // namespace temper
