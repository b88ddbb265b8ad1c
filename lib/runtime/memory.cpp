// SPDX-License-Identifier: Apache-2.0
#include "runtime/memory.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>

#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
#include <sys/mman.h>
#define TEMPER_LARGE_PAGES 1
#endif

namespace temper {
namespace {

#if defined(TEMPER_LARGE_PAGES)
constexpr size_t large_page = size_t{2} << 20, large = 2 * large_page;

void *map(size_t size) noexcept {
  void *const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  const auto address = reinterpret_cast<uintptr_t>(memory);
  const uintptr_t first = (address + large_page - 1) / large_page * large_page;
  const uintptr_t last = (address + size) / large_page * large_page;
  (void)madvise(reinterpret_cast<void *>(first), last - first, MADV_HUGEPAGE);  // a wish
  return memory;
}
#endif

void *allocate(void *, size_t size, size_t alignment) {
#if defined(TEMPER_LARGE_PAGES)
  if (size >= large) return map(size);  // at a page, which no alignment that we ask for exceeds
#endif
  const size_t rounded = (size + alignment - 1) / alignment * alignment;
  if (rounded < size) return nullptr;
  return std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
}

void release(void *, void *memory, size_t size) {
  if (memory == nullptr) return;
#if defined(TEMPER_LARGE_PAGES)
  if (size >= large) {
    (void)munmap(memory, size);
    return;
  }
#endif
  (void)size;
  std::free(memory);
}

}  // namespace

temper_allocator default_allocator() noexcept { return {nullptr, allocate, release}; }

Result<void *> take_zeroed(const temper_allocator &allocator, size_t count, size_t value_size) {
  size_t bytes = 0;
  void *const memory = __builtin_mul_overflow(count, value_size, &bytes) || bytes == 0
                           ? nullptr
                           : allocator.alloc(allocator.user, bytes, 64);
  if (memory == nullptr && count > 0) return fail(TEMPER_E_MEMORY, "out of memory: %zu values", count);
  if (memory != nullptr) std::memset(memory, 0, bytes);
  return memory;
}

}  // namespace temper
