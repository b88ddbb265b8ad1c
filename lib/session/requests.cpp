// SPDX-License-Identifier: Apache-2.0
#include "session/requests.h"

#include <algorithm>

namespace temper {

std::span<float> RequestReader::row(float *logits, int32_t at) const noexcept {
  const auto columns = static_cast<size_t>(frame_.head.columns);
  return {logits + static_cast<size_t>(at) * columns, columns};
}

// Scores become the decoded prediction, in place.
void RequestReader::convert(int32_t first, int32_t count, float *logits, const Threads &threads) {
  threads.each(count, [&](int32_t index, int32_t worker) {
    const Request &request = requests_.list[static_cast<size_t>((first + index) / requests_.rows_each())];
    const CallWindow &window = requests_.window_of(sequences_[static_cast<size_t>(request.sequence)]);
    if (!Sampler::convert(frame_.head, window.positions[static_cast<size_t>(request.active)], row(logits, index),
                          workspaces_[static_cast<size_t>(worker)]))
      not_finite_.store(true, std::memory_order_relaxed);
  });
}

void RequestReader::combine(int32_t count, float *logits) {
  for (int32_t pair = 0; pair + 1 < count; pair += 2) {
    const std::span<float> other = row(logits, pair), own = row(logits, pair + 1);
    if (frame_.options.guided) guide_pair(frame_.options.guidance, other, own);
    else difference_ = std::max(difference_, pair_difference(other, own));
  }
}

Status RequestReader::call_hook(int32_t first, int32_t count, float *logits) {
  const int32_t each = requests_.rows_each();
  const bool step = requests_.purpose == Purpose::step;
  for (int32_t i = each - 1; i < count; i += each) {
    const Request &request = requests_.list[static_cast<size_t>((first + i) / each)];
    const Sequence &sequence = sequences_[static_cast<size_t>(request.sequence)];
    const CallWindow &window = requests_.window_of(sequence);
    const ActivePosition &active = window.active[static_cast<size_t>(request.active)];
    temper_logits shown{};
    shown.struct_size = sizeof shown;
    shown.row = request.sequence;
    shown.position = active.position;
    shown.call = sequence.calls_done + (step ? 0 : 1);
    shown.level = active.level;
    shown.next_level = active.next_level;
    shown.tokens = sequence.tokens.data();
    shown.first = sequence.first_token;
    shown.count = window.end - sequence.first_token;
    shown.logits = row(logits, i).data();
    shown.columns = frame_.head.columns;
    if (frame_.hooks.logits.function(frame_.hooks.logits.user, &shown) != 0)
      return Status(TEMPER_E_CANCELLED, "stopped by the caller's function for logits");
  }
  return Status();
}

// Every candidate draws from the same row.
void RequestReader::propose(const Request &request, std::span<const float> logits, Workspace &workspace) {
  Sequence &sequence = sequences_[static_cast<size_t>(request.sequence)];
  const CallWindow &window = sequence.window;
  const auto active = static_cast<size_t>(request.active);
  if (frame_.hooks.tap.function != nullptr)
    frame_.hooks.tap.function(frame_.hooks.tap.user, request.sequence, window.active[active].position, logits);
  const size_t n = window.active.size();
  for (size_t at = active; at < sequence.proposals.size(); at += n) {
    Proposal &proposal = sequence.proposals[at];
    if (!proposal.needs_logits) continue;
    const SamplerPosition &position = window.positions[at];
    const Draws draws = frame_.draws(sequence, position.position).candidate(static_cast<uint32_t>(at / n));
    proposal = frame_.parts.sampler.propose(*head_, position, proposal, draws, logits, workspace);
    if (proposal.token < 0) not_finite_.store(true, std::memory_order_relaxed);
  }
}

void RequestReader::estimate(const Request &request, std::span<const float> logits, Workspace &workspace) {
  Sequence &sequence = sequences_[static_cast<size_t>(request.sequence)];
  const SamplerPosition &position = sequence.preview.window.positions[static_cast<size_t>(request.active)];
  const int32_t token = frame_.parts.sampler.estimate(*head_, position, logits, workspace);
  if (token < 0) not_finite_.store(true, std::memory_order_relaxed);
  const int64_t width = sequence.materialized - sequence.settled;
  sequence.candidates.shown[static_cast<size_t>(requests_.candidate * width + position.position - sequence.settled)] =
      token;
}

Status RequestReader::read(int32_t first, int32_t count, float *logits, const Threads &threads) {
  const bool scores =
      frame_.head.kind == HeadForm::score_exact || frame_.head.kind == HeadForm::score_official_gamma;
  head_ = &frame_.head;
  if (scores && (frame_.options.guided || frame_.hooks.logits.function != nullptr)) {
    convert(first, count, logits, threads);
    head_ = &frame_.converted_head;
  }
  if (requests_.pairs) combine(count, logits);
  if (frame_.hooks.logits.function != nullptr) TEMPER_TRY(call_hook(first, count, logits));

  const int32_t each = requests_.rows_each();
  threads.each(count / each, [&](int32_t index, int32_t worker) {
    const Request &request = requests_.list[static_cast<size_t>(first / each + index)];
    const std::span<const float> logits_row = row(logits, index * each + each - 1);
    Workspace &workspace = workspaces_[static_cast<size_t>(worker)];
    if (requests_.purpose == Purpose::preview) estimate(request, logits_row, workspace);
    else propose(request, logits_row, workspace);
  });
  if (!not_finite_.load(std::memory_order_relaxed)) return Status();
  return Status(TEMPER_E_UNSUPPORTED,
                "no token can be drawn: logits aren't finite numbers, or every token is forbidden");
}

}  // namespace temper
