// SPDX-License-Identifier: Apache-2.0
// A backend's C table with C++ lifetimes: an opened device and the objects made on it.
#pragma once

#include "backends/module.h"
#include "base/status.h"

#include <cstddef>
#include <memory>
#include <utility>

namespace temper {

class Runtime;

class Device {
 public:
  static Result<std::shared_ptr<Device>> open(std::shared_ptr<const Runtime> runtime,
                                              std::shared_ptr<const Module> module);
  ~Device();
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;

  const temper_backend &ops() const noexcept { return module_->table(); }
  temper_device *handle() const noexcept { return handle_; }
  const Runtime &runtime() const noexcept { return *runtime_; }
  // The host's threads, for work on data that the host holds.
  const temper_executor &executor() const noexcept;

  // The outcome of a table call as a Status with the backend's own words.
  Status check(int32_t code) const;

 private:
  Device(std::shared_ptr<const Runtime> runtime, std::shared_ptr<const Module> module, temper_device *handle)
      : runtime_(std::move(runtime)), module_(std::move(module)), handle_(handle) {}

  std::shared_ptr<const Runtime> runtime_;
  std::shared_ptr<const Module> module_;  // stays loaded as long as its device is open
  temper_device *handle_;
};

// Adds to an estimate what a backend says that each of `count` things takes. More than there can be is an error.
Status add_bytes(int64_t *total, size_t bytes, int64_t count = 1);

// Memory of a device. Zeroed when made.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  static Result<DeviceBuffer> create(const std::shared_ptr<Device> &device, size_t bytes);
  static Result<DeviceBuffer> floats(const std::shared_ptr<Device> &device, int64_t count);
  ~DeviceBuffer() { reset(); }
  DeviceBuffer(DeviceBuffer &&other) noexcept { swap(other); }
  DeviceBuffer &operator=(DeviceBuffer &&other) noexcept {
    swap(other);
    return *this;
  }

  float *data() const noexcept { return static_cast<float *>(memory_); }
  void *raw() const noexcept { return memory_; }
  size_t bytes() const noexcept { return bytes_; }
  Status upload(const void *host, size_t bytes, size_t offset = 0);

 private:
  void reset() noexcept;
  void swap(DeviceBuffer &other) noexcept {
    std::swap(device_, other.device_);
    std::swap(memory_, other.memory_);
    std::swap(bytes_, other.bytes_);
  }

  std::shared_ptr<Device> device_;
  void *memory_ = nullptr;
  size_t bytes_ = 0;
};

// A table object (packed weights, stream, lane) that ends itself.
template <typename Object, void (*temper_backend::*Destroy)(temper_device *, Object *)>
class DeviceObject {
 public:
  DeviceObject() = default;
  DeviceObject(std::shared_ptr<Device> device, Object *object)
      : device_(std::move(device)), object_(object) {}
  ~DeviceObject() {
    if (object_ != nullptr) (device_->ops().*Destroy)(device_->handle(), object_);
  }
  DeviceObject(DeviceObject &&other) noexcept { swap(other); }
  DeviceObject &operator=(DeviceObject &&other) noexcept {
    swap(other);
    return *this;
  }

  Object *get() const noexcept { return object_; }

 private:
  void swap(DeviceObject &other) noexcept {
    std::swap(device_, other.device_);
    std::swap(object_, other.object_);
  }

  std::shared_ptr<Device> device_;
  Object *object_ = nullptr;
};

using Linear = DeviceObject<temper_linear, &temper_backend::linear_destroy>;
using Stream = DeviceObject<temper_stream, &temper_backend::stream_destroy>;
using Lane = DeviceObject<temper_lane, &temper_backend::lane_destroy>;

}  // namespace temper
