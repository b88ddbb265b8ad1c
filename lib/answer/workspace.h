// SPDX-License-Identifier: Apache-2.0
// One row's distribution in a thread's scratch memory: load, shape, filter, weigh, draw.
#pragma once

#include "answer/answer.h"
#include "answer/weights.h"

#include <array>
#include <limits>

namespace temper {

// The logit of what can't be drawn.
inline constexpr double never = -std::numeric_limits<double>::infinity();

struct Workspace::Memory {
  int32_t columns = 0;
  HostArray<double> logits;  // `never`: can't be drawn
  HostArray<double> other;   // copies for selection, dense tokens for score heads
  HostArray<int32_t> ids;    // candidates of filters
  HostArray<uint64_t> sums;  // of blocks of weights
  std::array<uint64_t, weight_block> block{};

  size_t count = 0;  // logits in use
  double top = 0;    // the largest of them
  double scale = 1;  // 1 / temperature
  uint64_t total = 0;
  double summed = 0;  // the scale that `sums` and `total` are of; 0: of none

  // What beliefs are measured with: the row before filters at scale 1, its largest logit and sum of weights.
  double belief_top = 0;
  double belief_total = 0;

  // Steps 1 to 3 of an answer, but for `allowed` and `banned`: the tokens that there are. False: NaN, +infinity or
  // nothing to draw.
  bool load(const temper_question &question, std::span<const float> row) noexcept;
  // The rest of 3, and 4. False: nothing is left.
  bool shape(const temper_question &question) noexcept;
  // Step 5: how probable the model itself finds tokens. `rough`: to eight digits, at half the price.
  void believe(bool rough) noexcept;
  double believed(double logit) const noexcept {
    return exponential(logit - belief_top) * weight_one / belief_total;
  }
  // Step 6, at `scale`.
  void filter(const temper_question &question) noexcept;

  void change(int32_t id, double logit) noexcept;  // keeps `top` right
  // Weighs what is there, once for the same logits and temperature.
  void sum() noexcept {
    if (summed == scale) return;
    total = weigh_blocks(logits.data(), count, top, scale, sums.data());
    summed = scale;
  }
  void touched() noexcept { summed = 0; }    // logits were changed by hand
  int32_t draw(uint64_t bits) noexcept;      // after sum(): the integer inverse CDF
  int32_t most_probable() const noexcept;    // lowest id wins ties
  double weight(int32_t id) const noexcept;  // of one token
  // Of what is left, at the temperature; sums are known afterwards, too.
  double entropy() noexcept;  // nats
  double margin() noexcept;   // between the two largest probabilities

 private:
  bool load_logits(const temper_question &question, std::span<const float> row) noexcept;
  bool load_scores(const temper_question &question, std::span<const float> row) noexcept;
  // -inf for a token that has no column.
  double *logit_of(int32_t token) noexcept {
    return token >= 0 && static_cast<size_t>(token) < count ? &logits[static_cast<size_t>(token)] : nullptr;
  }
  template <typename Excluded>
  void exclude(Excluded excluded) noexcept;
  bool is_probable(size_t id) const noexcept { return (logits[id] - top) * scale > -32; }  // has a weight
  std::ptrdiff_t list_probable() noexcept;  // in `ids`; how many
  void keep_top_k(size_t k) noexcept;
  void keep_top_p(double p) noexcept;
  void keep_typical(double p) noexcept;
};

}  // namespace temper
