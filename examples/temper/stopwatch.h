// SPDX-License-Identifier: Apache-2.0
// Repeats something until enough time has gone by, and takes the median: one slow turn doesn't count.
#ifndef TEMPER_PROGRAM_STOPWATCH_H
#define TEMPER_PROGRAM_STOPWATCH_H

#include <algorithm>
#include <chrono>
#include <vector>

namespace program {

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline double median(std::vector<double> values) {
  if (values.empty()) {
    return 0.0;
  }
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Median seconds of @p work after one turn that isn't counted: at least @p turns, for at least @p seconds.
template <class Work>
double measure(double seconds, int turns, Work work) {
  work();
  std::vector<double> times;
  for (double total = 0.0; static_cast<int>(times.size()) < turns || total < seconds;) {
    const double begin = now();
    work();
    times.push_back(now() - begin);
    total += times.back();
  }
  return median(times);
}

} // namespace program

#endif
