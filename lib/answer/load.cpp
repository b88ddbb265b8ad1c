// SPDX-License-Identifier: Apache-2.0
// From a row of floats to the logits of the tokens that there are (MATH 2).
#include "answer/workspace.h"
#include "noise/posterior.h"

#include <algorithm>
#include <cmath>

namespace temper {
namespace {

constexpr double largest_score = 600;  // sums of 2^18 such scores stay finite

// Does the mask take one of the ids below the vocabulary's end?
bool has_mask(const temper_question &question) noexcept {
  return question.mask >= 0 && question.mask < question.vocabulary;
}

}  // namespace

bool Workspace::Memory::load(const temper_question &question, std::span<const float> row) noexcept {
  count = static_cast<size_t>(question.vocabulary);
  touched();
  return question.form == TEMPER_ROW_LOGITS ? load_logits(question, row) : load_scores(question, row);
}

bool Workspace::Memory::load_logits(const temper_question &question, std::span<const float> row) noexcept {
  top = never;
  bool sane = true;
  size_t begin = 0, listed = 0;
  bool mask_left = (question.asked & TEMPER_ASK_MASK_STAYS) == 0 && has_mask(question);
  // Between the excluded ids, in ascending order.
  while (begin < count) {
    size_t end = count;
    if (mask_left) end = static_cast<size_t>(question.mask);
    if (listed < question.excluded_count) end = std::min(end, static_cast<size_t>(question.excluded[listed]));
    const RowScan scan = copy_logits(row.data() + begin, end - begin, logits.data() + begin, question.offset);
    sane = sane && scan.sane;
    top = std::max(top, scan.top);
    if (end == count) break;
    logits[end] = never;
    if (mask_left && end == static_cast<size_t>(question.mask)) mask_left = false;
    while (listed < question.excluded_count && static_cast<size_t>(question.excluded[listed]) <= end) ++listed;
    begin = end + 1;
  }
  return sane && top > never;
}

bool Workspace::Memory::load_scores(const temper_question &question, std::span<const float> row) noexcept {
  // The conversions want the N tokens side by side, without the mask.
  const bool gap = has_mask(question);
  const size_t tokens = count - (gap ? 1 : 0);
  const auto id_of = [&](size_t dense) {
    return dense + (gap && dense >= static_cast<size_t>(question.mask) ? 1 : 0);
  };
  const int32_t own = question.own - (gap && question.own > question.mask ? 1 : 0);
  for (size_t i = 0; i < tokens; ++i) {
    const auto score = static_cast<double>(row[id_of(i)] - question.offset);
    if (!(score <= std::numeric_limits<double>::max())) return false;
    other[i] = exponential(std::min(score, largest_score));
  }
  if (tokens == 0) return false;
  if (question.form == TEMPER_ROW_SCORES)
    leave_one_out_from_score(question.kappa, tokens, own, other.data(), other.data());
  else
    posterior_from_official_score(question.sigma, tokens, own, other.data(), other.data());
  std::fill_n(logits.begin(), count, never);
  for (size_t i = 0; i < tokens; ++i)
    if (other[i] > 0) logits[id_of(i)] = std::log(other[i]);
  const auto exclude_listed = [&] {
    for (size_t i = 0; i < question.excluded_count; ++i) logits[static_cast<size_t>(question.excluded[i])] = never;
    top = largest(logits.data(), count);
  };
  exclude_listed();
  if (top == never && question.excluded_count > 0) {
    // Decoding left nothing but ids that no token has. Scores that say nothing are read as uniform, here as there.
    for (size_t i = 0; i < tokens; ++i) logits[id_of(i)] = 0;
    exclude_listed();
  }
  return top > never;
}

}  // namespace temper
