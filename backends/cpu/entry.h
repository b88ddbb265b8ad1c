// SPDX-License-Identifier: Apache-2.0
// From the description of one CPU backend to its table and its entry function. All have the same operations and
// differ in their name, their rank and the library of large products.
#pragma once

#include "backends/cpu/device.h"

#include <mutex>

namespace temper::cpu {

struct Description {
  const char *name;
  int32_t score;
  const Library *library;                        // without a plan function: the own kernels do everything
  void (*describe)(char *text, size_t capacity);  // this build and machine, in words
  InstructionSet most = InstructionSet::avx512;   // tests run what a lesser processor would
};

template <const Description &backend>
struct Table {
  static int32_t score(char *, size_t) { return backend.score; }

  static const char *describe() {
    static char text[160];
    static std::once_flag once;
    std::call_once(once, [] { backend.describe(text, sizeof text); });
    return text;
  }

  static int32_t open(const temper_device_options *options, temper_device **out, char *reason, size_t capacity) {
    return cpu::open(options, *backend.library, backend.most, out, reason, capacity);
  }

  static constexpr temper_backend value = make_table(backend.name, score, describe, open);
};

}  // namespace temper::cpu

// Defines the entry function: the one symbol of a module or, linked into the library, temper_backend_NAME.
#if defined(TEMPER_BACKEND_MODULE)
#define TEMPER_CPU_BACKEND(name, description) TEMPER_CPU_ENTRY(TEMPER_API, temper_backend_entry, description)
#else
#define TEMPER_CPU_BACKEND(name, description) TEMPER_CPU_ENTRY(, temper_backend_##name, description)
#endif
#define TEMPER_CPU_ENTRY(visibility, function, description)                         \
  extern "C" visibility const temper_backend *function(uint32_t abi);               \
  extern "C" visibility const temper_backend *function(uint32_t abi) {              \
    return abi == TEMPER_BACKEND_ABI ? &temper::cpu::Table<description>::value : nullptr; \
  }
