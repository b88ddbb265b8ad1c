// SPDX-License-Identifier: Apache-2.0
// What the backend tests share: opened devices, buffers, random values and small calls.
#pragma once

#include "backends/backend.h"
#include "backends/registry.h"
#include "lesser_sets.h"
#include "runtime/pool.h"
#include "support/apart.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

// cmocka needs these before it.
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
extern "C" {
#include <cmocka.h>
}

namespace temper::test {

// Counts what is out and fails at a chosen allocation.
struct CountingAllocator {
  std::atomic<int64_t> live{0}, calls{0};
  int64_t fail_at = -1;
  temper_allocator table{this, take, give};

  static void *take(void *user, size_t size, size_t alignment) {
    auto *self = static_cast<CountingAllocator *>(user);
    if (self->calls.fetch_add(1) == self->fail_at) return nullptr;
    void *memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (memory != nullptr) {
      self->live += static_cast<int64_t>(size);
      std::memset(memory, 0xA5, size);
    }
    return memory;
  }
  static void give(void *user, void *memory, size_t size) {
    static_cast<CountingAllocator *>(user)->live -= static_cast<int64_t>(size);
    std::free(memory);
  }
};

struct Opened {
  const temper_backend *ops;
  CountingAllocator allocator;
  std::unique_ptr<Pool> pool;
  temper_executor executor;
  temper_device *device = nullptr;

  Opened(const temper_backend *table, int32_t threads)
      : ops(table), pool(Pool::create(threads)), executor(pool->executor()) {
    const temper_device_options options{.allocator = &allocator.table, .executor = &executor, .index = 0};
    char reason[200] = "";
    if (ops->open(&options, &device, reason, sizeof reason) != TEMPER_OK) fail_msg("open: %s", reason);
  }
  ~Opened() {
    ops->close(device);
    if (allocator.live != 0) print_error("%s leaks %lld bytes\n", ops->name, static_cast<long long>(allocator.live));
    if (allocator.live != 0) std::abort();
  }
  Opened(const Opened &) = delete;
  Opened &operator=(const Opened &) = delete;
};

inline void check(const Opened &opened, int32_t code) {
  if (code < 0) fail_msg("%s: %d %s", opened.ops->name, code, opened.ops->last_error(opened.device));
}

using Random = std::mt19937;
inline std::vector<float> randoms(Random &random, size_t count, float scale = 1.0F) {
  std::normal_distribution<float> normal(0.0F, scale);
  std::vector<float> values(count);
  for (float &value : values) value = normal(random);
  return values;
}
inline int32_t between(Random &random, int32_t low, int32_t high) {
  return std::uniform_int_distribution<int32_t>(low, high)(random);
}

// Memory of a device, reached by upload and download alone.
class OnDevice {
 public:
  OnDevice(const Opened &on, const void *values, size_t bytes) : opened_(on), bytes_(bytes) {
    memory_ = on.ops->alloc(on.device, bytes_);
    if (memory_ == nullptr) fail_msg("no memory on %s", on.ops->name);
    check(on, on.ops->upload(on.device, memory_, values, bytes_));
  }
  template <typename T>
  OnDevice(const Opened &on, const std::vector<T> &values) : OnDevice(on, values.data(), values.size() * sizeof(T)) {}
  ~OnDevice() { opened_.ops->release(opened_.device, memory_, bytes_); }
  OnDevice(const OnDevice &) = delete;
  OnDevice &operator=(const OnDevice &) = delete;

  void *raw() const { return memory_; }
  float *floats() const { return static_cast<float *>(memory_); }
  std::vector<float> read() const {
    std::vector<float> values(bytes_ / sizeof(float));
    check(opened_, opened_.ops->download(opened_.device, values.data(), memory_, bytes_));
    return values;
  }

