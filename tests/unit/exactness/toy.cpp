// SPDX-License-Identifier: Apache-2.0
#include "toy.h"

#include "base/philox.h"

#include <cmath>

namespace temper::test {

size_t Places::weight(int position) const {
  size_t weight = 1;
  for (int i = length - 1; i > position; --i) weight *= base();
  return weight;
}

int Places::at(size_t state, int position) const { return static_cast<int>(state / weight(position) % base()); }

size_t Places::with(size_t state, int position, int value) const {
  return state + (static_cast<size_t>(value) - state / weight(position) % base()) * weight(position);
}

size_t Places::sequences() const {
  size_t count = 1;
  for (int i = 0; i < length; ++i) count *= static_cast<size_t>(tokens);
  return count;
}

std::ptrdiff_t Places::sequence_of(size_t state) const {
  std::ptrdiff_t sequence = 0;
  for (int i = 0; i < length; ++i) {
    const int value = at(state, i);
    if (value >= tokens) return -1;
    sequence = sequence * tokens + value;
  }
  return sequence;
}

HeadDescription toy_head(int tokens, HeadForm form, int32_t mask_id) {
  HeadDescription head;
  head.kind = form;
  head.mask_token = mask_id;
  head.columns = head.vocabulary = tokens + 1;
  return head;
}

Table::Table(Places of, HeadForm form, uint32_t seed, int32_t mask_id, float spread, float mask)
    : Toy(of, toy_head(of.tokens, form, mask_id)) {
  const auto columns = static_cast<size_t>(of.tokens) + 1;
  rows_.resize(of.states() * static_cast<size_t>(of.length) * columns);
  for (size_t i = 0; i < rows_.size(); ++i) {
    const bool is_mask = static_cast<int32_t>(i % columns) == mask_id;
    const Draws draws(seed, 0, 0, static_cast<uint32_t>(i));
    rows_[i] = is_mask ? mask : spread * static_cast<float>(2 * draws.uniform(DrawTag::gumbel) - 1);
  }
}

std::span<const float> Table::row(size_t state, int position) const {
  const auto columns = static_cast<size_t>(description.columns);
  const size_t index = state * static_cast<size_t>(places.length) + static_cast<size_t>(position);
  return std::span(rows_).subspan(index * columns, columns);
}

void Table::predict(size_t state, std::span<const double>, int position, double *out) const {
  for (const float *logit = row(state, position).data(), *mask = logit + description.mask_token, *begin = logit;
       logit != begin + description.columns; ++logit)
    if (logit != mask) *out++ = static_cast<double>(*logit);
}

Oracle::Oracle(Places of, std::vector<double> data)
    : Toy(of, toy_head(of.tokens, HeadForm::posterior, of.tokens)), data_(std::move(data)) {
  double sum = 0;
  for (const double p : data_) sum += p;
  for (double &p : data_) p /= sum;
}

void Oracle::predict(size_t state, std::span<const double> kappa, int position, double *out) const {
  const int n = places.tokens;
  for (int x = 0; x < n; ++x) out[x] = 0;
  for (size_t s = 0; s < data_.size(); ++s) {
    double weight = data_[s];
    size_t rest = s;
    int own = 0;
    for (int i = places.length - 1; i >= 0; --i, rest /= static_cast<size_t>(n)) {
      const int clean = static_cast<int>(rest % static_cast<size_t>(n)), seen = places.at(state, i);
      if (i == position) own = clean;
      if (seen >= n) continue;
      const double kept = kappa[static_cast<size_t>(i)];
      weight *= (clean == seen ? kept : 0) + (1 - kept) / n;
    }
    out[own] += weight;
  }
  for (int x = 0; x < n; ++x) out[x] = std::log(out[x]);
}

}  // namespace temper::test
