// SPDX-License-Identifier: Apache-2.0
// The backend of the own kernels alone: it needs no library and is linked in wherever Highway was found.
#include "backends/cpu/entry.h"
#include "backends/scores.h"

#include <cstdio>

namespace temper::cpu {
namespace {

constexpr Library no_library{
    .plan = nullptr, .unplan = nullptr, .multiply = nullptr, .enter = nullptr, .leave = nullptr};

void describe(char *text, size_t capacity) {
  (void)std::snprintf(text, capacity, "own kernels %s", name_of(best_instruction_set()));
}

constexpr Description description{.name = "cpu", .score = scores::cpu, .library = &no_library, .describe = describe};

}  // namespace
}  // namespace temper::cpu

TEMPER_CPU_BACKEND(cpu, temper::cpu::description)
