// SPDX-License-Identifier: Apache-2.0
// The exact distribution of ReMDM's rule conf (MATH 4.2): which visible token becomes a mask again depends on how
// probable each was in the call that revealed it, so that a state is a noisy sequence and these numbers.
#pragma once

#include "enumerate.h"

#include <map>
#include <utility>
#include <vector>

namespace temper::test {

class Remembered {
 public:
  Remembered(const Toy &model, const Hyperschedule &schedule, Path path, const SamplerParameters &parameters);
  static bool follows(SamplerKind kind, const SamplerParameters &parameters);
  // Probability of every final sequence.
  std::vector<double> run();

 private:
  struct State {
    size_t sequence = 0;
    std::vector<double> psi;  // of visible tokens in the window; 0 elsewhere
    auto operator<=>(const State &) const = default;
  };
  struct Move {
    int token = 0;
    double psi = 0, p = 0;
  };

  void move(const Row &row, State state, double p);
  std::vector<Move> moves(const Row &row, const State &state, int position, double weight) const;

  const Toy &model_;
  const Hyperschedule &schedule_;
  Path path_;
  SamplerParameters parameters_;
  std::map<State, double> now_, next_;
};

}  // namespace temper::test
