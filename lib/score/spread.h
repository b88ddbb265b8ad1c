// SPDX-License-Identifier: Apache-2.0
// How sure an estimate is that was made several times over (MATH 5.7). It is a sum of independent parts - a document
// each, or a call of a document each where every call is visited - and each part is known from R replicates.
//
// The variance of the sum of the parts' means is the sum of their estimated variances. A variance that was itself
// estimated from few numbers is often too small, and sum +- sqrt(variance) then holds the truth too seldom: in 50
// of 100 cases with one part and two replicates. Student's factor for the degrees of freedom that the parts have
// together makes it the 68 that one expects of a standard error.
#pragma once

#include <cstdint>
#include <span>

namespace temper {

class Spread {
 public:
  // One more part: what each replicate found for it. One replicate alone leaves the spread unknown.
  void add(std::span<const double> replicates);
  // The parts of another estimate from as many replicates.
  void add(const Spread &other);

  double variance() const noexcept { return variance_; }  // NaN: unknown; 0: nothing was random
  double standard_error() const noexcept;  // sqrt(variance) times student_factor(freedom())
  double freedom() const noexcept;  // of the variance: from R - 1 to parts (R - 1); 0: nothing varies

 private:
  double variance_ = 0;   // sum of the variances of the parts' means
  double squares_ = 0;    // sum of their squares
  double replicates_ = 0;
  int64_t parts_ = 0;     // those that vary
};

// t such that a Student variable of so many degrees of freedom, at least 1, is within +-t as often as a normal one
// within +-1.
double student_factor(double freedom) noexcept;

}  // namespace temper
