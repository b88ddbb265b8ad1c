// SPDX-License-Identifier: Apache-2.0
#include "session/frame.h"

#include <algorithm>

namespace temper {

Frame::Frame(SessionParts made_of, std::shared_ptr<const Spec> of) : parts(std::move(made_of)), spec(std::move(of)) {
  if (spec == nullptr) spec = {parts.model, &parts.model->spec()};
  head = describe_head(*spec, parts);
  // Score models: what others work on is the decoded prediction.
  converted_head = Sampler::converted(head);
}

void make_room(const Frame &frame, Sequence &sequence) {
  const SessionPlan &plan = frame.plan;
  const auto room = static_cast<size_t>(plan.token_room), window = plan.window_room();
  const auto candidates = static_cast<size_t>(frame.options.candidates);
  const int32_t rows = plan.engine.max_rows;
  const size_t history = frame.parts.sampler.parameters().shaping.counts() ? room : 0;
  sequence.tokens.resize(room, -1);
  sequence.records.assign(room, {});
  sequence.memories.assign(room, {});
  sequence.window.reserve(window, candidates * window, history, rows);
  sequence.proposals.reserve(candidates * window);
  sequence.sorted.reserve(history);
  if (candidates > 1) sequence.candidates.reserve(candidates, window);
  if (plan.paired) sequence.companion.reserve(room, window, rows);
  if (!frame.options.previews()) return;
  sequence.preview.tokens.reserve(2 * window);
  sequence.preview.window.reserve(window, window, history, rows);
  if (plan.paired) sequence.preview.companion.reserve(room, window, rows);
}

bool Frame::ends(int32_t token) const noexcept {
  return !options.ignore_end && std::binary_search(options.end_tokens.begin(), options.end_tokens.end(), token);
}

}  // namespace temper
