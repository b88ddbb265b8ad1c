// SPDX-License-Identifier: Apache-2.0
#include "files.h"

#include "handles.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace program {
namespace {

struct Closer {
  void operator()(std::FILE *file) const {
    if (file != stdin && file != stdout) {
      std::fclose(file);
    }
  }
};

using File = std::unique_ptr<std::FILE, Closer>;

Failure io_failure(const std::string &path) { return Failure(path + ": " + std::strerror(errno)); }

} // namespace

std::vector<unsigned char> read_bytes(const std::string &path) {
  errno = 0;
  const File file(path == "-" ? stdin : std::fopen(path.c_str(), "rb"));
  if (!file) {
    throw io_failure(path);
  }
  std::vector<unsigned char> bytes;
  unsigned char buffer[65536];
  size_t count = 0;
  while ((count = std::fread(buffer, 1, sizeof buffer, file.get())) > 0) {
    bytes.insert(bytes.end(), buffer, buffer + count);
  }
  if (std::ferror(file.get()) != 0) {
    throw io_failure(path);
  }
  return bytes;
}

std::string read_text(const std::string &path) {
  const std::vector<unsigned char> bytes = read_bytes(path);
  return {bytes.begin(), bytes.end()};
}

void write_bytes(const std::string &path, const void *data, size_t size) {
  errno = 0;
  const File file(path == "-" ? stdout : std::fopen(path.c_str(), "wb"));
  if (!file || std::fwrite(data, 1, size, file.get()) != size || std::fflush(file.get()) != 0) {
    throw io_failure(path);
  }
}

std::string bundled_model() {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path self = fs::read_symlink("/proc/self/exe", ignored);
  if (self.empty()) {
    return "";
  }
  const fs::path folder = self.parent_path().parent_path() / "share" / "temper" / "model";
  return fs::exists(folder / "config.json", ignored) ? folder.string() : "";
}

} // namespace program
