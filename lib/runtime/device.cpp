// SPDX-License-Identifier: Apache-2.0
#include "runtime/device.h"

#include "runtime/runtime.h"

#include <limits>

namespace temper {

Result<std::shared_ptr<Device>> Device::open(std::shared_ptr<const Runtime> runtime,
                                             std::shared_ptr<const Module> module) {
  const temper_backend &ops = module->table();
  const temper_device_options options{
      .allocator = &runtime->allocator(), .executor = &runtime->executor(), .index = 0};
  temper_device *handle = nullptr;
  char reason[192] = "";
  const int32_t code = ops.open(&options, &handle, reason, sizeof reason);
  if (code < 0 || handle == nullptr)
    return fail(code < 0 ? code : TEMPER_E_BACKEND, "backend %s didn't open: %s", ops.name,
                reason[0] != '\0' ? reason : temper_status_name(code));
  Device *device = new (std::nothrow) Device(std::move(runtime), std::move(module), handle);
  if (device == nullptr) {
    ops.close(handle);
    return Status(TEMPER_E_MEMORY, "out of memory");
  }
  return std::shared_ptr<Device>(device);
}

const temper_executor &Device::executor() const noexcept { return runtime_->executor(); }

Device::~Device() { ops().close(handle_); }

Status Device::check(int32_t code) const {
  if (code >= 0) return Status();
  const char *words = ops().last_error(handle_);
  return fail(code, "backend %s: %s", ops().name,
              words != nullptr && *words != '\0' ? words : temper_status_name(code));
}

Status add_bytes(int64_t *total, size_t bytes, int64_t count) {
  int64_t all = 0;
  if (__builtin_mul_overflow(bytes, count, &all) || __builtin_add_overflow(*total, all, total))
    return Status(TEMPER_E_MEMORY, "out of memory: more than the address space");
  return Status();
}

Result<DeviceBuffer> DeviceBuffer::create(const std::shared_ptr<Device> &device, size_t bytes) {
  DeviceBuffer buffer;
  void *memory = device->ops().alloc(device->handle(), bytes == 0 ? 1 : bytes);
  if (memory == nullptr) return fail(TEMPER_E_MEMORY, "out of memory: %zu bytes", bytes);
  buffer.device_ = device;
  buffer.memory_ = memory;
  buffer.bytes_ = bytes == 0 ? 1 : bytes;
  return buffer;
}

Result<DeviceBuffer> DeviceBuffer::floats(const std::shared_ptr<Device> &device, int64_t count) {
  if (count < 0 || static_cast<uint64_t>(count) > std::numeric_limits<size_t>::max() / sizeof(float))
    return Status(TEMPER_E_MEMORY, "out of memory: a buffer larger than the address space");
  return create(device, static_cast<size_t>(count) * sizeof(float));
}

void DeviceBuffer::reset() noexcept {
  if (memory_ != nullptr) device_->ops().release(device_->handle(), memory_, bytes_);
  memory_ = nullptr;
}

Status DeviceBuffer::upload(const void *host, size_t bytes, size_t offset) {
  if (offset > bytes_ || bytes > bytes_ - offset)
    return Status(TEMPER_E_INTERNAL, "upload past the end of a buffer");
  return device_->check(device_->ops().upload(device_->handle(), static_cast<std::byte *>(memory_) + offset,
                                              host, bytes));
}

}  // namespace temper
