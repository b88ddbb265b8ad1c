// SPDX-License-Identifier: Apache-2.0
// A checkpoint whose files are in memory already: bundled into a program, or made by a test.
#pragma once

#include "format/source.h"

#include <map>

namespace temper {

struct MemoryFiles {
  std::span<const std::byte> config;        // borrowed while the model is opened
  std::span<const std::byte> weights;       // the bytes of a .safetensors file
  std::shared_ptr<const void> storage;      // keeps `weights` alive; null: they outlive the model
  std::map<std::string, SideFile> beside;   // by name, if there are any
};

std::shared_ptr<Source> memory_source(MemoryFiles files);

}  // namespace temper
