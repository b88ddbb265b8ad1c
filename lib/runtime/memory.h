// SPDX-License-Identifier: Apache-2.0
// Memory for weights, caches and work buffers where the caller brings no allocator: small blocks from the C heap,
// large ones from the system, in large pages where it has them. Weights are read front to back once a step, which
// large pages make 10 to 30 % faster. The advice goes with the block: nothing of it stays in the program's heap.
#pragma once

#include "base/status.h"

#include <cstddef>
#include <utility>

namespace temper {

temper_allocator default_allocator() noexcept;

// Memory for `count` values from an allocator: zeroed, and aligned for vectors.
Result<void *> take_zeroed(const temper_allocator &allocator, size_t count, size_t value_size);

// Plain values in an allocator's memory, zero at first.
template <typename T>
class HostArray {
 public:
  HostArray() = default;
  static Result<HostArray> create(const temper_allocator &allocator, size_t size) {
    HostArray array;
    TEMPER_ASSIGN(void *const memory, take_zeroed(allocator, size, sizeof(T)));
    array.allocator_ = allocator;
    array.data_ = static_cast<T *>(memory);
    array.size_ = size;
    return array;
  }
  ~HostArray() {
    if (data_ != nullptr) allocator_.release(allocator_.user, data_, size_ * sizeof(T));
  }
  HostArray(HostArray &&other) noexcept { swap(other); }
  HostArray &operator=(HostArray &&other) noexcept {
    swap(other);
    return *this;
  }

  T *data() const noexcept { return data_; }
  T *begin() const noexcept { return data_; }
  T *end() const noexcept { return data_ + size_; }
  size_t size() const noexcept { return size_; }
  T &operator[](size_t index) const noexcept { return data_[index]; }

 private:
  void swap(HostArray &other) noexcept {
    std::swap(allocator_, other.allocator_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  temper_allocator allocator_{};
  T *data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace temper
