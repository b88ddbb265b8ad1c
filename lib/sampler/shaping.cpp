// SPDX-License-Identifier: Apache-2.0
#include "sampler/shaping.h"

namespace temper {

void Shaping::describe(const ShapingContext &at, temper_question &question) const noexcept {
  question.allowed = at.allowed.data();
  question.allowed_count = at.allowed.size();
  if (!ends(at)) {
    question.banned = at.end_tokens.data();
    question.banned_count = at.end_tokens.size();
  }
  if (counts()) {
    question.seen = at.history.data();
    question.seen_count = at.history.size();
    question.seen_here = at.own_token;
    question.repetition = repetition;
    question.frequency = frequency;
    question.presence = presence;
  }
  question.biases = biases.data();
  question.biases_count = biases.size();
}

}  // namespace temper
