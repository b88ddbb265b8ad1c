// SPDX-License-Identifier: Apache-2.0
// Documents as a model is to see them: a shifted model predicts a token from the row before it, so a document that
// is scored from its first token on gets the model's begin token (else its end token) in front.
#pragma once

#include "model/spec.h"
#include "score/score.h"

#include <vector>

namespace temper {

class BegunDocuments {
 public:
  // Copies the tokens of documents that get a begin token; the others stay where they are.
  static Result<BegunDocuments> create(const Spec &spec, std::span<const ScoreDocument> given);

  std::span<const ScoreDocument> list() const noexcept { return list_; }
  int64_t longest() const noexcept { return longest_; }  // in tokens, begin token included

  // Terms of ours to terms of the caller, who knows nothing of a begin token.
  void drop_begin(std::span<DocumentScore> scores) const;

 private:
  std::vector<std::vector<int32_t>> longer_;
  std::vector<ScoreDocument> list_;
  int64_t longest_ = 0;
};

}  // namespace temper
