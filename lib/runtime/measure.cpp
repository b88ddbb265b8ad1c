// SPDX-License-Identifier: Apache-2.0
#include "runtime/measure.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

namespace temper {
namespace {

using Clock = std::chrono::steady_clock;

#if defined(__x86_64__) && defined(__GNUC__)
#define TEMPER_X86 1
#define TEMPER_TARGET(features) __attribute__((target(features)))
#else
#define TEMPER_TARGET(features)
#endif

inline __attribute__((always_inline)) uint64_t read_words(const uint64_t *words, size_t count) {
  uint64_t sums[32] = {};
  for (size_t i = 0; i + 32 <= count; i += 32)
    for (size_t j = 0; j < 32; ++j) sums[j] += words[i + j];
  uint64_t sum = 0;
  for (const uint64_t part : sums) sum += part;
  return sum;
}

// Ten independent chains hide the latency of a multiply-add. Compiled with contraction on: a*x + x is
// one instruction where the machine has it.
template <typename Lanes>
inline __attribute__((always_inline)) double chains(int64_t rounds) {
  constexpr size_t lanes = sizeof(Lanes) / sizeof(float);
  float halves[lanes];
  for (float &value : halves) value = 0.5F;
  Lanes x;
  std::memcpy(&x, halves, sizeof x);
  Lanes a0 = x, a1 = x * 2, a2 = x * 3, a3 = x * 4, a4 = x * 5, a5 = x * 6, a6 = x * 7, a7 = x * 8, a8 = x * 9,
        a9 = x * 10;
  for (int64_t i = 0; i < rounds; ++i) {
    a0 = a0 * x + x;
    a1 = a1 * x + x;
    a2 = a2 * x + x;
    a3 = a3 * x + x;
    a4 = a4 * x + x;
    a5 = a5 * x + x;
    a6 = a6 * x + x;
    a7 = a7 * x + x;
    a8 = a8 * x + x;
    a9 = a9 * x + x;
  }
  const Lanes sum = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9;
  return static_cast<double>(sum[0]) * lanes;  // the caller only wants it used
}

typedef float Lanes4 __attribute__((vector_size(16)));
typedef float Lanes8 __attribute__((vector_size(32)));
typedef float Lanes16 __attribute__((vector_size(64)));

uint64_t read_plain(const uint64_t *words, size_t count) { return read_words(words, count); }
double chains_plain(int64_t rounds) { return chains<Lanes4>(rounds); }
#ifdef TEMPER_X86
TEMPER_TARGET("avx2,fma") uint64_t read_avx2(const uint64_t *words, size_t count) { return read_words(words, count); }
TEMPER_TARGET("avx2,fma") double chains_avx2(int64_t rounds) { return chains<Lanes8>(rounds); }
TEMPER_TARGET("avx512f") double chains_avx512(int64_t rounds) { return chains<Lanes16>(rounds); }
#endif

// What this machine runs, chosen once a measurement.
struct Kernels {
  uint64_t (*read)(const uint64_t *, size_t) = read_plain;
  double (*multiply_add)(int64_t) = chains_plain;
  double flops_per_round = 10.0 * 4.0 * 2.0;
};

Kernels choose_kernels() {
  Kernels kernels;
#ifdef TEMPER_X86
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    kernels = {read_avx2, chains_avx2, 10.0 * 8.0 * 2.0};
  if (__builtin_cpu_supports("avx512f")) kernels = {kernels.read, chains_avx512, 10.0 * 16.0 * 2.0};
#endif
  return kernels;
}

struct Task {
  Kernels kernels;
  const std::byte *memory = nullptr;
  size_t slice = 0;
  int64_t rounds = 0;
  std::vector<double> results;
};

void read_task(void *argument, int32_t index, int32_t) {
  auto &task = *static_cast<Task *>(argument);
  const auto at = static_cast<size_t>(index);
  task.results[at] = static_cast<double>(
      task.kernels.read(reinterpret_cast<const uint64_t *>(task.memory + at * task.slice), task.slice / sizeof(uint64_t)));
}

void flop_task(void *argument, int32_t index, int32_t) {
  auto &task = *static_cast<Task *>(argument);
  task.results[static_cast<size_t>(index)] = task.kernels.multiply_add(task.rounds);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

Result<MachineRates> measure_machine(const std::shared_ptr<Device> &device, double seconds) {
  MachineRates rates;
  const temper_backend &ops = device->ops();
  if ((ops.flags & TEMPER_BACKEND_HOST_MEMORY) == 0) return rates;
  const temper_executor &executor = device->executor();
  const int32_t workers = executor.workers;

  constexpr size_t bytes = size_t{512} << 20;  // well past any cache
  const int32_t slices = workers * 16;
  Task task;
  task.kernels = choose_kernels();
  task.results.resize(static_cast<size_t>(slices));
  TEMPER_ASSIGN(const DeviceBuffer memory, DeviceBuffer::create(device, bytes));
  std::memset(memory.raw(), 1, bytes);  // untouched pages would all be one page of zeros
  task.memory = static_cast<const std::byte *>(memory.raw());
  task.slice = bytes / static_cast<size_t>(slices) / 256 * 256;
  for (const Clock::time_point start = Clock::now(); seconds_since(start) < seconds / 2;) {
    const Clock::time_point lap = Clock::now();
    executor.run(executor.user, read_task, &task, slices);
    const double rate = static_cast<double>(task.slice) * slices / seconds_since(lap);
    rates.bytes_per_second = std::max(rates.bytes_per_second, rate);
  }

  task.rounds = 2'000'000;
  for (const Clock::time_point start = Clock::now(); seconds_since(start) < seconds / 2;) {
    const Clock::time_point lap = Clock::now();
    executor.run(executor.user, flop_task, &task, workers);
    const double rate = static_cast<double>(task.rounds) * task.kernels.flops_per_round * workers / seconds_since(lap);
    rates.flops_per_second = std::max(rates.flops_per_second, rate);
  }
  return rates;
}

}  // namespace temper
