// SPDX-License-Identifier: Apache-2.0
// Rates of matrix products at a GPT-2-small-sized model's shapes, beside this machine's limits as
// measured in the same run. Not a test. bench_linear [backend] [threads] [seconds per point]
#include "backends/registry.h"
#include "runtime/memory.h"
#include "runtime/pool.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>
#include <vector>

namespace {

// One thread is measured by the time it had the processor, so that a busy machine disturbs less.
double now(int threads) {
  timespec time{};
  (void)clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

const temper_allocator allocator = temper::default_allocator();

template <typename Body>
double on_threads(int threads, Body body) {
  const double start = now(threads);
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back(body, t);
  body(0);
  for (std::thread &other : others) other.join();
  return now(threads) - start;
}

typedef float Vector __attribute__((vector_size(32)));

#if defined(__x86_64__)
__attribute__((target("avx2,fma")))
#endif
void read_all(const char *at, size_t bytes) {
  Vector sums[4] = {};
  for (size_t i = 0; i < bytes; i += 128) {
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) sums[v] += *reinterpret_cast<const Vector *>(at + i + static_cast<size_t>(v) * 32);
  }
  volatile float sink = sums[0][0] + sums[1][0] + sums[2][0] + sums[3][0];
  (void)sink;
}

// GB/s of reading a buffer larger than any cache, in huge pages as the weights are.
double read_bandwidth(int threads, temper_device *device, const temper_backend *ops) {
  const size_t bytes = size_t{512} << 20;
  if ((ops->flags & TEMPER_BACKEND_HOST_MEMORY) == 0) return 0;
  auto *memory = static_cast<const char *>(ops->alloc(device, bytes));
  if (memory == nullptr) return 0;
  // In pieces, the best of which counts: a busy machine interrupts longer ones.
  const size_t piece = size_t{16} << 20;
  double best = 1e9;
  for (int round = 0; round < 4; ++round)
    for (size_t first = 0; first < bytes; first += piece)
      best = std::min(best, on_threads(threads, [&](int t) {
        const size_t share = piece / static_cast<size_t>(threads) / 256 * 256;
        read_all(memory + first + static_cast<size_t>(t) * share, share);
      }));
  ops->release(device, const_cast<char *>(memory), bytes);
  return static_cast<double>(piece) / best / 1e9;
}

#if defined(__x86_64__)
// GFLOP/s of 256-bit multiply-adds on registers alone.
__attribute__((target("avx2,fma"))) void multiply_adds(long rounds) {
  const Vector zero = {};
  for (long r = 0; r < rounds; ++r)
    asm volatile(
        "vfmadd231ps %0, %0, %%ymm1\n vfmadd231ps %0, %0, %%ymm2\n vfmadd231ps %0, %0, %%ymm3\n"
        "vfmadd231ps %0, %0, %%ymm4\n vfmadd231ps %0, %0, %%ymm5\n vfmadd231ps %0, %0, %%ymm6\n"
        "vfmadd231ps %0, %0, %%ymm7\n vfmadd231ps %0, %0, %%ymm8\n vfmadd231ps %0, %0, %%ymm9\n"
        "vfmadd231ps %0, %0, %%ymm10\n vfmadd231ps %0, %0, %%ymm11\n vfmadd231ps %0, %0, %%ymm12\n"
        :
        : "x"(zero)
        : "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12");
}

double fma_rate(int threads) {
  if (!__builtin_cpu_supports("fma")) return 0;
  constexpr long rounds = 50000;
  double best = 1e9;
  for (int i = 0; i < 200; ++i) best = std::min(best, on_threads(threads, [](int) { multiply_adds(rounds); }));
  return threads * rounds * 12.0 * 16.0 / best / 1e9;
}
#else
double fma_rate(int) { return 0; }
#endif

struct Point {
  int64_t inputs, outputs;
};

double measure(const temper_backend *ops, temper_device *device, temper_stream *stream,
               const std::vector<temper_linear *> &copies, int32_t rows, const Point &shape, int threads, double seconds) {
  const auto in_count = static_cast<size_t>(rows * shape.inputs), out_count = static_cast<size_t>(rows * shape.outputs);
  auto *in = static_cast<float *>(ops->alloc(device, in_count * sizeof(float)));
  auto *out = static_cast<float *>(ops->alloc(device, out_count * sizeof(float)));
  std::vector<float> values(in_count);
  for (size_t i = 0; i < in_count; ++i) values[i] = static_cast<float>(i % 17) * 0.01F;
  (void)ops->upload(device, in, values.data(), in_count * sizeof(float));
  std::vector<double> times;
  const double start = now(threads);
  size_t next = 0;
  while (now(threads) - start < seconds || times.size() < 3) {
    const double begin = now(threads);
    (void)ops->linear(stream, out, in, rows, copies[next++ % copies.size()], TEMPER_ACTIVATION_NONE, nullptr, nullptr);
    times.push_back(now(threads) - begin);
  }
  ops->release(device, in, in_count * sizeof(float));
  ops->release(device, out, out_count * sizeof(float));
  // The best: what others on the machine take away is not the kernel's.
  return *std::min_element(times.begin(), times.end());
}

}  // namespace

