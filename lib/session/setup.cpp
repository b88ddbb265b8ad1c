// SPDX-License-Identifier: Apache-2.0
// What may be said of a session before its first step: options, prompts, and single positions.
#include "session/session.h"

#include <algorithm>
#include <cmath>

namespace temper {

Status Session::check_ready() const {
  if (forward_ != nullptr) return Status();
  if (length_ == 0) return Status(TEMPER_E_STATE, "an unbounded row needs a sliding context first");
  return Status(TEMPER_E_STATE, "memory ran out when options were set: set ones that need less");
}

Status Session::check_not_begun(const char *what) const {
  if (begun_) return fail(TEMPER_E_STATE, "%s can't be set after the first step", what);
  return Status();
}

Status Session::check_token(int32_t token) const {
  const Spec &spec = parts_.model->spec();
  if (token < 0 || token >= spec.vocabulary)
    return fail(TEMPER_E_ARGUMENT, "token %d isn't in the vocabulary of %lld", token,
                static_cast<long long>(spec.vocabulary));
  return Status();
}

Status Session::set_options(const SessionOptions &options) {
  TEMPER_TRY(check_not_begun("options"));
  SessionOptions wanted = options;
  std::sort(wanted.end_tokens.begin(), wanted.end_tokens.end());
  wanted.end_tokens.erase(std::unique(wanted.end_tokens.begin(), wanted.end_tokens.end()), wanted.end_tokens.end());
  if (length_ == 0 && wanted.look_back == 0) {
    forward_.reset();  // it was made for another context
    std::swap(options_, wanted);
    return Status();
  }
  // All that can be refused is refused before anything changes.
  TEMPER_ASSIGN(const SessionPlan plan,
                plan_session(parts_.model->spec(), parts_.schedule, rows(), length_, wanted));
  TEMPER_TRY(check_parts(parts_, plan));
  const int64_t room = plan.capacity >= 0 ? plan.capacity : plan.token_room;
  for (const Sequence &sequence : sequences_)
    if (sequence.prompt > room)
      return fail(TEMPER_E_ARGUMENT, "a prompt of %lld tokens doesn't fit a row of %lld",
                  static_cast<long long>(sequence.prompt), static_cast<long long>(room));
  std::swap(options_, wanted);
  // Without memory the session can be ended, or given options that need less.
  return allocate();
}

Status Session::set_id(int32_t row, uint32_t id) {
  TEMPER_TRY(check_not_begun("row ids"));
  sequences_[static_cast<size_t>(row)].id = id;
  return Status();
}

Status Session::prompt(int32_t row, std::span<const int32_t> tokens) {
  TEMPER_TRY(check_not_begun("prompts"));
  TEMPER_TRY(check_ready());
  // An unbounded row also holds its first window.
  const int64_t most = plan_.capacity >= 0 ? plan_.capacity : plan_.token_room - plan_.max_active;
  if (tokens.size() > static_cast<size_t>(most))
    return fail(TEMPER_E_ARGUMENT, "a prompt of %zu tokens in a row of %lld", tokens.size(),
                static_cast<long long>(most));
  for (const int32_t token : tokens) TEMPER_TRY(check_token(token));
  Sequence &sequence = sequences_[static_cast<size_t>(row)];
  sequence.clear();
  std::copy(tokens.begin(), tokens.end(), sequence.tokens.begin());
  sequence.prompt = static_cast<int64_t>(tokens.size());
  return Status();
}

// The first token of a shifted model is predicted by the row before it.
Status Session::add_begin_token(Sequence &sequence) {
  const Spec &spec = parts_.model->spec();
  if (!spec.shifted || sequence.prompt > 0 || plan_.capacity == 0) return Status();
  const int64_t first = spec.bos_token >= 0 ? spec.bos_token : spec.eos_token;
  if (first < 0)
    return Status(TEMPER_E_ARGUMENT, "this model needs a prompt of at least one token: it has no begin token");
  sequence.tokens[0] = static_cast<int32_t>(first);
  sequence.prompt = 1;
  return Status();
}

// Makes room for rows whose single positions are spoken of.
Status Session::bend(Sequence &sequence, const char *what) {
  TEMPER_TRY(check_not_begun(what));
  TEMPER_TRY(check_ready());
  if (!options_.single_positions) {
    SessionOptions wanted = options_;
    wanted.single_positions = true;
    TEMPER_TRY(set_options(wanted));
  }
  return add_begin_token(sequence);
}

Status Session::fix(int32_t row, std::span<const int64_t> positions, std::span<const int32_t> tokens) {
  Sequence &sequence = sequences_[static_cast<size_t>(row)];
  TEMPER_TRY(bend(sequence, "fixed tokens"));
  for (size_t i = 0; i < positions.size(); ++i) {
    TEMPER_TRY(check_token(tokens[i]));
    if (tokens[i] == head_.mask_token) return Status(TEMPER_E_ARGUMENT, "the mask token can't be fixed");
    if (positions[i] < sequence.prompt || positions[i] >= plan_.capacity)
      return fail(TEMPER_E_ARGUMENT, "position %lld isn't between the prompt's end, %lld, and the row's, %lld",
                  static_cast<long long>(positions[i]), static_cast<long long>(sequence.prompt),
                  static_cast<long long>(plan_.capacity));
  }
  for (size_t i = 0; i < positions.size(); ++i) {
    sequence.levels.set_start(positions[i] - sequence.prompt, 0, parts_.schedule.levels());
    sequence.token(positions[i]) = tokens[i];
  }
  return Status();
}

Status Session::draft(int32_t row, std::span<const int32_t> tokens, std::span<const int32_t> levels, bool corrupt) {
  Sequence &sequence = sequences_[static_cast<size_t>(row)];
  TEMPER_TRY(bend(sequence, "a draft"));
  const int32_t top = parts_.schedule.levels();
  if (tokens.size() > static_cast<size_t>(plan_.capacity - sequence.prompt))
    return fail(TEMPER_E_ARGUMENT, "a draft of %zu tokens behind %lld in a row of %lld", tokens.size(),
                static_cast<long long>(sequence.prompt), static_cast<long long>(plan_.capacity));
  for (size_t i = 0; i < tokens.size(); ++i) {
    TEMPER_TRY(check_token(tokens[i]));
    if (levels[i] < 0 || levels[i] > top)
      return fail(TEMPER_E_ARGUMENT, "level %d of draft token %zu isn't 0 to %d", levels[i], i, top);
    if (tokens[i] == head_.mask_token && levels[i] == 0)
      return fail(TEMPER_E_ARGUMENT, "draft token %zu is the mask token and can't be kept at level 0", i);
  }
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    sequence.levels.set_start(at, levels[i], top);
    sequence.token(sequence.prompt + at) = levels[i] == top ? -1 : tokens[i];
  }
  sequence.corrupt_draft = corrupt;
  return Status();
}

