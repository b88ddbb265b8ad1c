// SPDX-License-Identifier: Apache-2.0
// Objects of the CPU backends, which differ only in the library that multiplies large matrices.
#pragma once

#include "backends/cpu/formats/formats.h"
#include "backends/host/host.h"

#include <memory>

namespace temper::cpu {

// A library sums in another order than the own kernels. So that a row's bits don't depend on its company, a call
// goes to the library whole, when it has more rows than library_above, or not at all. Up to there the own kernels
// are as fast; beyond, the rows that the last tile computes once more count little.
inline constexpr int64_t library_above = 1024;
inline constexpr int64_t library_rows = 256;     // of one tile
inline constexpr int64_t library_columns = 128;  // outputs of one tile
inline constexpr int32_t library_panels = static_cast<int32_t>(library_columns / panel_width);

// A library of matrix products. A tile is C = A B with A [library_rows][inputs], B
// [inputs][library_columns] and C [library_rows][library_columns], all without gaps, on the calling
// thread alone.
struct Library {
  void *(*plan)(int64_t inputs, int32_t workers);  // nullptr: left to the panel kernels
  void (*unplan)(void *plan);
  bool (*multiply)(void *plan, int32_t worker, const float *a, const float *b, float *c);
  void (*enter)();  // around all tiles of a call, on the caller's thread
  void (*leave)();
};

struct Device : temper_device {
  Kernels kernels{};
  const Library *library = nullptr;
};

struct Linear : temper_linear {
  const Format *format = nullptr;
  SumFn sum = nullptr;
  Panels panels;  // all of them, in `weights`
  host::Block weights;
  host::Block bias;  // one value for each packed output, or nothing
};

struct Plan {  // the library's for one number of inputs
  int64_t inputs = 0;
  void *plan = nullptr;
};

struct Tile {  // neighbouring rows that attend to nearly the same slots
  int32_t first = 0, rows = 0;
};

struct Stream : temper_stream {
  ~Stream();
  host::Block sums;     // per worker: sums_rows x sums_columns
  host::Block scores;   // per worker: tile_queries x max_slots
  host::Block tiles;    // Tile for each row at most
  host::Block library;  // per worker: B and C of a library tile
  size_t library_floats = 0;
  std::unique_ptr<Plan[]> plans;
  int32_t plan_count = 0;
};

inline constexpr int64_t sums_rows = 96;  // whole tiles of 6 rows
inline constexpr int32_t sums_panels = 4;
inline constexpr int64_t sums_columns = sums_panels * panel_width;

inline Device &device_of(temper_stream *stream) { return *static_cast<Device *>(stream->device); }

// `most`: the best instruction set to use, if the processor has it.
int32_t open(const temper_device_options *options, const Library &library, InstructionSet most, temper_device **out,
             char *reason, size_t capacity);
void close(temper_device *device);
int32_t linear_create(temper_device *device, const temper_linear_desc *desc, temper_linear **out);
void linear_destroy(temper_device *device, temper_linear *linear);
size_t linear_bytes(temper_device *device, const temper_linear_desc *desc);
int32_t stream_create(temper_device *device, const temper_stream_plan *plan, temper_linear *const *linears,
                      int32_t linear_count, temper_stream **out);
void stream_destroy(temper_device *device, temper_stream *stream);
size_t stream_bytes(temper_device *device, const temper_stream_plan *plan);
int32_t embed(temper_stream *stream, float *out, const temper_embedding *embedding);
int32_t norm(temper_stream *stream, float *out, const float *in, const temper_norm *norm, const int32_t *index,
             int32_t count);
int32_t linear(temper_stream *stream, float *out, const float *in, int32_t rows, const temper_linear *linear,
               int32_t activation, const float *residual, const temper_modulation *modulation);
int32_t rotary_write(temper_stream *stream, float *qkv, const temper_attention *attention, int32_t layer);
int32_t attend(temper_stream *stream, float *out, const float *qkv, const temper_attention *attention, int32_t layer);

using OpenFn = int32_t (*)(const temper_device_options *, temper_device **, char *, size_t);

// The table of a module: the shared operations with its own name, score and open.
constexpr temper_backend make_table(const char *name, int32_t (*score)(char *, size_t),
                                    const char *(*describe)(), OpenFn open_device) {
  return {
      .abi = TEMPER_BACKEND_ABI,
      .struct_size = sizeof(temper_backend),
      .name = name,
      .flags = TEMPER_BACKEND_HOST_MEMORY,
      .score = score,
      .describe = describe,
      .open = open_device,
      .close = close,
      .last_error = host::last_error,
      .alloc = host::alloc,
      .release = host::release,
      .upload = host::copy,
      .download = host::copy,
      .linear_create = linear_create,
      .linear_destroy = linear_destroy,
      .linear_bytes = linear_bytes,
      .stream_create = stream_create,
      .stream_destroy = stream_destroy,
      .stream_bytes = stream_bytes,
      .lane_create = host::lane_create,
      .lane_destroy = host::lane_destroy,
      .lane_bytes = host::lane_bytes,
      .lane_move = host::lane_move,
      .lane_fork = host::lane_fork,
      .begin = host::begin,
      .embed = embed,
      .norm = norm,
      .linear = linear,
      .rotary_write = rotary_write,
      .attend = attend,
      .sync = host::sync,
      .answer = nullptr,
  };
}

}  // namespace temper::cpu
