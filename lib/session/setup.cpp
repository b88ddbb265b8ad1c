// SPDX-License-Identifier: Apache-2.0
#include "session/setup.h"

#include "engine/admission.h"
#include "session/session.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace temper {
namespace {

SessionOptions with_single_positions(const SessionOptions &options) {
  SessionOptions wanted = options;
  wanted.single_positions = true;
  return wanted;
}

// Ids that no position refers to any more are given up; those behind them move up.
void drop_ids(Sequence &sequence, const AllowedTokens &gone) noexcept {
  const auto first = sequence.allowed_ids.begin() + static_cast<std::ptrdiff_t>(gone.first);
  sequence.allowed_ids.erase(first, first + static_cast<std::ptrdiff_t>(gone.count));
  for (AllowedTokens &other : sequence.allowed)
    if (other.first > gone.first) other.first -= gone.count;
}

}  // namespace

Setup::Setup(Session &session, int32_t row) noexcept
    : session_(session), frame_(session.frame_), sequence_(session.sequences_[static_cast<size_t>(row)]) {}

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

Result<int64_t> generated_begin(const Frame &frame, const Sequence &sequence) {
  if (!frame.spec->shifted || sequence.prompt > 0) return sequence.prompt;
  if (begin_token(*frame.spec) < 0)
    return Status(TEMPER_E_ARGUMENT, "this model needs a prompt of at least one token: it has no begin token");
  return int64_t{1};
}

Status add_begin_token(const Frame &frame, Sequence &sequence) {
  TEMPER_ASSIGN(const int64_t begin, generated_begin(frame, sequence));
  if (begin > sequence.prompt) sequence.tokens[0] = begin_token(*frame.spec);
  sequence.prompt = begin;
  return Status();
}

Status Setup::set_id(uint32_t id) {
  TEMPER_TRY(check_not_begun("row ids"));
  sequence_.id = id;
  return Status();
}

Status Setup::prompt(std::span<const int32_t> tokens) {
  TEMPER_TRY(check_not_begun("prompts"));
  TEMPER_TRY(session_.make_ready());
  const int64_t most = frame_.plan.prompt_room();
  if (tokens.size() > static_cast<size_t>(most))
    return fail(TEMPER_E_ARGUMENT, "a prompt of %zu tokens in a row of %lld", tokens.size(),
                static_cast<long long>(most));
  for (const int32_t token : tokens) TEMPER_TRY(check_token(token));
  sequence_.clear();
  std::copy(tokens.begin(), tokens.end(), sequence_.tokens.begin());
  sequence_.prompt = static_cast<int64_t>(tokens.size());
  return Status();
}

Result<int64_t> Setup::check_bend(const char *what) {
  TEMPER_TRY(check_not_begun(what));
  TEMPER_TRY(session_.make_ready());
  if (!frame_.options.single_positions)
    TEMPER_TRY(session_.plan_for(with_single_positions(frame_.options)).status());
  return generated_begin(frame_, sequence_);
}

Status Setup::bend() {
  if (!frame_.options.single_positions)
    TEMPER_TRY(session_.set_options(with_single_positions(frame_.options)));
  return add_begin_token(frame_, sequence_);
}

Status Setup::fix(std::span<const int64_t> positions, std::span<const int32_t> tokens) {
  TEMPER_ASSIGN(const int64_t begin, check_bend("fixed tokens"));
  for (size_t i = 0; i < positions.size(); ++i) {
    TEMPER_TRY(check_token(tokens[i]));
    if (tokens[i] == frame_.head.mask_token) return Status(TEMPER_E_ARGUMENT, "the mask token can't be fixed");
    if (positions[i] < begin || positions[i] >= frame_.plan.capacity)
      return fail(TEMPER_E_ARGUMENT, "position %lld isn't between the prompt's end, %lld, and the row's, %lld",
                  static_cast<long long>(positions[i]), static_cast<long long>(begin),
                  static_cast<long long>(frame_.plan.capacity));
  }
  LevelWishes wishes = sequence_.wishes;
  for (const int64_t position : positions) wishes.set_start(position - begin, 0, frame_.parts.schedule.levels());
  TEMPER_TRY(bend());
  sequence_.wishes = std::move(wishes);
  for (size_t i = 0; i < positions.size(); ++i) sequence_.token(positions[i]) = tokens[i];
  return Status();
}

