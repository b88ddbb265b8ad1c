// SPDX-License-Identifier: Apache-2.0
// A folder that goes away with the object.
#pragma once

#include "tiny_model.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

class TemporaryFolder {
 public:
  TemporaryFolder() {
    const char *base = std::getenv("TMPDIR");
    std::string pattern = std::string(base != nullptr ? base : "/tmp") + "/temper-XXXXXX";
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  const std::string &path() const { return path_; }

  void write(const std::string &name, const std::string &bytes) const {
    if (std::FILE *file = std::fopen((path_ + "/" + name).c_str(), "wb")) {
      std::fwrite(bytes.data(), 1, bytes.size(), file);
      std::fclose(file);
    }
  }

  void write(const tiny::Model &model) const {
    write("config.json", model.config);
    write("model.safetensors", tiny::safetensors_of(model.header, model.data));
    for (const auto &[name, bytes] : model.files) write(name, bytes);
  }

 private:
  std::string path_;
};
