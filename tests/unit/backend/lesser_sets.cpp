// SPDX-License-Identifier: Apache-2.0
#include "lesser_sets.h"

#ifdef TEMPER_WITH_CPU
#include "backends/cpu/entry.h"
#endif

namespace temper::test {

#ifdef TEMPER_WITH_CPU
namespace {

using cpu::InstructionSet;

constexpr cpu::Library no_library{};
void describe(char *text, size_t) { text[0] = '\0'; }

constexpr cpu::Description cpu_with(const char *name, InstructionSet most) {
  return {.name = name, .score = 0, .library = &no_library, .describe = describe, .most = most};
}

constexpr cpu::Description on_avx2 = cpu_with("cpu, AVX2", InstructionSet::avx2);
constexpr cpu::Description on_sse4 = cpu_with("cpu, SSE4", InstructionSet::sse4);
constexpr cpu::Description on_baseline = cpu_with("cpu, baseline", InstructionSet::baseline);

}  // namespace

std::vector<const temper_backend *> lesser_sets() {
  const InstructionSet best = cpu::best_instruction_set();
  std::vector<const temper_backend *> tables;
  if (best < InstructionSet::avx2) tables.push_back(&cpu::Table<on_avx2>::value);
  if (best < InstructionSet::sse4) tables.push_back(&cpu::Table<on_sse4>::value);
  if (best < InstructionSet::baseline) tables.push_back(&cpu::Table<on_baseline>::value);
  return tables;
}
#else
std::vector<const temper_backend *> lesser_sets() { return {}; }
#endif

}  // namespace temper::test
