// SPDX-License-Identifier: Apache-2.0
// A whole regular file as read-only memory, for as long as the object lives. A file that another
// process shortens meanwhile can't be guarded against: replace model files, don't truncate them.
#pragma once

#include "base/status.h"

#include <cstddef>
#include <span>
#include <string>

namespace temper {

class MappedFile {
 public:
  // TEMPER_E_IO with the path and the system's reason; an empty file is fine (no bytes).
  static Result<MappedFile> open(const std::string &path);

  MappedFile() noexcept = default;
  MappedFile(MappedFile &&other) noexcept;
  MappedFile &operator=(MappedFile &&other) noexcept;
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }

 private:
  const std::byte *data_ = nullptr;
  size_t size_ = 0;
};

// Whether something of any kind is at `path` (a broken link counts as nothing).
bool path_exists(const std::string &path) noexcept;
bool is_folder(const std::string &path) noexcept;

}  // namespace temper
