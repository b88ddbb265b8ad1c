// SPDX-License-Identifier: Apache-2.0
#include "ranked.h"

#include "noise/posterior.h"

#include <algorithm>
#include <cmath>

namespace temper::test {
namespace {

enum class Order { drawn = 0, drawn_shaped = 1, margin = 2, entropy = 3, random = 4, position = 5 };

Order order_of(const SamplerParameters &parameters) { return static_cast<Order>(static_cast<int>(parameters.order)); }

double negative_entropy(const std::vector<double> &p) {
  double sum = 0;
  for (const double value : p) sum += value > 0 ? value * std::log(value) : 0;
  return sum;
}

double lead(std::vector<double> p) {
  std::sort(p.begin(), p.end(), std::greater<>());
  return p[0] - p[1];
}

// At least `count` of `n` events of chance `p`.
double at_least(size_t count, size_t n, double p) {
  double sum = 0;
  for (size_t i = count; i <= n; ++i) {
    double ways = 1;
    for (size_t j = 0; j < i; ++j) ways = ways * static_cast<double>(n - j) / static_cast<double>(j + 1);
    sum += ways * std::pow(p, static_cast<double>(i)) * std::pow(1 - p, static_cast<double>(n - i));
  }
  return sum;
}

}  // namespace

Ranked::Ranked(const Table &model, const Hyperschedule &schedule, const Path &path, SamplerKind kind,
               const SamplerParameters &parameters)
    : model_(model), kind_(kind), parameters_(parameters) {
  const int length = model.places.length;
  for (int64_t k = 0; k < schedule.steps(length); ++k) rows_.push_back(row_of(schedule, path, k, length));
}

bool Ranked::follows(SamplerKind kind) {
  return kind == SamplerKind::confidence || kind == SamplerKind::threshold || kind == SamplerKind::entropy_bound ||
         kind == SamplerKind::edit;
}

std::vector<double> Ranked::run() {
  const Places &of = model_.places;
  before_.assign(rows_.size() + 1, std::vector<double>(of.states(), 0.0));
  before_[0][of.begin()] = 1;
  for (size_t k = 0; k < rows_.size(); ++k)
    for (size_t state = 0; state < of.states(); ++state) {
      const double p = before_[k][state];
      if (p == 0) continue;
      if (!rows_[k].drops) {
        before_[k + 1][state] += p;
        continue;
      }
      size_t entered = state;
      for (int i = 0; i < rows_[k].end; ++i)
        if (of.at(state, i) == of.absent()) entered = of.with(entered, i, of.mask());
      visit(k, entered, 0, p);
    }
  std::vector<double> final(of.sequences() + 1, 0.0);
  for (size_t state = 0; state < of.states(); ++state) {
    const std::ptrdiff_t sequence = of.sequence_of(state);
    final[sequence < 0 ? of.sequences() : static_cast<size_t>(sequence)] += before_.back()[state];
  }
  return final;
}

// What the model says: of a masked position what it draws from, of a visible one as it stands.
Ranked::Opinion Ranked::opinion(const Row &row, size_t state, int position) const {
  const Places &of = model_.places;
  const auto n = static_cast<size_t>(of.tokens);
  std::vector<double> p(n);
  model_.predict(state, row.kappa, position, p.data());
  for (double &value : p) value = std::exp(value);
  if (model_.description.kind == HeadForm::score_exact) {
    const int seen = of.at(state, position);
    const int32_t y = seen < of.tokens ? seen : masked_state;
    leave_one_out_from_score(row.kappa[static_cast<size_t>(position)], n, y, p.data(), p.data());
  }
  if (parameters_.compat != 0) {
    const auto mask = static_cast<size_t>(model_.description.mask_token);
    p.push_back(std::exp(static_cast<double>(model_.row(state, position)[mask])));
  }
  normalise(p.size(), p.data());
  Opinion opinion{p, p};
  SamplerParameters shaping = parameters_;
  // The most probable token is taken; how sure it is the published programs say without a temperature, then.
  if (shaping.temperature == 0) shaping.temperature = 1;
  shape(shaping, opinion.shaped);
  return opinion;
}

Ranked::Waiting Ranked::waiting(const Row &row, size_t state, int position) const {
  const Opinion of = opinion(row, state, position);
  Waiting waiting{position, row.steps[static_cast<size_t>(position)].final, {}};
  const auto best = std::max_element(of.plain.begin(), of.plain.end()) - of.plain.begin();
  for (size_t x = 0; x < of.plain.size(); ++x) {
    Draw draw{static_cast<int>(x), of.shaped[x], 0};
    if (parameters_.temperature == 0) draw.p = static_cast<std::ptrdiff_t>(x) == best ? 1 : 0;
    if (draw.p == 0) continue;
    switch (order_of(parameters_)) {
      case Order::drawn: draw.confidence = of.plain[x]; break;
      case Order::drawn_shaped: draw.confidence = of.shaped[x]; break;
      case Order::margin: draw.confidence = lead(of.shaped); break;
      case Order::entropy: draw.confidence = negative_entropy(of.shaped); break;
      case Order::random: break;
      case Order::position: draw.confidence = -position; break;
    }
    waiting.draws.push_back(draw);
  }
  return waiting;
}

void Ranked::visit(size_t index, size_t state, int rounds, double p) {
  const Row &row = rows_[index];
  Call call{index, state, rounds, {}, {}, {}};
  for (int i = row.begin; i < row.end; ++i)
    if (!row.steps[static_cast<size_t>(i)].identity && model_.places.at(state, i) == model_.places.mask())
      call.waiting.push_back(waiting(row, state, i));
  draw(call, p);
}

void Ranked::draw(Call &call, double p) {
  if (call.drawn.size() == call.waiting.size()) return rank(call, p);
  for (const Draw &next : call.waiting[call.drawn.size()].draws) {
    call.drawn.push_back(next);
    draw(call, p * next.p);
    call.drawn.pop_back();
  }
}

// One after the other: the most confident, the first of equals; or one of all; or by weights, without replacement.
void Ranked::rank(Call &call, double p) {
  if (call.order.size() == call.drawn.size()) return keep(call, p);
  const bool random = order_of(parameters_) == Order::random, weighted = parameters_.order_temperature > 0;
  std::vector<double> weights(call.drawn.size(), 0.0);
  double sum = 0;
  size_t best = weights.size();
  for (size_t i = 0; i < weights.size(); ++i) {
    if (std::find(call.order.begin(), call.order.end(), i) != call.order.end()) continue;
    const double confidence = call.drawn[i].confidence;
    if (best == weights.size() || confidence > call.drawn[best].confidence) best = i;
    // Random confidences are exchangeable, whatever is added to them.
    sum += weights[i] = random || !weighted ? 1 : std::exp(confidence / parameters_.order_temperature);
  }
  for (size_t i = 0; i < weights.size(); ++i) {
    const double chance = random || weighted ? weights[i] / sum : i == best ? 1 : 0;
    if (chance == 0) continue;
    call.order.push_back(i);
    rank(call, p * chance);
    call.order.pop_back();
  }
}

void Ranked::keep(const Call &call, double p) {
  const std::vector<double> of_count = counts(call);
  for (size_t n = 0; n < of_count.size(); ++n)
    if (of_count[n] > 0) reveal(call, n, p * of_count[n]);
}

// So many as the levels reveal on average, rounded; those that become final are among them.
size_t Ranked::quota(const Call &call) const {
  if (call.waiting.empty()) return 0;
  double expected = 0;
  for (const Waiting &waiting : call.waiting)
    expected += waiting.final ? 1 : rows_[call.index].steps[static_cast<size_t>(waiting.position)].reveal;
  const double rounded = parameters_.rule == 0 ? std::ceil(expected - 1e-6) : std::floor(expected + 1e-6);
  return static_cast<size_t>(parameters_.compat == 0 ? std::max(1.0, rounded) : rounded);
}

// How probable it is that so many of the order are kept: a certain number, but where confidence itself is random.
std::vector<double> Ranked::counts(const Call &call) const {
  const size_t size = call.order.size();
  std::vector<double> result(size + 1, 0.0);
  const auto confidence = [&](size_t rank) { return call.drawn[call.order[rank]].confidence; };
  size_t count = size == 0 ? 0 : 1;
  if (kind_ == SamplerKind::confidence) {
    count = std::min(quota(call), size);
  } else if (kind_ == SamplerKind::entropy_bound) {
    double sum = 0;
    for (size_t n = 1; n <= size; ++n) {
      sum -= confidence(n - 1);
      // In this order the last one's entropy is the largest.
      if (sum + confidence(n - 1) <= parameters_.entropy_bound) count = n;
    }
  } else if (order_of(parameters_) == Order::random) {
    for (size_t n = 1; n <= size; ++n) {
      // Of at least n: as many are above the threshold; or (n + 1)(1 - the n-th largest) is below the factor.
      const auto enough = [&](size_t m) {
        const double by_factor = std::min(1.0, parameters_.factor / static_cast<double>(m + 1));
        const double chance = parameters_.factor > 0 ? by_factor : 1 - parameters_.threshold;
        return m == 1 ? 1 : m > size ? 0 : at_least(m, size, chance);
      };
      result[n] = enough(n) - enough(n + 1);
    }
    if (size > 0) return result;
  } else {
    for (size_t n = 1; n <= size; ++n) {
      const double c = confidence(n - 1);
      const bool by_factor = static_cast<double>(n + 1) * (1 - c) < parameters_.factor;
      if (parameters_.factor > 0 ? by_factor : c >= parameters_.threshold) count = n;
    }
  }
  result[count] = 1;
  return result;
}

// Visible tokens, too, may have changed when the call is over.
size_t Ranked::edited(const Call &call) const {
  const Places &of = model_.places;
  const Row &row = rows_[call.index];
  size_t next = call.state;
  if (kind_ != SamplerKind::edit) return next;
  for (int i = row.begin; i < row.end; ++i) {
    if (row.steps[static_cast<size_t>(i)].identity || of.at(call.state, i) >= of.tokens) continue;
    const std::vector<double> p = opinion(row, call.state, i).plain;
    const auto best = std::max_element(p.begin(), p.end());
    if (*best >= parameters_.edit_threshold) next = of.with(next, i, static_cast<int>(best - p.begin()));
  }
  return next;
}

void Ranked::reveal(const Call &call, size_t count, double p) {
  const Places &of = model_.places;
  const Row &row = rows_[call.index];
  size_t next = edited(call);
  const auto take = [&](size_t which) { next = of.with(next, call.waiting[which].position, call.drawn[which].token); };
  const bool within = kind_ == SamplerKind::confidence;  // what becomes final takes places of the quota
  size_t taken = 0;
  for (size_t i = 0; i < call.waiting.size(); ++i)
    if (call.waiting[i].final) {
      take(i);
      if (within) ++taken;
    }
  for (const size_t i : call.order) {
    if (taken >= count) break;
    if (within && call.waiting[i].final) continue;
    take(i);
    ++taken;
  }
  bool masked = false;
  for (int i = row.begin; i < row.end; ++i) masked = masked || of.at(next, i) == of.mask();
  if (masked) {
    before_[call.index + 1][next] += p;
    return;
  }
  // A whole window that was edited is looked at again.
  if (kind_ == SamplerKind::edit && next != call.state && call.rounds < static_cast<int>(parameters_.extra_steps))
    return visit(call.index, next, call.rounds + 1, p);
  // Nothing more happens until another position arrives.
  size_t arrival = call.index + 1;
  while (arrival < rows_.size() && rows_[arrival].end <= row.end) ++arrival;
  before_[arrival][next] += p;
}

}  // namespace temper::test
