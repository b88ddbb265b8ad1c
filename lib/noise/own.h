// SPDX-License-Identifier: Apache-2.0
// A path that the caller gives: retention a and mask m at every level, or as a function of time. Both forms
// are turned into the two clocks; what rounding does to them is taken back, so that clocks that stand still
// do so exactly.
#pragma once

#include "base/status.h"
#include "noise/noise.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace temper {

// Gives a and m at time t in [0, 1].
using NoiseFunction = void (*)(void *user, double t, double *a, double *m);

class OwnPath {
 public:
  // Arrays of levels + 1 values, from clean to noise; copied. The message names the level that is wrong.
  static Result<std::shared_ptr<const OwnPath>> table(const double *a, const double *m, int32_t levels);
  // `user` has to live as long as the path. Checked at 1025 times; the message names the time that is wrong.
  static Result<std::shared_ptr<const OwnPath>> callback(NoiseFunction function, void *user);

  bool masks() const noexcept { return masks_; }        // m > 0 somewhere
  bool replaces() const noexcept { return replaces_; }  // u > 0 somewhere

  Clocks at(double t) const noexcept;
  // At the part `numerator / denominator` of the way. Levels of a table are met exactly; between them
  // a, u and m run in straight lines, which keeps any path valid.
  Clocks at_part(int64_t numerator, int64_t denominator) const noexcept;

  // A function only: asks it at t and checks the answer; `clocks` are those of an earlier time, then of t.
  Status probe(double t, Clocks &clocks) const;

  // Checks a pair of values and turns it into clocks no earlier than `before`. `where` completes messages.
  static Result<Clocks> next(double a, double m, const Clocks &before, const char *where);

 private:
  Clocks between(size_t index, double weight) const noexcept;
  std::vector<Clocks> clocks_;  // table
  NoiseFunction function_ = nullptr;
  void *user_ = nullptr;
  bool masks_ = false, replaces_ = false;
};

}  // namespace temper