 private:
  const Opened &opened_;
  void *memory_ = nullptr;
  size_t bytes_;
};

// Lanes of one plan.
struct Lanes {
  const Opened &opened;
  std::vector<temper_lane *> lanes;
  Lanes(const Opened &on, size_t count, const temper_lane_plan &plan) : opened(on), lanes(count) {
    for (temper_lane *&lane : lanes) check(on, on.ops->lane_create(on.device, &plan, &lane));
  }
  ~Lanes() {
    for (temper_lane *lane : lanes) opened.ops->lane_destroy(opened.device, lane);
  }
  Lanes(const Lanes &) = delete;
  Lanes &operator=(const Lanes &) = delete;
};

// The rows of a call with their own storage.
struct Rows {
  std::vector<int32_t> token, position, condition, sequence, slot, begin, end;
  std::vector<uint8_t> itself;
  std::vector<temper_lane *> lane;
  void add(int32_t t, int32_t p, int32_t c, int32_t s, int32_t at, int32_t from, int32_t to, bool sees_itself = false) {
    token.push_back(t);
    position.push_back(p);
    condition.push_back(c);
    sequence.push_back(s);
    slot.push_back(at);
    begin.push_back(from);
    end.push_back(to);
    itself.push_back(sees_itself ? 1 : 0);
  }
  int32_t count() const { return static_cast<int32_t>(token.size()); }
  // Rows [first, first + some); sequence s is lanes[s].
  temper_rows view(const std::vector<temper_lane *> &lanes, int32_t first, int32_t some) {
    lane.assign(token.size(), nullptr);
    for (size_t r = 0; r < lane.size(); ++r)
      if (!lanes.empty()) lane[r] = lanes[static_cast<size_t>(sequence[r])];
    return {.count = some,
            .token = token.data() + first,
            .position = position.data() + first,
            .condition = condition.data() + first,
            .lane = lane.data() + first,
            .slot = slot.data() + first,
            .visible_begin = begin.data() + first,
            .visible_end = end.data() + first,
            .sees_itself = std::count(itself.begin(), itself.end(), 1) == 0 ? nullptr : itself.data() + first};
  }
  temper_rows view(const std::vector<temper_lane *> &lanes = {}) { return view(lanes, 0, count()); }
};

inline Rows plain_rows(int32_t count) {
  Rows rows;
  for (int32_t r = 0; r < count; ++r) rows.add(r, r, 0, 0, r, 0, r + 1);
  return rows;
}

struct StreamOf {
  const Opened &opened;
  temper_stream *stream = nullptr;
  StreamOf(const Opened &on, int32_t rows, int32_t slots, int64_t width, std::vector<temper_linear *> linears = {})
      : opened(on) {
    const temper_stream_plan plan{rows, rows, slots, width};
    check(on, on.ops->stream_create(on.device, &plan, linears.data(), static_cast<int32_t>(linears.size()), &stream));
  }
  ~StreamOf() { opened.ops->stream_destroy(opened.device, stream); }
  StreamOf(const StreamOf &) = delete;
  StreamOf &operator=(const StreamOf &) = delete;
};

inline void assert_close(const std::vector<float> &got, const std::vector<float> &want, float tolerance,
                         const char *what) {
  assert_int_equal(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    const float bound = tolerance * (1.0F + (want[i] < 0 ? -want[i] : want[i]));
    const float gap = got[i] < want[i] ? want[i] - got[i] : got[i] - want[i];
    if (!(gap <= bound))
      fail_msg("%s: value %zu is %.9g, not %.9g", what, i, static_cast<double>(got[i]), static_cast<double>(want[i]));
  }
}

inline void assert_same(const float *got, const float *want, size_t count, const char *what) {
  for (size_t i = 0; i < count; ++i)
    if (std::memcmp(got + i, want + i, sizeof(float)) != 0)
      fail_msg("%s: value %zu is %.9g, not the same bits as %.9g", what, i, static_cast<double>(got[i]),
               static_cast<double>(want[i]));
}

// All backends that can be used here, among them the reference, the one whose memory is apart, and the own kernels
// for lesser processors. Their modules stay loaded.
inline const std::vector<const temper_backend *> &usable() {
  static std::vector<std::shared_ptr<const Module>> modules;
  static const std::vector<const temper_backend *> tables = [] {
    std::vector<const temper_backend *> found;
    auto registry = BackendRegistry::create();
    if (!registry.ok()) return found;
    for (int32_t i = 0; i < registry.value()->count(); ++i) {
      auto module = registry.value()->open(i);
      if (!module.ok()) continue;
      modules.push_back(module.value());
      found.push_back(&module.value()->table());
    }
    found.push_back(temper_backend_apart(TEMPER_BACKEND_ABI));
    for (const temper_backend *table : lesser_sets()) found.push_back(table);
    return found;
  }();
  return tables;
}

// What all are compared with.
inline const temper_backend *reference() {
  for (const temper_backend *table : usable())
    if (std::strcmp(table->name, "reference") == 0) return table;
  std::abort();
}

}  // namespace temper::test
