// SPDX-License-Identifier: Apache-2.0
#include "support/shared.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace temper::test {

std::string reference_folder(const std::string &name) {
  const char *shared = std::getenv("TEMPER_SHARED");
  const std::filesystem::path root = shared != nullptr ? shared : TEMPER_SOURCE_ROOT "/../shared";
  const std::filesystem::path folder = root / "reference" / name;
  std::error_code ignored;
  return std::filesystem::is_directory(folder, ignored) ? folder.string() : std::string();
}

bool ReferenceCases::open(const std::string &name) {
  const std::string folder = reference_folder(name);
  if (folder.empty()) return false;
  std::ifstream file(folder + "/cases.safetensors", std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  bytes_.resize(text.size());
  std::memcpy(bytes_.data(), text.data(), text.size());
  Result<TensorSet> set = parse_safetensors(bytes_, name);
  if (!set.ok()) throw std::runtime_error(set.status().message());
  set_ = std::move(set.value());
  return true;
}

std::vector<std::string> ReferenceCases::names() const {
  std::vector<std::string> list;
  for (const auto &[name, tensor] : set_.tensors) list.push_back(name);
  return list;
}

const std::vector<int64_t> &ReferenceCases::shape(const std::string &name) const {
  const TensorView *tensor = set_.find(name);
  if (tensor == nullptr) throw std::runtime_error("no tensor " + name);
  return tensor->shape;
}

std::vector<double> ReferenceCases::numbers(const std::string &name) const {
  const TensorView *tensor = set_.find(name);
  if (tensor == nullptr) throw std::runtime_error("no tensor " + name);
  std::vector<double> out(static_cast<size_t>(tensor->elements()));
  const std::byte *from = tensor->bytes.data();
  const auto read = [&](auto zero) {
    for (double &value : out) {
      auto one = zero;
      std::memcpy(&one, from, sizeof one);
      value = static_cast<double>(one);
      from += sizeof one;
    }
  };
  switch (tensor->dtype) {
    case Dtype::f32: read(float{}); break;
    case Dtype::f64: read(double{}); break;
    case Dtype::i64: read(int64_t{}); break;
    case Dtype::i32: read(int32_t{}); break;
    case Dtype::u8:
    case Dtype::boolean: read(uint8_t{}); break;
    default: throw std::runtime_error("type of " + name);
  }
  return out;
}

}  // namespace temper::test
