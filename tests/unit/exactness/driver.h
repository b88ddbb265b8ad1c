// SPDX-License-Identifier: Apache-2.0
// Generates sequences of a toy model with a sampler as a session does: windows of the hyperschedule, useless calls
// left out, verdicts followed, draws counted by calls.
#pragma once

#include "noise/noise.h"
#include "sampler/sampler.h"
#include "schedule/hyperschedule.h"
#include "toy.h"

#include <vector>

namespace temper::test {

class Driver {
 public:
  Driver(const Table &model, const Hyperschedule &schedule, const Noise &noise, const Sampler &sampler);
  // The final sequence, to the base N.
  size_t run(uint64_t seed, uint32_t sequence);
  int64_t calls() const { return calls_; }  // of the model or of decide alone, in all runs

 private:
  struct Row {
    int begin = 0, end = 0;
    bool drops = false;
    std::vector<Transition> steps;  // of the positions in the window
  };
  int rank_of(int32_t token) const;
  size_t next_arrival(size_t call) const;

  const Table &model_;
  const Noise &noise_;
  const Sampler &sampler_;
  std::vector<Row> rows_;
  Workspace workspace_;
  std::vector<int32_t> tokens_;
  std::vector<PositionMemory> memory_;
  std::vector<SamplerPosition> positions_;
  std::vector<Proposal> proposals_;
  std::vector<size_t> weights_;
  int64_t calls_ = 0;
};

}  // namespace temper::test
