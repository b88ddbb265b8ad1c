// SPDX-License-Identifier: Apache-2.0
// Reads a reference file (safetensors) for tests, which trust it.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

class Cases {
 public:
  // `name` is a folder of shared/reference; false when it isn't there.
  bool open(const std::string &name) {
    const char *shared = std::getenv("TEMPER_SHARED");
    const std::string root = shared != nullptr ? shared : std::string(TEMPER_SOURCE_ROOT) + "/../shared";
    std::ifstream file(root + "/reference/" + name + "/cases.safetensors", std::ios::binary);
    if (!file) return false;
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    std::uint64_t size = 0;
    std::memcpy(&size, bytes_.data(), 8);
    header_ = nlohmann::json::parse(bytes_.substr(8, size));
    data_ = 8 + size;
    return true;
  }

  const nlohmann::json &header() const { return header_; }

  template <typename T>
  std::vector<T> get(const std::string &name) const {
    const auto &entry = header_.at(name);
    const auto begin = entry.at("data_offsets")[0].get<std::size_t>(), end = entry.at("data_offsets")[1].get<std::size_t>();
    std::vector<T> values((end - begin) / sizeof(T));
    std::memcpy(values.data(), bytes_.data() + data_ + begin, end - begin);
    return values;
  }

  std::vector<std::int64_t> shape(const std::string &name) const {
    return header_.at(name).at("shape").get<std::vector<std::int64_t>>();
  }

 private:
  std::string bytes_;
  nlohmann::json header_;
  std::size_t data_ = 0;
};