Status Session::weights(int32_t row, std::span<const float> weights) {
  Sequence &sequence = sequences_[static_cast<size_t>(row)];
  TEMPER_TRY(bend(sequence, "weights"));
  if (weights.size() > static_cast<size_t>(plan_.capacity - sequence.prompt))
    return fail(TEMPER_E_ARGUMENT, "%zu weights for %lld positions", weights.size(),
                static_cast<long long>(plan_.capacity - sequence.prompt));
  for (const float weight : weights)
    if (!(weight > 0) || std::isinf(weight))
      return fail(TEMPER_E_ARGUMENT, "a weight is %g, must be above 0 and finite", static_cast<double>(weight));
  sequence.levels.set_weights({weights.begin(), weights.end()});
  return Status();
}

Status Session::allow(int32_t row, int64_t position, std::span<const int32_t> tokens) {
  Sequence &sequence = sequences_[static_cast<size_t>(row)];
  TEMPER_TRY(check_not_begun("allowed tokens"));
  TEMPER_TRY(check_ready());
  TEMPER_TRY(add_begin_token(sequence));
  if (position < sequence.prompt || (plan_.capacity >= 0 && position >= plan_.capacity))
    return fail(TEMPER_E_ARGUMENT, "position %lld isn't one that is generated", static_cast<long long>(position));
  for (const int32_t token : tokens) {
    TEMPER_TRY(check_token(token));
    if (token == head_.mask_token) return Status(TEMPER_E_ARGUMENT, "the mask token can't be allowed");
  }
  auto place = std::lower_bound(sequence.allowed.begin(), sequence.allowed.end(), position,
                                [](const AllowedTokens &a, int64_t p) { return a.position < p; });
  if (place != sequence.allowed.end() && place->position == position) place = sequence.allowed.erase(place);
  if (tokens.empty()) return Status();
  const size_t first = sequence.allowed_ids.size();
  sequence.allowed_ids.insert(sequence.allowed_ids.end(), tokens.begin(), tokens.end());
  const auto begin = sequence.allowed_ids.begin() + static_cast<std::ptrdiff_t>(first);
  std::sort(begin, sequence.allowed_ids.end());
  sequence.allowed_ids.erase(std::unique(begin, sequence.allowed_ids.end()), sequence.allowed_ids.end());
  sequence.allowed.insert(place, {position, first, sequence.allowed_ids.size() - first});
  return Status();
}

Status Session::unconditional(int32_t row, std::span<const int32_t> tokens) {
  TEMPER_TRY(check_not_begun("prompts"));
  if (!options_.guided) return Status(TEMPER_E_STATE, "guidance is off");
  Sequence &sequence = sequences_[static_cast<size_t>(row)];
  TEMPER_TRY(add_begin_token(sequence));
  for (const int32_t token : tokens) TEMPER_TRY(check_token(token));
  if (tokens.size() > static_cast<size_t>(sequence.prompt))
    return fail(TEMPER_E_ARGUMENT, "%zu tokens in place of a prompt of %lld", tokens.size(),
                static_cast<long long>(sequence.prompt));
  if (parts_.model->spec().shifted && tokens.empty())
    return Status(TEMPER_E_ARGUMENT, "this model predicts a token from the row before it: one token at least");
  sequence.companion.prompt.assign(tokens.begin(), tokens.end());
  sequence.companion.has_prompt = true;
  return Status();
}

Status Session::set_value(ValueHook hook, int32_t candidates, bool preview) {
  TEMPER_TRY(check_not_begun("guidance by value"));
  SessionOptions wanted = options_;
  wanted.candidates = hook.function == nullptr ? 1 : candidates;
  wanted.preview = hook.function != nullptr && preview;
  const SessionOptions before = options_;
  const Status status = set_options(wanted);
  // The function and the candidates are known together or not at all.
  if (status.ok()) {
    value_hook_ = hook;
  } else {
    options_.candidates = before.candidates;
    options_.preview = before.preview;
  }
  return status;
}

}  // namespace temper
