// SPDX-License-Identifier: Apache-2.0
#include "session/requests.h"

#include <algorithm>

namespace temper {
namespace {

Status no_room() { return Status(TEMPER_E_INTERNAL, "the questions of a call exceed their plan"); }

}  // namespace

void RequestWork::join(Call &call) {
  call.set_interviewer(this);
  if (reads_rows()) call.set_reader(this);
}

bool RequestWork::converts() const noexcept {
  const bool scores =
      frame_.head.kind == HeadForm::score_exact || frame_.head.kind == HeadForm::score_official_gamma;
  return scores && (frame_.options.guided || frame_.hooks.logits.function != nullptr);
}

bool RequestWork::reads_rows() const noexcept {
  if (requests_.pairs || frame_.hooks.logits.function != nullptr || frame_.hooks.tap.function != nullptr) return true;
  if (requests_.purpose == Purpose::preview) return false;
  const auto reads = [&](const Proposal &proposal) { return frame_.parts.sampler.reads_row(proposal); };
  return std::any_of(sequences_.begin(), sequences_.end(), [&](const Sequence &sequence) {
    return sequence.running() && std::any_of(sequence.proposals.begin(), sequence.proposals.end(), reads);
  });
}

const Request *RequestWork::request_of(size_t wanted) const noexcept {
  if (!requests_.pairs) return &requests_.list[wanted];
  return wanted % 2 == 0 ? nullptr : &requests_.list[wanted / 2];
}

Draws RequestWork::draws_of(const Sequence &sequence, size_t proposal) const noexcept {
  const auto candidate = static_cast<uint32_t>(proposal / sequence.window.active.size());
  return frame_.draws(sequence, sequence.window.positions[proposal].position).candidate(candidate);
}

// Every candidate draws from the same row.
Status RequestWork::ask(size_t wanted, Questions &questions) {
  const Request *request = request_of(wanted);
  if (request == nullptr) return Status();
  const Sampler &sampler = frame_.parts.sampler;
  const Sequence &sequence = sequence_of(*request);
  const auto active = static_cast<size_t>(request->active);
  if (requests_.purpose == Purpose::preview) {
    const SamplerPosition &at = sequence.preview.window.positions[active];
    return questions.ask(sampler.estimate_question(head(), at)) ? Status() : no_room();
  }
  for (size_t at = active; at < sequence.proposals.size(); at += sequence.window.active.size()) {
    const Proposal &proposal = sequence.proposals[at];
    if (!proposal.needs_logits || sampler.reads_row(proposal)) continue;
    if (!questions.ask(sampler.question(head(), sequence.window.positions[at], proposal, draws_of(sequence, at))))
      return no_room();
  }
  return Status();
}

Status RequestWork::take(size_t wanted, std::span<const temper_answer> answers) {
  const Request *request = request_of(wanted);
  if (request != nullptr) {
    const Sampler &sampler = frame_.parts.sampler;
    Sequence &sequence = sequence_of(*request);
    const auto active = static_cast<size_t>(request->active);
    bool drawn = !nothing_to_draw_.load(std::memory_order_relaxed);
    if (requests_.purpose == Purpose::preview) {
      const int64_t width = sequence.materialized - sequence.settled;
      const int64_t place = sequence.preview.window.active[active].position - sequence.settled;
      sequence.candidates.shown[static_cast<size_t>(requests_.candidate * width + place)] = answers[0].best;
      drawn = drawn && answers[0].best >= 0;
    } else {
      size_t next = 0;
      for (size_t at = active; at < sequence.proposals.size(); at += sequence.window.active.size()) {
        Proposal &proposal = sequence.proposals[at];
        if (!proposal.needs_logits || sampler.reads_row(proposal)) continue;
        proposal = sampler.choose(head(), sequence.window.positions[at], proposal, draws_of(sequence, at),
                                  answers[next++]);
        drawn = drawn && proposal.token >= 0;
      }
    }
    if (drawn) return Status();
  } else if (!nothing_to_draw_.load(std::memory_order_relaxed)) {
    return Status();
  }
  return Status(TEMPER_E_UNSUPPORTED,
                "no token can be drawn: logits aren't finite numbers, or every token is forbidden");
}

std::span<float> RequestWork::row(float *logits, int32_t at) const noexcept {
  const auto columns = static_cast<size_t>(frame_.head.columns);
  return {logits + static_cast<size_t>(at) * columns, columns};
}

// Scores become the decoded prediction, in place.
void RequestWork::convert(int32_t first, int32_t count, float *logits, const Threads &threads) {
  threads.each(count, [&](int32_t index, int32_t worker) {
    const Request &request = requests_.list[static_cast<size_t>((first + index) / requests_.rows_each())];
    const CallWindow &window = requests_.window_of(sequences_[static_cast<size_t>(request.sequence)]);
    if (!Sampler::convert(frame_.head, window.positions[static_cast<size_t>(request.active)], row(logits, index),
                          engine_.workspace(worker)))
      nothing_to_draw_.store(true, std::memory_order_relaxed);
  });
}

void RequestWork::combine(int32_t count, float *logits) {
  for (int32_t pair = 0; pair + 1 < count; pair += 2) {
    const std::span<float> other = row(logits, pair), own = row(logits, pair + 1);
    if (frame_.options.guided) guide_pair(frame_.options.guidance, other, own);
    else difference_ = std::max(difference_, pair_difference(other, own));
  }
}

Status RequestWork::call_hook(int32_t first, int32_t count, float *logits) {
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

// What looks at rows of the step's own call beside the sampler's questions.
void RequestWork::look_at(const Request &request, std::span<const float> logits, Workspace &workspace) {
  Sequence &sequence = sequence_of(request);
  const CallWindow &window = sequence.window;
  const auto active = static_cast<size_t>(request.active);
  if (frame_.hooks.tap.function != nullptr)
    frame_.hooks.tap.function(frame_.hooks.tap.user, request.sequence, window.active[active].position, logits);
  for (size_t at = active; at < sequence.proposals.size(); at += window.active.size()) {
    Proposal &proposal = sequence.proposals[at];
    if (!frame_.parts.sampler.reads_row(proposal)) continue;
    proposal = frame_.parts.sampler.choose_from_row(head(), window.positions[at], proposal, draws_of(sequence, at),
                                                    logits, workspace);
    if (proposal.token < 0) nothing_to_draw_.store(true, std::memory_order_relaxed);
  }
}

Status RequestWork::read(int32_t first, int32_t count, float *logits, const Threads &threads) {
  if (converts()) convert(first, count, logits, threads);
  if (requests_.pairs) combine(count, logits);
  if (frame_.hooks.logits.function != nullptr) TEMPER_TRY(call_hook(first, count, logits));
  if (requests_.purpose == Purpose::preview) return Status();
  const int32_t each = requests_.rows_each();
  threads.each(count / each, [&](int32_t index, int32_t worker) {
    look_at(requests_.list[static_cast<size_t>(first / each + index)], row(logits, index * each + each - 1),
            engine_.workspace(worker));
  });
  return Status();
}

}  // namespace temper
