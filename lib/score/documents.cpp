// SPDX-License-Identifier: Apache-2.0
#include "score/documents.h"

#include "engine/admission.h"

#include <algorithm>

namespace temper {

Result<BegunDocuments> BegunDocuments::create(const Spec &spec, std::span<const ScoreDocument> given) {
  BegunDocuments out;
  out.longer_.resize(given.size());
  const int32_t begin = begin_token(spec);
  for (size_t d = 0; d < given.size(); ++d) {
    ScoreDocument document = given[d];
    if (spec.shifted && document.prefix == 0 && !document.tokens.empty()) {
      if (begin < 0)
        return fail(TEMPER_E_ARGUMENT,
                    "document %zu: this model has no begin token, the first token must be a prefix", d);
      std::vector<int32_t> &longer = out.longer_[d];
      longer.reserve(document.tokens.size() + 1);
      longer.push_back(begin);
      longer.insert(longer.end(), document.tokens.begin(), document.tokens.end());
      document.tokens = longer;
      document.prefix = 1;
      document.begun = true;
    }
    out.longest_ = std::max(out.longest_, static_cast<int64_t>(document.tokens.size()));
    out.list_.push_back(document);
  }
  return out;
}

void BegunDocuments::drop_begin(std::span<DocumentScore> scores) const {
  for (size_t d = 0; d < list_.size(); ++d)
    if (list_[d].begun && !scores[d].terms.empty()) scores[d].terms.erase(scores[d].terms.begin());
}

Status check_documents(const ScoreTask &task, std::span<const ScoreDocument> documents, int64_t max_length) {
  const HeadDescription &head = task.head;
  for (size_t d = 0; d < documents.size(); ++d) {
    const ScoreDocument &document = documents[d];
    const auto count = static_cast<int64_t>(document.tokens.size());
    if (max_length > 0 && count > max_length)
      return fail(TEMPER_E_ARGUMENT, "document %zu has %lld tokens%s, the model was trained on %lld", d,
                  static_cast<long long>(count), document.begun ? " with its begin token" : "",
                  static_cast<long long>(max_length));
    if (document.prefix < 0 || document.prefix > count)
      return fail(TEMPER_E_ARGUMENT, "document %zu: a prefix of %lld of %lld tokens", d,
                  static_cast<long long>(document.prefix), static_cast<long long>(count));
    for (int64_t i = 0; i < count; ++i) {
      const int32_t token = document.tokens[static_cast<size_t>(i)];
      if (token >= 0 && token < head.vocabulary && token != head.mask_token) continue;
      if (document.begun && i == 0)
        return fail(TEMPER_E_ARGUMENT, "the model's begin token is %d, not a token that can be scored", token);
      return fail(TEMPER_E_ARGUMENT, "document %zu: token %lld is %d, not a token that can be scored", d,
                  static_cast<long long>(document.begun ? i - 1 : i), token);
    }
    const int64_t length = count - document.prefix;
    if (length == 0) continue;
    TEMPER_TRY(task.schedule.validate(length));
    for (int64_t i = 0; i < length; ++i) {
      const int32_t level = task.schedule.level(0, i);
      if (level != 0 && level != task.schedule.levels())
        return fail(TEMPER_E_UNSUPPORTED,
                    "position %lld starts at level %d of %d: what starts in between has no likelihood",
                    static_cast<long long>(i), level, task.schedule.levels());
    }
  }
  return Status();
}

}  // namespace temper
