// SPDX-License-Identifier: Apache-2.0
#include "session/setup.h"

#include "engine/admission.h"
#include "session/session.h"

#include <algorithm>
#include <cmath>

namespace temper {

Setup::Setup(Session &session, int32_t row) noexcept
    : session_(session), frame_(session.frame_), sequence_(session.sequences_[static_cast<size_t>(row)]) {}

Status Setup::check_ready() const {
  if (session_.ready()) return Status();
  if (frame_.length == 0) return Status(TEMPER_E_STATE, "an unbounded row needs a sliding context first");
  return Status(TEMPER_E_STATE, "memory ran out when options were set: set ones that need less");
}

Status Setup::check_not_begun(const char *what) const {
  if (session_.counts_.begun != 0) return fail(TEMPER_E_STATE, "%s can't be set after the first step", what);
  return Status();
}

Status Setup::check_token(int32_t token) const {
  const Spec &spec = *frame_.spec;
  if (token < 0 || token >= spec.vocabulary)
    return fail(TEMPER_E_ARGUMENT, "token %d isn't in the vocabulary of %lld", token,
                static_cast<long long>(spec.vocabulary));
  return Status();
}

Status add_begin_token(const Frame &frame, Sequence &sequence) {
  if (!frame.spec->shifted || sequence.prompt > 0 || frame.plan.capacity == 0) return Status();
  const int32_t first = begin_token(*frame.spec);
  if (first < 0)
    return Status(TEMPER_E_ARGUMENT, "this model needs a prompt of at least one token: it has no begin token");
  sequence.tokens[0] = first;
  sequence.prompt = 1;
  return Status();
}

Status Setup::set_id(uint32_t id) {
  TEMPER_TRY(check_not_begun("row ids"));
  sequence_.id = id;
  return Status();
}

Status Setup::prompt(std::span<const int32_t> tokens) {
  TEMPER_TRY(check_not_begun("prompts"));
  TEMPER_TRY(check_ready());
  // An unbounded row also holds its first window.
  const SessionPlan &plan = frame_.plan;
  const int64_t most = plan.capacity >= 0 ? plan.capacity : plan.token_room - plan.max_active;
  if (tokens.size() > static_cast<size_t>(most))
    return fail(TEMPER_E_ARGUMENT, "a prompt of %zu tokens in a row of %lld", tokens.size(),
                static_cast<long long>(most));
  for (const int32_t token : tokens) TEMPER_TRY(check_token(token));
  sequence_.clear();
  std::copy(tokens.begin(), tokens.end(), sequence_.tokens.begin());
  sequence_.prompt = static_cast<int64_t>(tokens.size());
  return Status();
}

// Makes room for rows whose single positions are spoken of.
Status Setup::bend(const char *what) {
  TEMPER_TRY(check_not_begun(what));
  TEMPER_TRY(check_ready());
  if (!frame_.options.single_positions) {
    SessionOptions wanted = frame_.options;
    wanted.single_positions = true;
    TEMPER_TRY(session_.set_options(wanted));
  }
  return add_begin_token(frame_, sequence_);
}

Status Setup::fix(std::span<const int64_t> positions, std::span<const int32_t> tokens) {
  TEMPER_TRY(bend("fixed tokens"));
  for (size_t i = 0; i < positions.size(); ++i) {
    TEMPER_TRY(check_token(tokens[i]));
    if (tokens[i] == frame_.head.mask_token) return Status(TEMPER_E_ARGUMENT, "the mask token can't be fixed");
    if (positions[i] < sequence_.prompt || positions[i] >= frame_.plan.capacity)
      return fail(TEMPER_E_ARGUMENT, "position %lld isn't between the prompt's end, %lld, and the row's, %lld",
                  static_cast<long long>(positions[i]), static_cast<long long>(sequence_.prompt),
                  static_cast<long long>(frame_.plan.capacity));
  }
  for (size_t i = 0; i < positions.size(); ++i) {
    sequence_.wishes.set_start(positions[i] - sequence_.prompt, 0, frame_.parts.schedule.levels());
    sequence_.token(positions[i]) = tokens[i];
  }
  return Status();
}

Status Setup::draft(std::span<const int32_t> tokens, std::span<const int32_t> levels, bool corrupt) {
  TEMPER_TRY(bend("a draft"));
  const int32_t top = frame_.parts.schedule.levels();
  if (tokens.size() > static_cast<size_t>(frame_.plan.capacity - sequence_.prompt))
    return fail(TEMPER_E_ARGUMENT, "a draft of %zu tokens behind %lld in a row of %lld", tokens.size(),
                static_cast<long long>(sequence_.prompt), static_cast<long long>(frame_.plan.capacity));
  for (size_t i = 0; i < tokens.size(); ++i) {
    TEMPER_TRY(check_token(tokens[i]));
    if (levels[i] < 0 || levels[i] > top)
      return fail(TEMPER_E_ARGUMENT, "level %d of draft token %zu isn't 0 to %d", levels[i], i, top);
    if (tokens[i] == frame_.head.mask_token && levels[i] == 0)
      return fail(TEMPER_E_ARGUMENT, "draft token %zu is the mask token and can't be kept at level 0", i);
  }
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    sequence_.wishes.set_start(at, levels[i], top);
    sequence_.token(sequence_.prompt + at) = levels[i] == top ? -1 : tokens[i];
  }
  sequence_.corrupt_draft = corrupt ? 1 : 0;
  return Status();
}

