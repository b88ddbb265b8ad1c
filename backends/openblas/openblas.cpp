// SPDX-License-Identifier: Apache-2.0
// The CPU backend whose large products are OpenBLAS's sgemm, one thread to a tile.
#include "backends/cpu/entry.h"
#include "backends/cpu/one_thread.h"
#include "backends/scores.h"

#include <cblas.h>
#include <cstdio>
#include <mutex>
#include <new>

namespace temper::openblas {
namespace {

struct Plan {
  int inputs;
};

void *plan(int64_t inputs, int32_t) { return new (std::nothrow) Plan{static_cast<int>(inputs)}; }
void unplan(void *plan) { delete static_cast<Plan *>(plan); }

bool multiply(void *plan, int32_t, const float *a, const float *b, float *c) {
  const cpu::OneThread one;
  const int inputs = static_cast<Plan *>(plan)->inputs;
  constexpr int rows = static_cast<int>(cpu::library_rows), columns = static_cast<int>(cpu::library_columns);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, columns, inputs, 1.0F, a, inputs, b, columns, 0.0F, c,
              columns);
  return true;
}

// The flavour on plain threads has one thread count for the process: set while a call of ours runs
// and put back after the last one. The OpenMP flavour obeys each thread's own setting instead.
constexpr int plain_threads = 1;  // what openblas_get_parallel() says of that flavour
std::mutex calls_mutex;
int calls = 0;
int threads_before = 0;

void enter() {
  if (openblas_get_parallel() != plain_threads) return;
  const std::lock_guard lock(calls_mutex);
  if (calls++ > 0) return;
  threads_before = openblas_get_num_threads();
  if (threads_before != 1) openblas_set_num_threads(1);
}

void leave() {
  if (openblas_get_parallel() != plain_threads) return;
  const std::lock_guard lock(calls_mutex);
  if (--calls == 0 && threads_before != 1) openblas_set_num_threads(threads_before);
}

constexpr cpu::Library library{
    .plan = plan, .unplan = unplan, .multiply = multiply, .enter = enter, .leave = leave};

void describe(char *text, size_t capacity) {
  (void)std::snprintf(text, capacity, "%.80s, own kernels %s", openblas_get_config(), cpu::name_of(cpu::best_instruction_set()));
}

constexpr cpu::Description description{
    .name = "openblas", .score = scores::openblas, .library = &library, .describe = describe};

}  // namespace
}  // namespace temper::openblas

TEMPER_CPU_BACKEND(openblas, temper::openblas::description)
