// SPDX-License-Identifier: Apache-2.0
// A small safetensors file in memory: read for `verify`, written for `bench`. The program uses only the
// library's public headers, and those have no file format in them.
#ifndef TEMPER_PROGRAM_SAFETENSORS_H
#define TEMPER_PROGRAM_SAFETENSORS_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace program {

/// One tensor of a file: a view into the file's bytes.
struct Array {
  std::string dtype;            ///< "F32", "F64", "I32", "I64", "BOOL", ...
  std::vector<int64_t> shape;   ///< empty: a scalar
  const unsigned char *data = nullptr;
  size_t bytes = 0;

  int64_t count() const;
  /// Values converted; throws Failure for a type that isn't a number of at most 53 bits.
  std::vector<double> doubles() const;
  std::vector<int32_t> integers() const;
  std::vector<unsigned char> booleans() const;
};

/// A whole file, read and checked.
class Arrays {
public:
  explicit Arrays(const std::string &path);
  /// The tensor, or nullptr.
  const Array *find(const std::string &name) const;
  const std::map<std::string, Array> &all() const { return arrays_; }

private:
  std::vector<unsigned char> bytes_;
  std::map<std::string, Array> arrays_;
};

/// What will be in a file: name, type and shape, in order.
struct Planned {
  std::string name;
  std::string dtype;  ///< "F32" or "BF16"
  std::vector<int64_t> shape;
};

/// Header and zeroed data of a file with these tensors; @p offsets gets the start of each one's data.
std::vector<unsigned char> lay_out(const std::vector<Planned> &tensors, std::vector<size_t> &offsets);

} // namespace program

#endif
