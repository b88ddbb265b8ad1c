// SPDX-License-Identifier: Apache-2.0
// Documents of words, each of three bits drawn from one distribution (MATH E5), independent of each other; their
// exact denoiser in place of a model, and the bound by enumeration.
#pragma once

#include "score/score.h"
#include "support/lab.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <vector>

namespace temper::test {

inline constexpr double entropy = 1.864649375806;
inline constexpr std::array<double, 8> data_tokens = {8 / 32., 1 / 32., 2 / 32., 4 / 32., 1 / 32., 6 / 32., 3 / 32., 7 / 32.};

inline int bit(int word, int64_t i) { return word >> (2 - i) & 1; }

// What is known of a position: its token (-1 masked, -2 nothing) and how it came about.
struct Seen {
  int32_t token = -2;
  Clocks clocks;  // zero: clean
};

// q(token | clean) of two real tokens.
inline double likelihood(const Seen &seen, int clean) {
  if (seen.token == -2) return 1;
  if (seen.token == -1) return seen.clocks.m();
  return (1 - seen.clocks.m()) * (seen.clocks.kappa() * (seen.token == clean) + -std::expm1(-seen.clocks.lam) / 2);
}

// Of each position's seen token, for the clean tokens 0 and 1.
using Likelihoods = std::array<std::array<double, 2>, 3>;
inline Likelihoods likelihoods(const std::array<Seen, 3> &seen) {
  Likelihoods out;
  for (size_t i = 0; i < 3; ++i) out[i] = {likelihood(seen[i], 0), likelihood(seen[i], 1)};
  return out;
}

// p(x_0^i | all that is seen), by Bayes over the eight words.
inline std::array<double, 2> denoise(const Likelihoods &seen, int64_t i) {
  std::array<double, 2> pi{};
  for (int word = 0; word < 8; ++word) {
    double weight = data_tokens[static_cast<size_t>(word)];
    for (int64_t j = 0; j < 3; ++j) weight *= seen[static_cast<size_t>(j)][static_cast<size_t>(bit(word, j))];
    pi[static_cast<size_t>(bit(word, i))] += weight;
  }
  const double sum = pi[0] + pi[1];
  return {pi[0] / sum, pi[1] / sum};
}

using Path = std::function<Clocks(int32_t)>;  // of a level

// (15) of one word, every state of every call enumerated. It begins at position `first` of a document of `length`.
inline double enumerate(const Hyperschedule &schedule, const Path &path, int word, int64_t first = 0, int64_t length = 3) {
  double total = 0;
  for (int64_t k = 0; k < schedule.steps(length); ++k) {
    const int64_t settled = std::clamp<int64_t>(schedule.settled_end(k, length) - first, 0, 3);
    const int64_t end = std::clamp<int64_t>(schedule.active_end(k, length) - first, settled, 3);
    for (int state = 0; state < 27; ++state) {
      std::array<Seen, 3> seen;
      double chance = 1;
      int rest = state;
      for (int64_t i = 0; i < 3; ++i, rest /= 3) {
        Seen &at = seen[static_cast<size_t>(i)];
        if (i < settled) at.token = bit(word, i);
        else if (i < end) at = {rest % 3 - 1, path(schedule.level(k, first + i))};
        if (i >= settled && i < end) chance *= likelihood(at, bit(word, i));
        else if (rest % 3 != 0) chance = 0;  // count such a state once
      }
      if (!(chance > 0)) continue;
      for (int64_t i = settled; i < end; ++i) {
        const int32_t from = schedule.level(k, first + i), to = schedule.level(k + 1, first + i);
        if (from == to) continue;
        const std::array<double, 2> pi = denoise(likelihoods(seen), i);
        total += chance * divergence_of_posterior(Noise::between(path(from), path(to)), 2,
                                                  seen[static_cast<size_t>(i)].token, bit(word, i), pi.data());
      }
    }
  }
  return total;
}

inline double enumerate(const Hyperschedule &schedule, const Path &path) {
  double total = 0;
  for (int word = 0; word < 8; ++word) total += data_tokens[static_cast<size_t>(word)] * enumerate(schedule, path, word);
  return total;
}

// The exact denoiser in place of a model.
class Oracle final : public LogitSource {
 public:
  Oracle(const ScoreTask &task, int32_t lanes) : task_(task), lanes_(lanes) {}
  int32_t lanes() const noexcept override { return lanes_; }
  int32_t workers() const noexcept override { return 1; }
  void restart(int32_t) noexcept override {}
  Status evaluate(std::span<Visit *const> visits, RowReader &reader) override {
    const int32_t top = task_.schedule.levels();
    for (Visit *visit : visits) {
      std::vector<std::array<Seen, 3>> seen(visit->document->tokens.size() / 3);
      const auto at = [&](int64_t i) -> Seen & { return seen[static_cast<size_t>(i / 3)][static_cast<size_t>(i % 3)]; };
      for (int64_t i = 0; i < visit->settled; ++i) at(i).token = visit->document->tokens[static_cast<size_t>(i)];
      for (const ActivePosition &active : visit->active)
        at(active.position) = {active.token == 2 ? -1 : active.token, task_.noise.at_level(active.level, top)};
      int64_t word = -1;
      Likelihoods known{};
      for (size_t a = 0; a < visit->active.size(); ++a) {
        if (!visit->active[a].wants_logits) continue;
        const int64_t i = visit->active[a].position;
        if (i / 3 != word) known = likelihoods(seen[static_cast<size_t>(word = i / 3)]);
        const std::array<double, 2> pi = denoise(known, i % 3);
        const float row[2] = {static_cast<float>(std::log(pi[0])), static_cast<float>(std::log(pi[1]))};
        reader.read(*visit, a, row, 0);
      }
    }
    ++calls;
    return Status();
  }
  int calls = 0;

 private:
  const ScoreTask &task_;
  int32_t lanes_;
};

inline ScoreTask task_of(Hyperschedule schedule, double eps) {
  NoiseParameters parameters;
  if (eps > 0) {
    parameters.path = NoisePath::epsilon;
    parameters.mix = eps;
  }
  HeadDescription head;
  head.columns = head.vocabulary = head.mask_token = 2;
  return {std::move(schedule), require(Noise::create(parameters), "noise"), head, false, false, 0, 1, 0};
}

// Documents of `per_document` words each.
struct Words {
  std::vector<std::vector<int32_t>> tokens;
  std::vector<ScoreDocument> documents;
  explicit Words(const std::vector<int> &words, size_t per_document = 1) : tokens(words.size() / per_document) {
    for (size_t d = 0; d < tokens.size(); ++d) {
      for (size_t w = 0; w < per_document; ++w)
        for (int64_t i = 0; i < 3; ++i) tokens[d].push_back(bit(words[d * per_document + w], i));
      documents.push_back({tokens[d], 0, static_cast<uint32_t>(d)});
    }
  }
};

inline ScoreTotals score(const ScoreTask &task, const Words &words, std::vector<DocumentScore> &scores,
                         int32_t lanes = 3) {
  scores.assign(words.documents.size(), {});
  for (size_t d = 0; d < scores.size(); ++d) scores[d].terms.assign(words.tokens[d].size(), 0.0);
  Oracle oracle(task, lanes);
  return require(score_documents(task, words.documents, scores, oracle, {}), "score");
}

}  // namespace temper::test
