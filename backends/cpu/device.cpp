// SPDX-License-Identifier: Apache-2.0
// Opening a device and planning a stream: the places where memory is taken.
#include "backends/cpu/device.h"

#include <algorithm>
#include <new>

namespace temper::cpu {
namespace {

struct StreamSizes {
  size_t sums, scores, tiles;
};

StreamSizes sizes_of(const Device &device, const temper_stream_plan &plan) {
  const auto threads = static_cast<size_t>(device.executor->workers);
  return {host::product(threads, static_cast<size_t>(sums_rows * sums_columns) * sizeof(float)),
          host::product(threads, host::product(static_cast<size_t>(plan.max_slots),
                                               static_cast<size_t>(tile_queries) * sizeof(float))),
          host::product(static_cast<size_t>(plan.max_rows), sizeof(Tile))};
}

size_t library_floats(int64_t inputs) {
  return host::product(static_cast<size_t>(inputs + library_rows), static_cast<size_t>(library_columns));
}

// Plans the library's tiles for every width of weights that a large call may use.
int32_t plan_library(Device &device, Stream *stream, temper_linear *const *linears, int32_t count) {
  if (stream->plan.max_rows <= library_above || device.library->plan == nullptr || count < 1) return TEMPER_OK;
  stream->plans.reset(new (std::nothrow) Plan[static_cast<size_t>(count)]);
  if (stream->plans == nullptr) return host::out_of_memory(static_cast<size_t>(count) * sizeof(Plan));
  int64_t widest = 0;
  for (int32_t i = 0; i < count; ++i) {
    if (linears[i] == nullptr) continue;
    const int64_t inputs = linears[i]->inputs;
    Plan *end = stream->plans.get() + stream->plan_count;
    if (std::any_of(stream->plans.get(), end, [&](const Plan &p) { return p.inputs == inputs; })) continue;
    void *plan = device.library->plan(inputs, device.executor->workers);
    if (plan == nullptr) continue;
    *end = {inputs, plan};
    ++stream->plan_count;
    widest = std::max(widest, inputs);
  }
  if (stream->plan_count == 0) return TEMPER_OK;
  stream->library_floats = library_floats(widest);
  const size_t bytes = host::product(host::product(stream->library_floats, sizeof(float)),
                                     static_cast<size_t>(device.executor->workers));
  return stream->library.allocate(device, bytes) ? TEMPER_OK : host::out_of_memory(bytes);
}

}  // namespace

int32_t open(const temper_device_options *options, const Library &library, InstructionSet most, temper_device **out,
             char *reason, size_t capacity) {
  *out = nullptr;
  if (const int32_t code = host::check_options(options, reason, capacity); code != TEMPER_OK) return code;
  std::unique_ptr<Device> device(new (std::nothrow) Device());
  if (device == nullptr) return host::no_memory(reason, capacity);
  device->allocator = options->allocator;
  device->executor = options->executor;
  // The best come first: the lesser of two sets is the greater.
  device->kernels = kernels_of(std::max(most, best_instruction_set()));
  device->library = &library;
  *out = device.release();
  return TEMPER_OK;
}

void close(temper_device *device) { delete static_cast<Device *>(device); }

Stream::~Stream() {
  for (int32_t i = 0; i < plan_count; ++i) static_cast<Device *>(device)->library->unplan(plans[i].plan);
}

size_t stream_bytes(temper_device *device, const temper_stream_plan *plan) {
  if (plan->max_rows < 1 || plan->max_slots < 0) return host::too_large;
  const Device &opened = *static_cast<Device *>(device);
  const StreamSizes sizes = sizes_of(opened, *plan);
  size_t total = host::sum(sizes.sums, host::sum(sizes.scores, sizes.tiles));
  if (plan->max_rows > library_above && opened.library->plan != nullptr && plan->max_width > 0)
    total = host::sum(total, host::product(host::product(library_floats(plan->max_width), sizeof(float)),
                                           static_cast<size_t>(opened.executor->workers)));
  return total;
}

int32_t stream_create(temper_device *device, const temper_stream_plan *plan, temper_linear *const *linears,
                      int32_t linear_count, temper_stream **out) {
  *out = nullptr;
  if (plan->max_rows < 1 || plan->max_slots < 0) return host::error(TEMPER_E_ARGUMENT, "a stream needs rows");
  std::unique_ptr<Stream> stream(new (std::nothrow) Stream());
  if (stream == nullptr) return host::out_of_memory(sizeof(Stream));
  Device &opened = *static_cast<Device *>(device);
  stream->device = device;
  stream->plan = *plan;
  const StreamSizes sizes = sizes_of(opened, *plan);
  if (!stream->sums.allocate(*device, sizes.sums) || !stream->scores.allocate(*device, sizes.scores) ||
      !stream->tiles.allocate(*device, sizes.tiles))
    return host::out_of_memory(stream_bytes(device, plan));
  if (const int32_t code = plan_library(opened, stream.get(), linears, linear_count); code != TEMPER_OK) return code;
  *out = stream.release();
  return TEMPER_OK;
}

void stream_destroy(temper_device *, temper_stream *stream) { delete static_cast<Stream *>(stream); }

}  // namespace temper::cpu
