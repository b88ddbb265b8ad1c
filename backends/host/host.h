// SPDX-License-Identifier: Apache-2.0
// What every backend on ordinary memory shares: the bases of the opaque handles, memory from the
// caller's allocator, lanes of keys and values, checks of a call's rows, and weight conversion.
#pragma once

#include "backends/backend.h"
#include "base/half.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

// The opaque types of the C table have one definition, here; a backend derives from them.
struct temper_device {
  const temper_allocator *allocator = nullptr;
  const temper_executor *executor = nullptr;
};

struct temper_linear {
  int64_t inputs = 0;
  int64_t outputs = 0;  // of all parts, before SWIGLU halves them
  int32_t activation = TEMPER_ACTIVATION_NONE;
};

struct temper_stream {
  temper_device *device = nullptr;
  temper_stream_plan plan{};
  temper_rows rows{};  // of the current call; count 0 before the first begin
};

// Keys and values of one sequence: a row of pages, each [layer][kv head][keys, then values][slot][head_dim].
// A page may be in the rows of several lanes (lane.cpp); keys of one head and page are contiguous.
struct temper_lane {
  temper_lane_plan plan{};
  int32_t page_count = 0;
  int32_t page_slots = 0;
  size_t page_bytes = 0;
  std::unique_ptr<float *[]> pages;

  float *&page_of(int32_t slot) const noexcept { return pages[static_cast<size_t>(slot / page_slots)]; }
  // Where in a page the keys and the values of a head begin.
  size_t keys_at(int32_t layer, int32_t head) const noexcept {
    return (static_cast<size_t>(layer) * static_cast<size_t>(plan.kv_heads) +
            static_cast<size_t>(head)) * 2 * plane();
  }
  size_t values_at(int32_t layer, int32_t head) const noexcept { return keys_at(layer, head) + plane(); }

  float *key(int32_t layer, int32_t head, int32_t slot) const noexcept {
    return page_of(slot) + keys_at(layer, head) +
           static_cast<size_t>(slot % page_slots) * static_cast<size_t>(plan.head_dim);
  }
  float *value(int32_t layer, int32_t head, int32_t slot) const noexcept { return key(layer, head, slot) + plane(); }

 private:
  size_t plane() const noexcept {
    return static_cast<size_t>(page_slots) * static_cast<size_t>(plan.head_dim);
  }
};

namespace temper::host {

inline constexpr size_t alignment = 64;
inline constexpr size_t too_large = ~static_cast<size_t>(0);

// a * b, or too_large when that overflows or either already is.
inline size_t product(size_t a, size_t b) noexcept {
  size_t result = 0;
  if (a == too_large || b == too_large || __builtin_mul_overflow(a, b, &result)) return too_large;
  return result;
}
inline size_t sum(size_t a, size_t b) noexcept {
  size_t result = 0;
  if (a == too_large || b == too_large || __builtin_add_overflow(a, b, &result)) return too_large;
  return result;
}

// Memory from the device's allocator that ends itself.
class Block {
 public:
  Block() = default;
  ~Block() { reset(); }
  Block(const Block &) = delete;
  Block &operator=(const Block &) = delete;

  bool allocate(const temper_device &device, size_t bytes) noexcept;  // zeroed
  void reset() noexcept;
  template <typename T>
  T *as() const noexcept { return static_cast<T *>(memory_); }

 private:
  const temper_device *device_ = nullptr;
  void *memory_ = nullptr;
  size_t bytes_ = 0;
};

// Notes the words for last_error of this thread and returns the code.
[[gnu::format(printf, 2, 3)]] int32_t error(int32_t code, const char *format, ...) noexcept;
int32_t out_of_memory(size_t bytes) noexcept;
int32_t no_memory(char *reason, size_t capacity) noexcept;  // of an open() without memory for the device itself

// Functions of the table that are the same for every backend on ordinary memory.
const char *last_error(temper_device *device);
void *alloc(temper_device *device, size_t size);
void release(temper_device *device, void *memory, size_t size);
int32_t copy(temper_device *device, void *to, const void *from, size_t size);
int32_t lane_create(temper_device *device, const temper_lane_plan *plan, temper_lane **out);
void lane_destroy(temper_device *device, temper_lane *lane);
size_t lane_bytes(temper_device *device, const temper_lane_plan *plan);
int32_t lane_move(temper_stream *stream, temper_lane *lane, int32_t from, int32_t to, int32_t count);
int32_t lane_fork(temper_device *device, const temper_lane *from, int32_t kept, int32_t lasting, temper_lane **out,
                  size_t *shared);
int32_t begin(temper_stream *stream, const temper_rows *rows);
int32_t sync(temper_stream *stream);

// What a row attends to: slots [begin, end) and, unless it is -1, its own slot, which is then not next to them.
struct Seen {
  int32_t begin = 0, end = 0, own = -1;

