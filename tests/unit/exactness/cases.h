// SPDX-License-Identifier: Apache-2.0
// A case: a toy, a path, a hyperschedule, a sampler. Its distribution by enumeration against many draws.
#pragma once

#include "driver.h"
#include "enumerate.h"

#include <string>
#include <utility>
#include <vector>

namespace temper::test {

// Builds with sanitizers look for other faults and take their time.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int draw_count = 20000;
#else
inline constexpr int draw_count = 200000;
#endif

struct Named {
  std::string name;
  Hyperschedule schedule;
};
// One call, many calls, windows of all kinds.
std::vector<Named> schedules();
Named flat(int32_t levels);
Named block(int64_t width, int32_t levels);
Named slide(int64_t width, int32_t levels);
// Three positions that take turns in standing still: one that is pure noise yet, one that may be visible.
Named pauses();

struct NamedPath {
  std::string name;
  NoiseParameters parameters;
};
NamedPath absorbing_path(NoiseClock clock = NoiseClock::linear);
NamedPath uniform_path(NoiseClock clock = NoiseClock::log_linear);
NamedPath epsilon_path(double mix = .1, NoiseClock clock = NoiseClock::linear);
NamedPath gamma_path(double mix, NoiseClock clock = NoiseClock::log_linear);
NamedPath gidd_path(double mix = .2);

using Values = std::vector<std::pair<SamplerParameter, double>>;
Values with(Values values, const Values &more);
// Of the orders of confidence by number; shapings of a prediction; toys' sizes.
inline constexpr const char *order_names[] = {"probability", "filtered", "margin", "entropy", "random", "position"};
inline const Values warm = {{SamplerParameter::temperature, .6}},
                    few = {{SamplerParameter::temperature, 1.8}, {SamplerParameter::top_k, 2}};
inline constexpr Places of_three = {3, 3}, of_four = {2, 4};
Sampler sampler_of(SamplerKind kind, const Values &values);

// Probability of every final sequence, by the enumeration that knows the sampler; whatever follows can't be drawn.
std::vector<double> expected_of(const Table &model, const Hyperschedule &schedule, const Noise &noise, const Sampler &sampler);

// How counts and probabilities differ; cells that are expected less than five times are taken together.
struct Fit {
  double chi = 0;
  int freedom = 0;
  bool impossible = false;  // something was drawn that can't be
  bool good() const;
};
Fit fit(const std::vector<int> &counts, const std::vector<double> &expected);

// All cases of a test program: each is checked by itself, and their sum, which small faults add up in.
class Tally {
 public:
  // `count` hyperschedules, by turns, so that all of them come up with every kind of sampler; all at once where
  // the environment has TEMPER_ALL_CASES.
  void sweep(const std::string &name, const Table &model, const NamedPath &path, const Sampler &sampler, int count = 1);
  // Draws and compares; the test fails with the case's name.
  void check(const std::string &name, const Table &model, const Named &schedule, const NamedPath &path,
             const Sampler &sampler);
  void add(const std::string &name, const Fit &fit);
  void close() const;

 private:
  double chi_ = 0;
  int freedom_ = 0, cases_ = 0;
  uint64_t seed_ = 1000;
  size_t turn_ = 0;
};

}  // namespace temper::test
