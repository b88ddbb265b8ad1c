// SPDX-License-Identifier: Apache-2.0
// Memory and errors of backends on ordinary memory.
#include "backends/host/host.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace temper::host {
namespace {

thread_local char error_text[200];

void *take(const temper_device &device, size_t bytes) noexcept {
  if (bytes == too_large) return nullptr;
  const temper_allocator &allocator = *device.allocator;
  void *memory = allocator.alloc(allocator.user, bytes, alignment);
  if (memory == nullptr) return nullptr;
  std::memset(memory, 0, bytes);
  return memory;
}

void give(const temper_device &device, void *memory, size_t bytes) noexcept {
  if (memory != nullptr) device.allocator->release(device.allocator->user, memory, bytes);
}

}  // namespace

bool Block::allocate(const temper_device &device, size_t bytes) noexcept {
  reset();
  if (bytes == 0) bytes = 1;
  memory_ = take(device, bytes);
  device_ = &device;
  bytes_ = bytes;
  return memory_ != nullptr;
}

void Block::reset() noexcept {
  if (memory_ != nullptr) give(*device_, memory_, bytes_);
  memory_ = nullptr;
}

int32_t error(int32_t code, const char *format, ...) noexcept {
  va_list arguments;
  va_start(arguments, format);
  (void)std::vsnprintf(error_text, sizeof error_text, format, arguments);
  va_end(arguments);
  return code;
}

int32_t out_of_memory(size_t bytes) noexcept {
  if (bytes == too_large) return error(TEMPER_E_MEMORY, "out of memory: more than the address space");
  return error(TEMPER_E_MEMORY, "out of memory: %zu bytes", bytes);
}

int32_t no_memory(char *reason, size_t capacity) noexcept {
  if (reason != nullptr && capacity > 0) (void)std::snprintf(reason, capacity, "no memory left");
  return error(TEMPER_E_MEMORY, "no memory left");
}

const char *last_error(temper_device *) { return error_text; }

void *alloc(temper_device *device, size_t size) { return take(*device, size == 0 ? 1 : size); }

void release(temper_device *device, void *memory, size_t size) { give(*device, memory, size == 0 ? 1 : size); }

int32_t copy(temper_device *, void *to, const void *from, size_t size) {
  if (size != 0) std::memcpy(to, from, size);
  return TEMPER_OK;
}

int32_t sync(temper_stream *) { return TEMPER_OK; }

}  // namespace temper::host
