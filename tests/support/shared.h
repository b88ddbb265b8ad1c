// SPDX-License-Identifier: Apache-2.0
// Arrays of the shared reference cases, for tests that compare with what published programs do.
#pragma once

#include "format/safetensors.h"

#include <cstdint>
#include <string>
#include <vector>

namespace temper::test {

// The folder of reference cases: $TEMPER_SHARED or, beside the source, ../shared. "" when it isn't there.
std::string reference_folder(const std::string &name);

class ReferenceCases {
 public:
  // False: the folder isn't there.
  bool open(const std::string &name);

  bool has(const std::string &name) const { return set_.find(name) != nullptr; }
  std::vector<std::string> names() const;
  const std::vector<int64_t> &shape(const std::string &name) const;
  std::vector<double> numbers(const std::string &name) const;  // any dtype
  double number(const std::string &name) const { return numbers(name).at(0); }
  std::vector<int32_t> integers(const std::string &name) const { return get<int32_t>(name); }
  std::vector<float> floats(const std::string &name) const { return get<float>(name); }
  template <typename T>
  std::vector<T> get(const std::string &name) const {
    const std::vector<double> values = numbers(name);
    return {values.begin(), values.end()};
  }

 private:
  std::vector<std::byte> bytes_;
  TensorSet set_;
};

}  // namespace temper::test
