// SPDX-License-Identifier: Apache-2.0
// Models so small that every noisy sequence can be listed. A sequence is a number to the base N + 2: at each
// position a token by rank, the mask, or nothing where no call has been yet.
#pragma once

#include "sampler/head.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace temper::test {

struct Places {
  int tokens = 3;  // N
  int length = 3;

  int mask() const { return tokens; }
  int absent() const { return tokens + 1; }
  size_t base() const { return static_cast<size_t>(tokens) + 2; }
  size_t weight(int position) const;  // of a position's digit, the first one weighs most
  size_t states() const { return weight(0) * base(); }
  size_t begin() const { return states() - 1; }  // nothing anywhere
  int at(size_t state, int position) const;
  size_t with(size_t state, int position, int value) const;
  // Final sequences, to the base N; -1: not final.
  size_t sequences() const;
  std::ptrdiff_t sequence_of(size_t state) const;
};

// What a model says about one position: logits or log-scores of the N tokens, as its head's form has it.
class Toy {
 public:
  Toy(Places of, HeadDescription head) : places(of), description(head) {}
  virtual ~Toy() = default;
  // `kappa`: retention at each position's noise level, for models that know it.
  virtual void predict(size_t state, std::span<const double> kappa, int position, double *out) const = 0;

  Places places;
  HeadDescription description;  // ids of tokens: their ranks, with the mask somewhere among them
};

// N tokens and a mask of id `mask_id`.
HeadDescription toy_head(int tokens, HeadForm form, int32_t mask_id);

// Logits that are an arbitrary function of the noisy sequence: nothing is consistent, all of it is wrong about
// visible tokens. Float rows with a column for the mask, which is large and must not matter (but to published programs).
class Table final : public Toy {
 public:
  Table(Places places, HeadForm form, uint32_t seed, int32_t mask_id, float spread = 2.5F, float mask = 7.0F);
  void predict(size_t state, std::span<const double> kappa, int position, double *out) const override;
  std::span<const float> row(size_t state, int position) const;

 private:
  std::vector<float> rows_;
};

// The exact posterior of a known distribution over final sequences (Bayes), which needs the levels.
class Oracle final : public Toy {
 public:
  Oracle(Places places, std::vector<double> data);
  void predict(size_t state, std::span<const double> kappa, int position, double *out) const override;
  const std::vector<double> &data() const { return data_; }

 private:
  std::vector<double> data_;
};

}  // namespace temper::test
