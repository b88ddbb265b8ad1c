// SPDX-License-Identifier: Apache-2.0
// The exact distribution of what a sampler generates: the probability of every noisy sequence is carried through
// the calls of the hyperschedule by the formulas of the steps (noise/posterior.h). Nothing is drawn, and none of
// the samplers' code takes part.
#pragma once

#include "noise/noise.h"
#include "sampler/sampler.h"
#include "schedule/hyperschedule.h"
#include "toy.h"

#include <functional>
#include <vector>

namespace temper::test {

using Path = std::function<Transition(int32_t from, int32_t to, int32_t levels)>;
Path path_of(const Noise &noise);

// One row of levels: positions begin..end-1 are in the window.
struct Row {
  bool drops = false;  // otherwise there is no call
  int begin = 0, end = 0;
  std::vector<Transition> steps;  // of all positions
  std::vector<double> kappa;      // of all positions, before the call
};
Row row_of(const Hyperschedule &schedule, const Path &path, int64_t call, int length);

// Temperature and top-k, on what a position turns into (MATH 4.1, steps 5 and 6).
void shape(const SamplerParameters &parameters, std::vector<double> &p);

class Enumeration {
 public:
  // Positions start as masks, or as uniform tokens. Kind and parameters of the sampler name the law.
  Enumeration(const Toy &model, const Hyperschedule &schedule, Path path, bool masks, SamplerKind kind,
              const SamplerParameters &parameters);
  // Probability of every final sequence. Negative: some of it didn't become final.
  std::vector<double> run();

 private:
  struct Prediction {
    std::vector<double> full, pit;  // given all of the noisy sequence; given the other positions
  };
  struct Place {
    std::vector<double> token;
    double mask = 0;
  };

  void enter(const Row &row);
  void move(const Row &row);     // a call in which positions move independently
  void hit(const Row &row);      // first hitting: one after the other
  void correct(const Row &row);  // a corrector's call
  void reveal_in_turn(const Row &row, size_t state, unsigned waiting, double p);
  void spread(size_t state, int position, double p);
  const Prediction &prediction(const Row &row, size_t state, int position);
  void law(const Row &row, size_t state, int position, Place &place);
  void remdm(const Transition &step, const std::vector<double> &pi, int y, Place &place) const;

  const Toy &model_;
  const Hyperschedule &schedule_;
  Path path_;
  bool masks_;
  SamplerKind kind_;
  SamplerParameters parameters_;
  std::vector<double> now_, next_;
  std::vector<Place> places_;
  Prediction prediction_;
};

}  // namespace temper::test