int main(int argc, char **argv) {
  const int threads = argc > 2 ? std::atoi(argv[2]) : 1;
  const double seconds = argc > 3 ? std::atof(argv[3]) : 0.1;
  auto registry = temper::BackendRegistry::create();
  if (!registry.ok()) return 1;
  const std::string wanted = argc > 1 ? argv[1] : registry.value()->name(0);
  const int32_t index = registry.value()->find(wanted);
  if (index < 0) {
    std::fprintf(stderr, "no backend is called %s\n", wanted.c_str());
    return 1;
  }
  auto module = registry.value()->open(index);
  if (!module.ok()) {
    std::fprintf(stderr, "%s\n", module.status().message().c_str());
    return 1;
  }
  const temper_backend *ops = &module.value()->table();
  const auto pool = temper::Pool::create(std::max(1, threads));
  if (pool == nullptr) return 1;
  const temper_executor executor = pool->executor();
  const temper_device_options options{.allocator = &allocator, .executor = &executor, .index = 0};
  temper_device *device = nullptr;
  char reason[200] = "";
  if (ops->open(&options, &device, reason, sizeof reason) != TEMPER_OK) {
    std::fprintf(stderr, "%s\n", reason);
    return 1;
  }
  std::printf("%s (%s), %d threads; reading memory %.1f GB/s, 256-bit FMA %.0f GFLOP/s\n", ops->name, ops->describe(), threads,
              read_bandwidth(threads, device, ops), fma_rate(threads));
  const Point points[] = {{768, 2304}, {768, 768}, {768, 3072}, {3072, 768}, {768, 50258}};
  for (const int32_t format : {TEMPER_FORMAT_F32, TEMPER_FORMAT_BF16})
    for (const Point &point : points) {
      const std::vector<float> weights(static_cast<size_t>(point.inputs * point.outputs), 0.01F);
      const temper_linear_part part{weights.data(), TEMPER_DTYPE_F32, point.outputs, nullptr, nullptr, 0};
      const temper_linear_desc desc{.inputs = point.inputs,
                                    .part_count = 1,
                                    .parts = &part,
                                    .input_major = 0,
                                    .format = format,
                                    .group = 0,
                                    .activation = TEMPER_ACTIVATION_NONE};
      // Rotating over more copies than fit in a cache: weights come from memory, as in a network.
      const size_t bytes = ops->linear_bytes(device, &desc);
      std::vector<temper_linear *> copies(std::max<size_t>(1, (size_t{200} << 20) / bytes));
      bool made = true;
      for (temper_linear *&copy : copies) made = made && ops->linear_create(device, &desc, &copy) == TEMPER_OK;
      const temper_stream_plan plan{1024, 1024, 1, std::max(point.inputs, point.outputs)};
      temper_stream *stream = nullptr;
      made = made && ops->stream_create(device, &plan, copies.data(), 1, &stream) == TEMPER_OK;
      std::printf("%-4s %5lld x %-6lld", format == TEMPER_FORMAT_F32 ? "f32" : "bf16",
                  static_cast<long long>(point.inputs), static_cast<long long>(point.outputs));
      for (const int32_t rows : {1, 2, 4, 8, 16, 32, 64, 128, 256, 512}) {
        if (!made || (rows > 128 && point.outputs > 10000)) continue;
        const double time = measure(ops, device, stream, copies, rows, point, threads, seconds);
        std::printf("  M=%d %.1f GB/s %.0f GF", rows, static_cast<double>(bytes) / time / 1e9,
                    2e-9 * static_cast<double>(rows * point.inputs * point.outputs) / time);
        std::fflush(stdout);
      }
      std::printf("\n");
      if (stream != nullptr) ops->stream_destroy(device, stream);
      for (temper_linear *copy : copies) ops->linear_destroy(device, copy);
    }
  ops->close(device);
  return 0;
}
