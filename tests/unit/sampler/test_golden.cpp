// SPDX-License-Identifier: Apache-2.0
// Whole generations with an exact denoiser (MATH 4.4): three positions, two tokens, the distribution
// [8,1,2,4,1,6,3,7]/32 over 000..111. The very tokens for one seed, and the distribution over many.
#include "noise/posterior.h"
#include "sampler/sampler.h"
#include "support/single.h"
#include "schedule/hyperschedule.h"

#include <array>
#include <cmath>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string>
#include <utility>

extern "C" {
#include <cmocka.h>
}

using namespace temper;
using namespace temper::test;

namespace {

constexpr int length = 3;
constexpr std::array<double, 8> weights = {8, 1, 2, 4, 1, 6, 3, 7};

Noise path(NoisePath kind, double mix) {
  NoiseParameters p;
  p.path = kind;
  p.mix = mix;
  return Noise::create(p).value();
}

// lam = l/(2T) and m = l/T, which is no path of the catalogue.
Transition half_lambda(int32_t from, int32_t to, int32_t levels) {
  const auto clocks = [&](int32_t l) {
    return Clocks{-std::log1p(-static_cast<double>(l) / levels), .5 * l / levels};
  };
  Transition step = Noise::between(clocks(from), clocks(to));
  if (from > to) {
    step.reveal = static_cast<double>(from - to) / from;
    step.stay = static_cast<double>(to) / from;
  }
  return step;
}

using Path = Transition (*)(int32_t from, int32_t to, int32_t levels);
Transition linear(int32_t from, int32_t to, int32_t levels) { return path(NoisePath::absorbing, 0).transition(from, to, levels); }
Transition epsilon(int32_t from, int32_t to, int32_t levels) { return path(NoisePath::epsilon, .1).transition(from, to, levels); }

class Generator {
 public:
  explicit Generator(Hyperschedule schedule, Path path) : schedule_(std::move(schedule)), scratch_(make_scratch()) {
    head_.columns = head_.vocabulary = 3;
    head_.mask_token = 2;
    levels_ = schedule_.levels();
    for (int32_t from = 0; from <= levels_; ++from)
      for (int32_t to = 0; to <= from; ++to) table_[static_cast<size_t>(from)][static_cast<size_t>(to)] = path(from, to, levels_);
  }

  int run(uint64_t seed, uint32_t sequence) {
    std::array<int32_t, length> x = {2, 2, 2};
    const int64_t calls = schedule_.steps(length);
    for (int64_t k = 0; k < calls; ++k) {
      std::array<int32_t, length> next = x;
      const int64_t begin = schedule_.settled_end(k, length), end = schedule_.active_end(k, length);
      for (int64_t i = begin; i < end; ++i) {
        const Transition &step = transition(schedule_.level(k, i), schedule_.level(k + 1, i));
        const Draws draws(seed, sequence, static_cast<uint32_t>(k), static_cast<uint32_t>(i));
        const SamplerPosition at{static_cast<uint32_t>(i), x[static_cast<size_t>(i)], false, &step};
        Proposal proposal = decide(sampler_, head_, at, draws);
        if (proposal.needs_logits) {
          const auto row = logits(x, k, i);
          proposal = propose(sampler_, head_, at, draws, row, scratch_);
        }
        next[static_cast<size_t>(i)] = proposal.token;
      }
      x = next;
    }
    return x[0] * 4 + x[1] * 2 + x[2];
  }

 private:
  static Workspace make_scratch() {
    auto result = Workspace::create(3);
    return std::move(result.value());
  }

  const Transition &transition(int32_t from, int32_t to) const {
    return table_[static_cast<size_t>(from)][static_cast<size_t>(to)];
  }

  // Bayes over the eight strings.
  std::array<float, 3> logits(const std::array<int32_t, length> &x, int64_t call, int64_t i) const {
    std::array<double, 2> p = {0, 0};
    for (int s = 0; s < 8; ++s) {
      double weight = weights[static_cast<size_t>(s)];
      for (int j = 0; j < length; ++j) {
        const int bit = (s >> (length - 1 - j)) & 1;
        if (x[static_cast<size_t>(j)] == 2) continue;
        const Transition &step = transition(schedule_.level(call, j), 0);
        const double kappa = schedule_.level(call, j) == 0 ? 1 : step.kappa_t;
        weight *= (bit == x[static_cast<size_t>(j)] ? kappa : 0) + (1 - kappa) / 2;
      }
      p[static_cast<size_t>((s >> (length - 1 - i)) & 1)] += weight;
    }
    return {static_cast<float>(std::log(p[0])), static_cast<float>(std::log(p[1])), 0};
  }

  Hyperschedule schedule_;
  HeadDescription head_;
  Workspace scratch_;
  Sampler sampler_ = Sampler::create(SamplerKind::ancestral, {}).value();
  int32_t levels_ = 1;
  std::array<std::array<Transition, 5>, 5> table_{};
};

void check(Generator generator, const char *golden, const std::array<double, 8> &expected) {
  std::string got;
  for (uint32_t sequence = 0; sequence < 24; ++sequence) {
    const int s = generator.run(0x0123456789abcdef, sequence);
    if (sequence > 0) got += ' ';
    for (int bit = 2; bit >= 0; --bit) got += static_cast<char>('0' + ((s >> bit) & 1));
  }
  assert_string_equal(got.c_str(), golden);

  constexpr int runs = 20000;
  std::array<int, 8> counts{};
  for (uint32_t sequence = 0; sequence < runs; ++sequence) ++counts[static_cast<size_t>(generator.run(42, sequence))];
  double chi = 0;
  for (size_t s = 0; s < 8; ++s) chi += (counts[s] - expected[s] * runs) * (counts[s] - expected[s] * runs) / (expected[s] * runs);
  print_message("chi-square %.1f\n", chi);
  assert_true(chi < 24.3);  // one in a thousand of 7 degrees of freedom
}

void slide(void **) {
  check(Generator(Hyperschedule::slide(2, 2).value(), linear),
        "100 110 000 000 000 001 000 010 010 101 101 010 001 100 101 000 001 000 101 111 000 000 010 000",
        {0.223958333333, 0.045572916667, 0.082031250000, 0.117187500000, 0.037979254202, 0.192489495798, 0.085179227941,
         0.215602022059});
}

void slide_uniform(void **) {
  check(Generator(Hyperschedule::slide(2, 4).value(), half_lambda),
        "111 001 000 000 001 000 101 011 010 100 000 000 101 101 010 011 000 011 101 000 101 101 000 111",
        {0.241346508203, 0.034969726697, 0.070810168114, 0.121606935571, 0.033561729080, 0.190268824775, 0.090107747006,
         0.217328360554});
}

void block_epsilon(void **) {
  check(Generator(Hyperschedule::block(2, 4).value(), epsilon),
        "101 011 000 000 001 010 000 000 010 101 011 000 111 101 101 011 011 000 000 110 111 101 000 101",
        {0.238461271374, 0.029807658922, 0.066808963672, 0.133617927344, 0.033105614013, 0.198633684079, 0.089869464179,
         0.209695416417});
}

void quench(void **) {
  check(Generator(Hyperschedule::quench().value(), linear),
        "100 110 011 000 000 111 111 110 001 000 101 010 010 111 011 011 000 000 101 110 011 101 011 000",
        {.25, .03125, .0625, .125, .03125, .1875, .09375, .21875});
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(slide), cmocka_unit_test(slide_uniform), cmocka_unit_test(block_epsilon),
                              cmocka_unit_test(quench)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
