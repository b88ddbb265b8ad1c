// SPDX-License-Identifier: Apache-2.0
#include "base/mapped_file.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace temper {
namespace {

// strerror() isn't safe with threads; the standard library's category is.
Status io_error(const std::string &path, int number) {
  return fail(TEMPER_E_IO, "%s: %s", path.c_str(),
              std::generic_category().message(number).c_str());
}

struct Descriptor {
  int number = -1;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

}  // namespace

Result<MappedFile> MappedFile::open(const std::string &path) {
  // Without O_NONBLOCK opening a pipe would wait for a writer.
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.number < 0) return io_error(path, errno);
  struct stat info {};
  if (::fstat(file.number, &info) != 0) return io_error(path, errno);
  if (!S_ISREG(info.st_mode)) return fail(TEMPER_E_IO, "%s: not a regular file", path.c_str());

  MappedFile mapped;
  if (info.st_size <= 0) return mapped;
  const auto size = static_cast<size_t>(info.st_size);
  void *data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
  if (data == MAP_FAILED) return io_error(path, errno);
  mapped.data_ = static_cast<const std::byte *>(data);
  mapped.size_ = size;
  return mapped;
}

MappedFile::MappedFile(MappedFile &&other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile &MappedFile::operator=(MappedFile &&other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte *>(data_), size_);
}

bool path_exists(const std::string &path) noexcept {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

bool is_folder(const std::string &path) noexcept {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace temper
