// SPDX-License-Identifier: Apache-2.0
#include "safetensors.h"

#include "files.h"
#include "handles.h"

#include <nlohmann/json.hpp>

#include <cstring>

namespace program {
namespace {

size_t element_size(const std::string &dtype) {
  if (dtype == "F64" || dtype == "I64" || dtype == "U64") {
    return 8;
  }
  if (dtype == "F32" || dtype == "I32" || dtype == "U32") {
    return 4;
  }
  if (dtype == "F16" || dtype == "BF16" || dtype == "I16" || dtype == "U16") {
    return 2;
  }
  return 1;
}

template <class T>
T at(const unsigned char *data, size_t index) {
  T value;
  std::memcpy(&value, data + index * sizeof(T), sizeof(T));
  return value;
}

/// Elements of a shape, or -1 when it is negative or absurd.
int64_t elements(const std::vector<int64_t> &shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) {
    if (extent < 0 || (extent > 0 && count > (int64_t{1} << 48) / extent)) {
      return -1;
    }
    count *= extent;
  }
  return count;
}

} // namespace

int64_t Array::count() const { return elements(shape); }

std::vector<double> Array::doubles() const {
  std::vector<double> values(static_cast<size_t>(count()));
  for (size_t i = 0; i < values.size(); ++i) {
    if (dtype == "F32") {
      values[i] = static_cast<double>(at<float>(data, i));
    } else if (dtype == "F64") {
      values[i] = at<double>(data, i);
    } else if (dtype == "I32") {
      values[i] = at<int32_t>(data, i);
    } else if (dtype == "I64") {
      values[i] = static_cast<double>(at<int64_t>(data, i));
    } else if (dtype == "BOOL" || dtype == "U8") {
      values[i] = data[i];
    } else {
      throw Failure("a tensor of type " + dtype + " can't be read as numbers");
    }
  }
  return values;
}

std::vector<int32_t> Array::integers() const {
  const std::vector<double> values = doubles();
  std::vector<int32_t> whole;
  whole.reserve(values.size());
  for (const double value : values) {
    if (!(value >= -2147483648.0 && value <= 2147483647.0)) {
      throw Failure("a tensor holds a number outside the 32-bit range");
    }
    whole.push_back(static_cast<int32_t>(value));
  }
  return whole;
}

std::vector<unsigned char> Array::booleans() const {
  std::vector<unsigned char> flags;
  for (const double value : doubles()) {
    flags.push_back(value != 0.0 ? 1 : 0);
  }
  return flags;
}

Arrays::Arrays(const std::string &path) : bytes_(read_bytes(path)) {
  const auto malformed = [&path](const std::string &what) {
    return Failure(path + ": " + what);
  };
  if (bytes_.size() < 8) {
    throw malformed("too short for a safetensors file");
  }
  const uint64_t header_size = at<uint64_t>(bytes_.data(), 0);
  if (header_size > bytes_.size() - 8) {
    throw malformed("the header is longer than the file");
  }
  const unsigned char *text = bytes_.data() + 8;
  const auto header = nlohmann::json::parse(text, text + header_size, nullptr, false);
  if (!header.is_object()) {
    throw malformed("the header isn't a JSON object");
  }
  const unsigned char *data = text + header_size;
  const size_t data_size = bytes_.size() - 8 - static_cast<size_t>(header_size);
  for (const auto &[name, entry] : header.items()) {
    if (name == "__metadata__") {
      continue;
    }
    try {
      Array array;
      array.dtype = entry.at("dtype").get<std::string>();
      array.shape = entry.at("shape").get<std::vector<int64_t>>();
      const auto range = entry.at("data_offsets").get<std::vector<uint64_t>>();
      const int64_t count = elements(array.shape);
      if (count < 0 || range.size() != 2 || range[0] > range[1] || range[1] > data_size ||
          range[1] - range[0] != static_cast<uint64_t>(count) * element_size(array.dtype)) {
        throw malformed("tensor " + name + " doesn't fit its shape or the file");
      }
      array.data = data + range[0];
      array.bytes = static_cast<size_t>(range[1] - range[0]);
      arrays_.emplace(name, std::move(array));
    } catch (const nlohmann::json::exception &) {
      throw malformed("tensor " + name + " is described wrongly");
    }
  }
}

const Array *Arrays::find(const std::string &name) const {
  const auto found = arrays_.find(name);
  return found == arrays_.end() ? nullptr : &found->second;
}

std::vector<unsigned char> lay_out(const std::vector<Planned> &tensors, std::vector<size_t> &offsets) {
  nlohmann::json header = nlohmann::json::object();
  std::vector<size_t> begins;
  size_t total = 0;
  for (const Planned &tensor : tensors) {
    const size_t bytes = static_cast<size_t>(elements(tensor.shape)) * element_size(tensor.dtype);
    header[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {total, total + bytes}}};
    begins.push_back(total);
    total += bytes;
  }
  std::string text = header.dump();
  // Data begins on a multiple of 64, so that a memory-mapped file is aligned for any element type.
  text.append((64 - (8 + text.size()) % 64) % 64, ' ');
  std::vector<unsigned char> file(8 + text.size() + total);
  const uint64_t size = text.size();
  std::memcpy(file.data(), &size, 8);
  std::memcpy(file.data() + 8, text.data(), text.size());
  offsets.clear();
  for (const size_t begin : begins) {
    offsets.push_back(8 + text.size() + begin);
  }
  return file;
}

} // namespace program
