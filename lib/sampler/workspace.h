// SPDX-License-Identifier: Apache-2.0
// One row's distribution in a thread's scratch memory: load, filter, weigh, draw.
#pragma once

#include "sampler/sampler.h"
#include "sampler/weights.h"

#include <array>
#include <vector>

namespace temper {

struct Workspace::Memory {
  int32_t columns = 0;
  std::vector<double> logits;       // -inf: can't be drawn
  std::vector<double> other;        // copies for selection, dense tokens for score heads
  std::vector<int32_t> ids;    // top-p candidates
  std::vector<uint64_t> sums;  // of blocks of weights
  std::array<uint64_t, weight_block> block{};

  size_t count = 0;  // logits in use
  double top = 0;         // the largest of them
  double scale = 1;       // 1 / temperature
  uint64_t total = 0;
  double summed = 0;  // the scale that `sums` and `total` are of; 0: of none

  // Copies a row's emittable tokens. False: NaN, +inf or nothing to draw. The published samplers let the
  // mask id be drawn (`with_mask`).
  bool load(const HeadDescription &head, std::span<const float> row, bool with_mask = false) noexcept;
  // As load(), for log-scores that aren't a softmax already: (10), (12).
  bool load_scores(const HeadDescription &head, std::span<const float> row, int32_t y,
                   const Transition &step) noexcept;
  void filter(const SamplerParameters &parameters) noexcept;  // top-k, top-p, min-p, typical
  void change(int32_t id, double logit) noexcept;        // keeps `top` right
  // Weighs what is there, once for the same logits and temperature.
  void sum() noexcept {
    if (summed == scale) return;
    total = weigh_blocks(logits.data(), count, top, scale, sums.data());
    summed = scale;
  }
  void touched() noexcept { summed = 0; }  // logits were changed by hand
  int32_t draw(uint64_t bits) noexcept;  // after sum(): the integer inverse CDF
  int32_t most_probable() const noexcept;     // lowest id wins ties
  double weight(int32_t id) const noexcept;   // of one token
  // Of what is left, at the temperature; sums are known afterwards, too.
  double entropy() noexcept;  // nats
  double margin() noexcept;   // between the two largest probabilities

 private:
  template <typename Excluded>
  void exclude(Excluded excluded) noexcept;
  bool is_probable(size_t id) const noexcept { return (logits[id] - top) * scale > -32; }  // has a weight
  std::ptrdiff_t list_probable() noexcept;  // in `ids`; how many
  void keep_top_k(size_t k) noexcept;
  void keep_top_p(double p) noexcept;
  void keep_typical(double p) noexcept;
};

}  // namespace temper