Status Setup::weights(std::span<const float> weights) {
  TEMPER_TRY(bend("weights"));
  if (weights.size() > static_cast<size_t>(frame_.plan.capacity - sequence_.prompt))
    return fail(TEMPER_E_ARGUMENT, "%zu weights for %lld positions", weights.size(),
                static_cast<long long>(frame_.plan.capacity - sequence_.prompt));
  for (const float weight : weights)
    if (!(weight > 0) || std::isinf(weight))
      return fail(TEMPER_E_ARGUMENT, "a weight is %g, must be above 0 and finite", static_cast<double>(weight));
  sequence_.wishes.set_weights({weights.begin(), weights.end()});
  return Status();
}

Status Setup::allow(int64_t position, std::span<const int32_t> tokens) {
  TEMPER_TRY(check_not_begun("allowed tokens"));
  TEMPER_TRY(check_ready());
  TEMPER_TRY(add_begin_token(frame_, sequence_));
  if (position < sequence_.prompt || (frame_.plan.capacity >= 0 && position >= frame_.plan.capacity))
    return fail(TEMPER_E_ARGUMENT, "position %lld isn't one that is generated", static_cast<long long>(position));
  for (const int32_t token : tokens) {
    TEMPER_TRY(check_token(token));
    if (token == frame_.head.mask_token) return Status(TEMPER_E_ARGUMENT, "the mask token can't be allowed");
  }
  auto place = std::lower_bound(sequence_.allowed.begin(), sequence_.allowed.end(), position,
                                [](const AllowedTokens &a, int64_t p) { return a.position < p; });
  if (place != sequence_.allowed.end() && place->position == position) place = sequence_.allowed.erase(place);
  if (tokens.empty()) return Status();
  const size_t first = sequence_.allowed_ids.size();
  sequence_.allowed_ids.insert(sequence_.allowed_ids.end(), tokens.begin(), tokens.end());
  const auto begin = sequence_.allowed_ids.begin() + static_cast<std::ptrdiff_t>(first);
  std::sort(begin, sequence_.allowed_ids.end());
  sequence_.allowed_ids.erase(std::unique(begin, sequence_.allowed_ids.end()), sequence_.allowed_ids.end());
  sequence_.allowed.insert(place, {position, first, sequence_.allowed_ids.size() - first});
  return Status();
}

Status Setup::unconditional(std::span<const int32_t> tokens) {
  TEMPER_TRY(check_not_begun("prompts"));
  if (!frame_.options.guided) return Status(TEMPER_E_STATE, "guidance is off");
  TEMPER_TRY(add_begin_token(frame_, sequence_));
  for (const int32_t token : tokens) TEMPER_TRY(check_token(token));
  if (tokens.size() > static_cast<size_t>(sequence_.prompt))
    return fail(TEMPER_E_ARGUMENT, "%zu tokens in place of a prompt of %lld", tokens.size(),
                static_cast<long long>(sequence_.prompt));
  if (frame_.spec->shifted && tokens.empty())
    return Status(TEMPER_E_ARGUMENT, "this model predicts a token from the row before it: one token at least");
  sequence_.unconditional.assign(tokens.begin(), tokens.end());
  sequence_.has_unconditional = 1;
  return Status();
}

}  // namespace temper
