// SPDX-License-Identifier: Apache-2.0
// A backend that is in this process: linked in, or a module for as long as somebody holds it.
#pragma once

#include "backends/backend.h"
#include "base/status.h"

#include <memory>
#include <string>

namespace temper {

class Module {
 public:
  // A table that is linked in.
  static Result<std::shared_ptr<const Module>> linked(const temper_backend *table, const char *origin);

  // Loads the file at a full path. Refused with a reason: what isn't a backend of this interface, and our
  // module of a library that wouldn't return from its start with the address space that is left.
  static Result<std::shared_ptr<const Module>> load(const std::string &path);

  // Unloads the file where that is safe. It isn't for one whose libraries bring an OpenMP runtime: threads of the
  // program may keep data of that runtime, which it frees when they end. Such a module stays mapped until the
  // process ends (once, however often it is loaded again).
  ~Module();
  Module(const Module &) = delete;
  Module &operator=(const Module &) = delete;

  const temper_backend &table() const noexcept { return *table_; }

 private:
  explicit Module(void *handle) noexcept : handle_(handle) {}

  const temper_backend *table_ = nullptr;
  void *handle_;
};

}  // namespace temper
