// SPDX-License-Identifier: Apache-2.0
// Questions for tests that look at a row's scratch memory itself.
#pragma once

#include "answer/workspace.h"
#include "sampler/sampler.h"

namespace temper::test {

// About a row of a head, nothing asked.
inline temper_question plain_question(const HeadDescription &head) {
  temper_question question = temper::plain_question();
  question.columns = head.columns;
  question.vocabulary = head.vocabulary;
  question.mask = head.mask_token;
  question.excluded = head.forbidden;
  question.excluded_count = head.forbidden_count;
  return question;
}

inline temper_question filter_question(const SamplerParameters &parameters) {
  temper_question question = temper::plain_question();
  question.top_k = parameters.top_k;
  question.top_p = parameters.top_p;
  question.min_p = parameters.min_p;
  question.typical_p = parameters.typical_p;
  return question;
}

}  // namespace temper::test
