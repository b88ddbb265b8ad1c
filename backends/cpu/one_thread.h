// SPDX-License-Identifier: Apache-2.0
// Keeps a library's OpenMP runtime to the calling thread while this lives. The setting belongs to
// the thread alone and is put back. The functions are those of the runtime that the library itself
// brought along, if it did: hence weak, and never a second runtime.
#pragma once

extern "C" {
[[gnu::weak]] int omp_get_max_threads(void);
[[gnu::weak]] void omp_set_num_threads(int threads);
}

namespace temper::cpu {

class OneThread {
 public:
  OneThread() noexcept {
    if (omp_get_max_threads == nullptr || omp_set_num_threads == nullptr) return;
    before_ = omp_get_max_threads();
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~OneThread() {
    if (before_ > 1) omp_set_num_threads(before_);
  }
  OneThread(const OneThread &) = delete;
  OneThread &operator=(const OneThread &) = delete;

 private:
  int before_ = 0;
};

}  // namespace temper::cpu
