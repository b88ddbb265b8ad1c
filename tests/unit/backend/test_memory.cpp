// SPDX-License-Identifier: Apache-2.0
// Advice to the system about memory: given about the library's own blocks, never about those of the caller's allocator.
#include "harness.h"

#include "runtime/memory.h"

#include <sys/mman.h>

namespace {

std::atomic<int> advised{0};

}  // namespace

// In place of the C library's, for modules, too.
extern "C" int madvise(void *, size_t, int) noexcept {
  ++advised;
  return 0;
}

namespace {

using temper::test::Opened;
using temper::test::usable;

constexpr size_t large = size_t{16} << 20;

void the_callers_memory_is_left_alone(void **) {
  for (const temper_backend *ops : usable()) {
    advised = 0;
    Opened opened(ops, 2);
    void *memory = ops->alloc(opened.device, large);
    assert_non_null(memory);
    ops->release(opened.device, memory, large);
    assert_int_equal(advised, 0);
  }
}

void the_librarys_own_is_advised_and_returned(void **) {
#if !defined(__SANITIZE_ADDRESS__)
  const temper_allocator own = temper::default_allocator();
  advised = 0;
  for (const size_t size : {size_t{1}, size_t{100}, size_t{4096}, large / 8, large, large + 1}) {
    auto *memory = static_cast<unsigned char *>(own.alloc(own.user, size, 64));
    assert_non_null(memory);
    assert_int_equal(reinterpret_cast<uintptr_t>(memory) % 64, 0);
    memory[0] = memory[size - 1] = 1;
    own.release(own.user, memory, size);
  }
  assert_true(advised >= 2);
  assert_null(own.alloc(own.user, SIZE_MAX - 100, 64));
  own.release(own.user, nullptr, large);
#endif
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_callers_memory_is_left_alone),
      cmocka_unit_test(the_librarys_own_is_advised_and_returned),
  };
  return cmocka_run_group_tests_name("backend memory", tests, nullptr, nullptr);
}
