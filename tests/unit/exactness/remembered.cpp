// SPDX-License-Identifier: Apache-2.0
#include "remembered.h"

#include "noise/posterior.h"

#include <algorithm>
#include <cmath>

namespace temper::test {

Remembered::Remembered(const Toy &model, const Hyperschedule &schedule, Path path, const SamplerParameters &parameters)
    : model_(model), schedule_(schedule), path_(std::move(path)), parameters_(parameters) {}

bool Remembered::follows(SamplerKind kind, const SamplerParameters &parameters) {
  return kind == SamplerKind::remdm && parameters.rule == 2 && parameters.compat == 0;
}

std::vector<double> Remembered::run() {
  const Places &of = model_.places;
  now_ = {{{of.begin(), std::vector<double>(static_cast<size_t>(of.length), 0.0)}, 1}};
  for (int64_t k = 0; k < schedule_.steps(of.length); ++k) {
    const Row row = row_of(schedule_, path_, k, of.length);
    if (!row.drops) continue;
    next_.clear();
    for (const auto &[state, p] : now_) move(row, state, p);
    now_.swap(next_);
  }
  std::vector<double> final(of.sequences(), 0.0);
  for (const auto &[state, p] : now_) {
    const std::ptrdiff_t sequence = of.sequence_of(state.sequence);
    if (sequence < 0) return {-1};
    final[static_cast<size_t>(sequence)] += p;
  }
  return final;
}

void Remembered::move(const Row &row, State state, double p) {
  const Places &of = model_.places;
  for (int i = 0; i < row.end; ++i)
    if (of.at(state.sequence, i) == of.absent()) state.sequence = of.with(state.sequence, i, of.mask());
  const auto moves_at = [&](int i) { return i >= row.begin && i < row.end && !row.steps[static_cast<size_t>(i)].identity; };
  double sum = 0;
  for (int i = 0; i < of.length; ++i)
    if (moves_at(i) && of.at(state.sequence, i) < of.tokens) sum += std::exp(-state.psi[static_cast<size_t>(i)]);
  // All of them at once, each by itself.
  std::vector<std::pair<State, double>> states = {{state, p}}, more;
  for (int i = 0; i < of.length; ++i) {
    const auto at = static_cast<size_t>(i);
    // Settled: nobody asks any more.
    if (i < row.begin)
      for (auto &[other, q] : states) other.psi[at] = 0;
    if (!moves_at(i)) continue;
    more.clear();
    for (const Move &move : moves(row, state, i, std::exp(-state.psi[at]) / sum))
      for (const auto &[other, q] : states) {
        auto &[to, chance] = more.emplace_back(other, q * move.p);
        to.sequence = of.with(to.sequence, i, move.token);
        to.psi[at] = move.psi;
      }
    states.swap(more);
  }
  for (const auto &[to, chance] : states) next_[to] += chance;
}

std::vector<Remembered::Move> Remembered::moves(const Row &row, const State &state, int position, double weight) const {
  const Places &of = model_.places;
  const auto at = static_cast<size_t>(position);
  const double alpha_t = 1 - row.steps[at].m_t, alpha_s = 1 - row.steps[at].m_s;
  const int seen = of.at(state.sequence, position);
  if (seen < of.tokens) {
    const double most = alpha_t > 0 ? std::min(1.0, (1 - alpha_s) / alpha_t) : 1, sigma = weight * most;
    std::vector<Move> moves = {{seen, state.psi[at], 1 - sigma}};
    if (sigma > 0) moves.push_back({of.mask(), 0, sigma});
    return moves;
  }
  std::vector<double> pi(static_cast<size_t>(of.tokens));
  model_.predict(state.sequence, row.kappa, position, pi.data());
  for (double &value : pi) value = std::exp(value);
  shape(parameters_, pi);
  const double reveal = (alpha_s - alpha_t) / (1 - alpha_t);
  std::vector<Move> moves;
  if (reveal < 1) moves.push_back({of.mask(), 0, 1 - reveal});
  for (size_t x = 0; x < pi.size(); ++x)
    if (pi[x] > 0 && reveal > 0) moves.push_back({static_cast<int>(x), pi[x], reveal * pi[x]});
  return moves;
}

}  // namespace temper::test
