// SPDX-License-Identifier: Apache-2.0
// The three phases, as far as all kinds share them: loading and shaping a row, and the adaptive stop.
#include "sampler/sampler.h"

#include "sampler/kind.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace temper {
namespace {

constexpr double never = -std::numeric_limits<double>::infinity();
constexpr double largest_scale = 1e300;  // infinity times 0 is no logit

bool is_score(const HeadDescription &head) noexcept {
  return head.kind == HeadForm::score_exact || head.kind == HeadForm::score_official_gamma;
}

// Log-scores that a softmax doesn't turn into a prediction.
bool needs_decoding(const HeadDescription &head, const SamplerPosition &at) noexcept {
  if (!is_score(head)) return false;
  const bool masked = is_masked(head, at);
  return !(masked && (head.kind == HeadForm::score_official_gamma || at.transition->kappa_t == 1));
}

bool stops_early(const SamplerParameters &parameters) noexcept { return parameters.stop_stable > 0; }

// The raw scores of the published analytic step, in order, and the mask's own.
bool load_published_scores(const HeadDescription &head, std::span<const float> row, RowWork &work) noexcept {
  size_t n = 0;
  for (int32_t id = 0; id < head.vocabulary; ++id) {
    const double score = std::exp(std::min(static_cast<double>(row[static_cast<size_t>(id)]), 600.0));
    if (std::isnan(score)) return false;
    if (id == head.mask_token) work.mask_score = score;
    else work.memory.other[n++] = score;
  }
  return true;
}

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

// A row decoded and shaped, before temperature and filters. False: there is nothing in it to draw.
bool Sampler::load(const HeadDescription &head, const SamplerPosition &at, std::span<const float> row, bool with_mask,
                   Workspace::Memory &memory) const noexcept {
  if (head.columns > memory.columns || row.size() < static_cast<size_t>(head.columns)) return false;
  const bool loaded = needs_decoding(head, at)
                          ? memory.load_scores(head, row, is_masked(head, at) ? -1 : at.token, *at.transition)
                          : memory.load(head, row, with_mask);
  if (!loaded || at.shaping == nullptr) return loaded;
  const ShapingContext &context = *at.shaping;
  if (parameters_.shaping.idle() && context.allowed.empty() && parameters_.end_rule != 1) return true;
  if (parameters_.end_rule == 1)
    for (const int32_t end : context.end_tokens)
      if (end >= 0 && static_cast<size_t>(end) < memory.count) memory.logits[static_cast<size_t>(end)] = never;
  if (!parameters_.shaping.apply({memory.logits.data(), memory.count}, context)) return false;
  memory.touched();
  memory.top = largest(memory.logits.data(), memory.count);
  return memory.top > never;
}

Proposal Sampler::propose(const HeadDescription &head, const SamplerPosition &at, const Proposal &decided,
                          const Draws &draws, std::span<const float> row, Workspace &workspace) const noexcept {
  if (!decided.needs_logits) return decided;
  Workspace::Memory &memory = workspace.memory();
  Proposal proposal = decided;
  proposal.token = SamplerPosition::no_token;
  RowWork work{parameters_, head, at, draws, memory};
  const bool published = parameters_.compat != 0;
  if (!load(head, at, row, published, memory)) return proposal;
  memory.scale = 1;
  // A round of self-correction sums at two temperatures; only the draw's has to be exact.
  const bool roughly = kind_ == SamplerKind::self_correct && decided.move == Move::rank && parameters_.temperature != 1;
  if (ranks_) {
    work.confidence_top = memory.top;
    if (!roughly) memory.sum();
    work.confidence_total = roughly ? weight_one * rough_sum(memory.logits.data(), memory.count, memory.top)
                                    : static_cast<double>(memory.total);
  }
  if (parameters_.temperature > 0) memory.scale = std::min(1 / parameters_.temperature, largest_scale);
  memory.filter(parameters_);
  if (stops_early(parameters_)) {
    proposal.best = memory.most_probable();
    proposal.entropy = memory.entropy();
  }
  if (decided.move == Move::watch) {
    proposal.token = at.token;
    return proposal;
  }
  if (kind_ == SamplerKind::analytic && published && !load_published_scores(head, row, work)) return proposal;

  const int32_t best = proposal.best;
  kind_of_->propose(work, proposal);
  if (stops_early(parameters_)) proposal.best = best;
  proposal.changed = proposal.token != at.token;
  return proposal;
}

bool Sampler::is_certain(const HeadDescription &head, const SamplerPosition &at) noexcept {
  return rests(at) || (!is_masked(head, at) && (head.carry_over || at.transition->visible_fixed));
}

int32_t Sampler::estimate(const HeadDescription &head, const SamplerPosition &at, std::span<const float> row,
                               Workspace &workspace) const noexcept {
  if (is_certain(head, at)) return at.token;
  Workspace::Memory &memory = workspace.memory();
  if (!load(head, at, row, false, memory)) return SamplerPosition::no_token;
  if (!is_masked(head, at))
    memory.change(at.token, memory.logits[static_cast<size_t>(at.token)] + shift_to_posterior(head, *at.transition));
  return memory.most_probable();
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
      proposal.changed = true;
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
  Workspace::Memory &memory = workspace.memory();
  if (!needs_decoding(head, at)) return true;
  if (!memory.load_scores(head, row, is_masked(head, at) ? -1 : at.token, *at.transition)) return false;
  for (size_t id = 0; id < memory.count; ++id) row[id] = static_cast<float>(memory.logits[id]);
  return true;
}

int32_t Sampler::initial_token(const HeadDescription &head, const Noise &noise, const Draws &draws) noexcept {
  if (noise.uses_mask()) return head.mask_token;
  return id_of_rank(head, draws.integer(DrawTag::initial_noise, emittable(head)), -1);
}

}  // namespace temper
