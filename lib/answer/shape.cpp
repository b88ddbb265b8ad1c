// SPDX-License-Identifier: Apache-2.0
// What may stand where: allowed and banned ids, penalties for what was said, biases (MATH 4.1, steps 3 and 4).
#include "answer/workspace.h"

#include <algorithm>

namespace temper {
namespace {

// Excludes what lies between the members of an ascending list.
void keep_only(std::span<double> logits, std::span<const int32_t> allowed) noexcept {
  size_t next = 0;
  for (const int32_t token : allowed) {
    if (token < 0) continue;
    const size_t end = std::min(static_cast<size_t>(token), logits.size());
    for (; next < end; ++next) logits[next] = never;
    next = std::max(next, static_cast<size_t>(token) + 1);
  }
  for (; next < logits.size(); ++next) logits[next] = never;
}

}  // namespace

bool Workspace::Memory::shape(const temper_question &question) noexcept {
  if (question.allowed_count + question.banned_count + question.seen_count + question.biases_count == 0)
    return top > never;
  if (question.allowed_count > 0) keep_only({logits.data(), count}, {question.allowed, question.allowed_count});
  for (const int32_t token : std::span(question.banned, question.banned_count))
    if (double *logit = logit_of(token)) *logit = never;

  for (const temper_token_count &seen : std::span(question.seen, question.seen_count)) {
    const int32_t times = seen.count - (seen.token == question.seen_here ? 1 : 0);
    double *logit = times > 0 ? logit_of(seen.token) : nullptr;
    if (logit == nullptr || *logit == never) continue;
    // Dividing a negative logit would favour the token.
    *logit = *logit > 0 ? *logit / question.repetition : *logit * question.repetition;
    *logit -= question.frequency * times + question.presence;
  }

  // Last, so that a bias means the same whatever was said before.
  for (const temper_token_bias &wish : std::span(question.biases, question.biases_count))
    if (double *logit = logit_of(wish.token); logit != nullptr && *logit != never) *logit += wish.bias;

  touched();
  top = largest(logits.data(), count);
  return top > never;
}

}  // namespace temper
