// SPDX-License-Identifier: Apache-2.0
#include "support/published.h"

#include <cstdio>
#include <stdexcept>

namespace temper::test {

PublishedSchedule published_schedule(const std::string &name, int64_t length) {
  int w = 0, t = 0, l = 0;
  if (name.rfind("quench", 0) == 0) return {Hyperschedule::quench().value(), 1};
  if (std::sscanf(name.c_str(), "flat_L%d_T%d", &l, &t) == 2) return {Hyperschedule::flat(t).value(), length};
  if (std::sscanf(name.c_str(), "block_w%d_t%d", &w, &t) == 2) return {Hyperschedule::block(w, t).value(), w};
  if (std::sscanf(name.c_str(), "hybrid_w%d_t%d", &w, &t) == 2) return {Hyperschedule::hybrid(w, t).value(), w};
  if (std::sscanf(name.c_str(), "slide_w%d_t%d", &w, &t) == 2) return {Hyperschedule::slide_official(w, t).value(), w};
  throw std::runtime_error("no schedule is called " + name);
}

}  // namespace temper::test
