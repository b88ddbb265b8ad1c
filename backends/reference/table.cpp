// SPDX-License-Identifier: Apache-2.0
// The table of the reference backend.
#include "backends/reference/reference.h"

#include "backends/reference/ops.h"
#include "backends/scores.h"

#include <new>

namespace temper::reference {
namespace {

int32_t score(char *, size_t) { return scores::reference; }
const char *describe() { return "plain float32 loops, one thread"; }

int32_t open(const temper_device_options *options, temper_device **out, char *reason, size_t capacity) {
  *out = nullptr;
  if (const int32_t code = host::check_options(options, reason, capacity); code != TEMPER_OK) return code;
  temper_device *device = new (std::nothrow) temper_device();
  if (device == nullptr) return host::no_memory(reason, capacity);
  device->allocator = options->allocator;
  device->executor = options->executor;
  *out = device;
  return TEMPER_OK;
}

void close(temper_device *device) { delete device; }

size_t stream_bytes(temper_device *, const temper_stream_plan *plan) {
  return plan->max_slots < 0 ? host::too_large : static_cast<size_t>(plan->max_slots) * sizeof(float);
}

int32_t stream_create(temper_device *device, const temper_stream_plan *plan, temper_linear *const *, int32_t,
                      temper_stream **out) {
  *out = nullptr;
  if (plan->max_rows < 1 || plan->max_slots < 0)
    return host::error(TEMPER_E_ARGUMENT, "a stream needs rows");
  Stream *stream = new (std::nothrow) Stream();
  if (stream == nullptr) return host::out_of_memory(sizeof(Stream));
  const size_t bytes = stream_bytes(device, plan);
  if (!stream->scores.allocate(*device, bytes)) {
    delete stream;
    return host::out_of_memory(bytes);
  }
  stream->device = device;
  stream->plan = *plan;
  *out = stream;
  return TEMPER_OK;
}

void stream_destroy(temper_device *, temper_stream *stream) { delete static_cast<Stream *>(stream); }

constexpr temper_backend table = {
    .abi = TEMPER_BACKEND_ABI,
    .struct_size = sizeof(temper_backend),
    .name = "reference",
    .flags = TEMPER_BACKEND_HOST_MEMORY,
    .score = score,
    .describe = describe,
    .open = open,
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

}  // namespace
}  // namespace temper::reference

extern "C" const temper_backend *temper_backend_reference(uint32_t abi) {
  return abi == TEMPER_BACKEND_ABI ? &temper::reference::table : nullptr;
}