  bool nothing() const noexcept { return begin == end; }
  int32_t count() const noexcept { return end - begin + (own >= 0 ? 1 : 0); }
};

// Whether a row of the call sees itself through its range or beside it makes no difference to its bits: slots
// stand in one order, and an own slot next to the range belongs to it.
inline Seen seen_by(const temper_rows &rows, int32_t row) noexcept {
  Seen seen{rows.visible_begin[row], rows.visible_end[row], -1};
  if (seen.end <= seen.begin) seen = {};
  if (rows.sees_itself == nullptr || rows.sees_itself[row] == 0) return seen;
  const int32_t slot = rows.slot[row];
  if (seen.nothing()) return {slot, slot + 1, -1};
  if (slot == seen.begin - 1) seen.begin = slot;
  else if (slot == seen.end) seen.end = slot + 1;
  else if (slot < seen.begin || slot > seen.end) seen.own = slot;
  return seen;
}

// Before a slot is written: its page becomes the lane's own.
int32_t own_page(temper_stream *stream, temper_lane *lane, int32_t slot);

// body(i, worker) for 0 <= i < count on the host's threads; a single piece is done by the caller.
template <typename Body>
void each(const temper_device &device, int32_t count, Body &&body) {
  const temper_executor &executor = *device.executor;
  if (count <= 1 || executor.workers <= 1) {
    for (int32_t i = 0; i < count; ++i) body(i, 0);
    return;
  }
  using Called = std::remove_reference_t<Body>;
  executor.run(executor.user,
               [](void *argument, int32_t index, int32_t worker) { (*static_cast<Called *>(argument))(index, worker); },
               const_cast<std::remove_const_t<Called> *>(&body), count);
}

// Checks before an operation; 0 or an error that is already noted.
int32_t check_options(const temper_device_options *options, char *reason, size_t capacity) noexcept;
// All but the packed format, which a backend knows itself: it finds it by its number or returns unknown_format,
// and formats without scales return refuse_group.
int32_t check_linear(const temper_linear_desc *desc, int64_t *outputs) noexcept;
int32_t unknown_format(const temper_linear_desc &desc) noexcept;
int32_t refuse_group(const temper_linear_desc &desc, const char *name) noexcept;
int32_t check_linear_call(const temper_stream *stream, const float *out, const float *in, int32_t rows,
                          const temper_linear *linear, int32_t activation,
                          const temper_modulation *modulation) noexcept;
int32_t check_norm(const temper_stream *stream, const temper_norm *norm, const int32_t *index,
                   int32_t count) noexcept;
int32_t check_embedding(const temper_embedding *embedding) noexcept;
int32_t check_attention(const temper_stream *stream, const temper_attention *attention, int32_t layer) noexcept;

inline float bfloat_to_float(uint16_t bits) noexcept {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  return __builtin_bit_cast(float, wide);
}
uint16_t float_to_bfloat(float value) noexcept;  // nearest, ties to even; a NaN stays one

inline float element(const void *data, int32_t dtype, size_t index) noexcept {
  if (dtype == TEMPER_DTYPE_F32) return static_cast<const float *>(data)[index];
  const uint16_t bits = static_cast<const uint16_t *>(data)[index];
  return dtype == TEMPER_DTYPE_F16 ? half_to_float(bits) : bfloat_to_float(bits);
}

// The weights of one output as a file has them, read as float32.
struct OutputWeights {
  const void *data;
  int32_t dtype;
  size_t first, step;
  int64_t inputs;
  float operator[](int64_t input) const noexcept {
    return element(data, dtype, first + static_cast<size_t>(input) * step);
  }
};

// A description's weights and biases by output, counted over all parts.
struct PartReader {
  const temper_linear_desc *desc;
  OutputWeights weights(int64_t output) const noexcept;
  float bias(int64_t output) const noexcept;

 private:
  // Part and row inside the part of an output.
  const temper_linear_part &part(int64_t output, int64_t *row) const noexcept;
};

bool has_bias(const temper_linear_desc &desc) noexcept;

}  // namespace temper::host