Status Setup::draft(std::span<const int32_t> tokens, std::span<const int32_t> levels, bool corrupt) {
  TEMPER_ASSIGN(const int64_t begin, check_bend("a draft"));
  const int32_t top = frame_.parts.schedule.levels();
  if (static_cast<int64_t>(tokens.size()) > frame_.plan.capacity - begin)
    return fail(TEMPER_E_ARGUMENT, "a draft of %zu tokens behind %lld in a row of %lld", tokens.size(),
                static_cast<long long>(begin), static_cast<long long>(frame_.plan.capacity));
  for (size_t i = 0; i < tokens.size(); ++i) {
    TEMPER_TRY(check_token(tokens[i]));
    if (levels[i] < 0 || levels[i] > top)
      return fail(TEMPER_E_ARGUMENT, "level %d of draft token %zu isn't 0 to %d", levels[i], i, top);
    if (tokens[i] == frame_.head.mask_token && levels[i] == 0)
      return fail(TEMPER_E_ARGUMENT, "draft token %zu is the mask token and can't be kept at level 0", i);
  }
  LevelWishes wishes = sequence_.wishes;
  for (size_t i = 0; i < levels.size(); ++i) wishes.set_start(static_cast<int64_t>(i), levels[i], top);
  TEMPER_TRY(bend());
  sequence_.wishes = std::move(wishes);
  for (size_t i = 0; i < tokens.size(); ++i)
    sequence_.token(begin + static_cast<int64_t>(i)) = levels[i] == top ? -1 : tokens[i];
  sequence_.corrupt_draft = corrupt ? 1 : 0;
  return Status();
}

Status Setup::weights(std::span<const float> weights) {
  TEMPER_ASSIGN(const int64_t begin, check_bend("weights"));
  if (static_cast<int64_t>(weights.size()) > frame_.plan.capacity - begin)
    return fail(TEMPER_E_ARGUMENT, "%zu weights for %lld positions", weights.size(),
                static_cast<long long>(frame_.plan.capacity - begin));
  for (const float weight : weights)
    if (!(weight > 0) || std::isinf(weight))
      return fail(TEMPER_E_ARGUMENT, "a weight is %g, must be above 0 and finite", static_cast<double>(weight));
  LevelWishes wishes = sequence_.wishes;
  wishes.set_weights({weights.begin(), weights.end()});
  TEMPER_TRY(bend());
  sequence_.wishes = std::move(wishes);
  return Status();
}

Status Setup::allow(int64_t position, std::span<const int32_t> tokens) {
  TEMPER_TRY(check_not_begun("allowed tokens"));
  TEMPER_TRY(session_.make_ready());
  TEMPER_ASSIGN(const int64_t begin, generated_begin(frame_, sequence_));
  if (position < begin || (frame_.plan.capacity >= 0 && position >= frame_.plan.capacity))
    return fail(TEMPER_E_ARGUMENT, "position %lld isn't one that is generated", static_cast<long long>(position));
  for (const int32_t token : tokens) {
    TEMPER_TRY(check_token(token));
    if (token == frame_.head.mask_token) return Status(TEMPER_E_ARGUMENT, "the mask token can't be allowed");
  }
  TEMPER_TRY(add_begin_token(frame_, sequence_));
  std::vector<AllowedTokens> &allowed = sequence_.allowed;
  std::vector<int32_t> &ids = sequence_.allowed_ids;
  // The ids first: when memory runs out, what was allowed before still is.
  AllowedTokens entry{position, ids.size(), 0};
  ids.insert(ids.end(), tokens.begin(), tokens.end());
  const auto new_ids = ids.begin() + static_cast<std::ptrdiff_t>(entry.first);
  std::sort(new_ids, ids.end());
  ids.erase(std::unique(new_ids, ids.end()), ids.end());
  entry.count = ids.size() - entry.first;

  const auto place = std::lower_bound(allowed.begin(), allowed.end(), position,
                                      [](const AllowedTokens &a, int64_t p) { return a.position < p; });
  if (place == allowed.end() || place->position != position) {
    if (entry.count > 0) allowed.insert(place, entry);
    return Status();
  }
  const AllowedTokens before = std::exchange(*place, entry);
  if (entry.count == 0) allowed.erase(place);
  drop_ids(sequence_, before);
  return Status();
}

Status Setup::unconditional(std::span<const int32_t> tokens) {
  TEMPER_TRY(check_not_begun("prompts"));
  if (!frame_.options.guided) return Status(TEMPER_E_STATE, "guidance is off");
  TEMPER_TRY(session_.make_ready());
  TEMPER_ASSIGN(const int64_t begin, generated_begin(frame_, sequence_));
  for (const int32_t token : tokens) TEMPER_TRY(check_token(token));
  if (static_cast<int64_t>(tokens.size()) > begin)
    return fail(TEMPER_E_ARGUMENT, "%zu tokens in place of a prompt of %lld", tokens.size(),
                static_cast<long long>(begin));
  if (frame_.spec->shifted && tokens.empty())
    return Status(TEMPER_E_ARGUMENT, "this model predicts a token from the row before it: one token at least");
  TEMPER_TRY(add_begin_token(frame_, sequence_));
  sequence_.unconditional.assign(tokens.begin(), tokens.end());
  sequence_.has_unconditional = 1;
  return Status();
}

}  // namespace temper
