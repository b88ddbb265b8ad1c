// SPDX-License-Identifier: Apache-2.0
// The safetensors format: 8 bytes of header length, a JSON header, then the tensors' bytes.
// Read as strictly as the format's own reader does: the tensors' ranges must cover the data from
// its first byte to its last without overlaps and without holes.
#pragma once

#include "base/status.h"
#include "format/tensor.h"

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>

namespace temper {

// Tensors by name, from one file or from several shards.
struct TensorSet {
  std::map<std::string, TensorView, std::less<>> tensors;
  std::map<std::string, std::string, std::less<>> opaque;  // name -> a type that isn't read
  std::shared_ptr<const void> storage;  // keeps mapped files alive

  const TensorView *find(std::string_view name) const;
  bool has_prefix(std::string_view prefix) const;  // any tensor whose name begins so
};

// The views point into `bytes`. `name` is for messages.
Result<TensorSet> parse_safetensors(std::span<const std::byte> bytes, const std::string &name);

// One file of a folder, which messages call by its name alone.
Result<TensorSet> open_safetensors_file(const std::string &folder, const std::string &file);

// `model.safetensors` of a folder, or else the shards that `model.safetensors.index.json` names.
Result<TensorSet> open_safetensors_folder(const std::string &folder);

}  // namespace temper
