// SPDX-License-Identifier: Apache-2.0
// The exact distribution of what samplers by confidence generate. Positions don't move independently here, so that a
// call is a tree: what every masked position may draw, in which order they may be trusted, how many of them may be
// kept (include/temper/sampler.h; MATH 4.1, 4.2). Nothing is drawn, and none of the samplers' code takes part.
#pragma once

#include "enumerate.h"

#include <vector>

namespace temper::test {

class Ranked {
 public:
  Ranked(const Table &model, const Hyperschedule &schedule, const Path &path, SamplerKind kind,
         const SamplerParameters &parameters);
  static bool follows(SamplerKind kind);
  // Probability of every final sequence, and of masks in it, which published programs may leave.
  std::vector<double> run();

 private:
  struct Opinion {
    std::vector<double> plain, shaped;  // before and after temperature and filters; a published program's mask is last
  };
  struct Draw {
    int token = 0;
    double p = 0, confidence = 0;
  };
  struct Waiting {  // a masked position
    int position = 0;
    bool final = false;
    std::vector<Draw> draws;
  };
  // A call in a state.
  struct Call {
    size_t index = 0, state = 0;
    int rounds = 0;  // calls already made at these levels
    std::vector<Waiting> waiting;
    std::vector<Draw> drawn;  // by the waiting ones
    std::vector<size_t> order;
  };

  Opinion opinion(const Row &row, size_t state, int position) const;
  Waiting waiting(const Row &row, size_t state, int position) const;
  void visit(size_t index, size_t state, int rounds, double p);
  void draw(Call &call, double p);
  void rank(Call &call, double p);
  void keep(const Call &call, double p);
  void reveal(const Call &call, size_t count, double p);
  size_t quota(const Call &call) const;
  std::vector<double> counts(const Call &call) const;
  size_t edited(const Call &call) const;

  const Table &model_;
  const SamplerKind kind_;
  const SamplerParameters parameters_;
  std::vector<Row> rows_;
  std::vector<std::vector<double>> before_;  // every call: of the states
};

}  // namespace temper::test
