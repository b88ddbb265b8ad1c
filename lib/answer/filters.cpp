// SPDX-License-Identifier: Apache-2.0
// Filters (MATH 4.1): each takes tokens out of what the one before left.
#include "answer/workspace.h"

#include <algorithm>
#include <cmath>

namespace temper {

void Workspace::Memory::filter(const temper_question &question) noexcept {
  if (question.top_k > 0) keep_top_k(static_cast<size_t>(question.top_k));
  if (question.top_p < 1) keep_top_p(question.top_p);
  if (question.min_p > 0) {
    const double lowest = std::log(question.min_p);
    exclude([&](size_t id) { return (logits[id] - top) * scale < lowest; });
  }
  if (question.typical_p < 1) keep_typical(question.typical_p);
}

template <typename Excluded>
void Workspace::Memory::exclude(Excluded excluded) noexcept {
  for (size_t id = 0; id < count; ++id)
    if (excluded(id)) logits[id] = never;
  touched();
}

std::ptrdiff_t Workspace::Memory::list_probable() noexcept {
  std::ptrdiff_t size = 0;
  for (size_t id = 0; id < count; ++id)
    if (is_probable(id)) ids[static_cast<size_t>(size++)] = static_cast<int32_t>(id);
  return size;
}

// Locally typical sampling (arXiv 2202.00666): tokens in order of how far their information -log p is from the
// entropy, until they hold p of the mass.
void Workspace::Memory::keep_typical(double p) noexcept {
  const double expected = entropy();
  const double log_total = std::log(static_cast<double>(total) / weight_one);
  for (size_t id = 0; id < count; ++id) other[id] = std::abs(log_total - (logits[id] - top) * scale - expected);
  const std::ptrdiff_t size = list_probable();
  const auto begin = ids.begin();
  std::sort(begin, begin + size, [this](int32_t a, int32_t b) {
    const double da = other[static_cast<size_t>(a)], db = other[static_cast<size_t>(b)];
    return da != db ? da < db : a < b;
  });
  const double wanted = p * static_cast<double>(total);
  double mass = 0;
  std::ptrdiff_t kept = 0;
  while (kept < size && (kept == 0 || mass < wanted)) mass += weight(ids[static_cast<size_t>(kept++)]);
  // The rest, and what was too improbable to be looked at.
  for (; kept < size; ++kept) logits[static_cast<size_t>(ids[static_cast<size_t>(kept)])] = never;
  exclude([this](size_t id) { return !is_probable(id); });
  top = largest(logits.data(), count);
}

// Logits not below the k-th largest; ties stay.
void Workspace::Memory::keep_top_k(size_t k) noexcept {
  size_t found = 0;
  for (size_t id = 0; id < count; ++id)
    if (logits[id] > never) other[found++] = logits[id];
  if (k >= found) return;
  double *const begin = other.begin(), *const place = begin + (k - 1);
  std::nth_element(begin, place, begin + found, [](double a, double b) { return a > b; });
  const double lowest = *place;
  exclude([&](size_t id) { return logits[id] < lowest; });
}

// In order of falling logit, then rising id: tokens with less than p of the mass before them. Halves the
// candidates until the last token kept is found; nothing is sorted as a whole.
void Workspace::Memory::keep_top_p(double p) noexcept {
  sum();
  const double wanted = p * static_cast<double>(total);
  const auto before = [this](int32_t a, int32_t b) {
    const double la = logits[static_cast<size_t>(a)], lb = logits[static_cast<size_t>(b)];
    return la != lb ? la > lb : a < b;
  };
  std::ptrdiff_t low = 0, high = list_probable();  // the token of rank `low` is kept, that of rank `high` isn't
  double mass = 0;                                 // before rank `low`: whole numbers below 2^53 stay exact
  const auto begin = ids.begin();
  while (high - low > 1) {
    const std::ptrdiff_t middle = low + (high - low) / 2;
    std::nth_element(begin + low, begin + middle, begin + high, before);
    double half = 0;
    for (std::ptrdiff_t i = low; i < middle; ++i) half += weight(ids[static_cast<size_t>(i)]);
    if (mass + half < wanted) {
      mass += half;
      low = middle;
    } else {
      high = middle;
    }
  }
  const auto last = static_cast<size_t>(ids[static_cast<size_t>(low)]);
  const double lowest = logits[last];
  exclude([&](size_t id) { return logits[id] < lowest || (logits[id] == lowest && id > last); });
}

}  // namespace temper
