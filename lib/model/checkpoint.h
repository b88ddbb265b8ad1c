// SPDX-License-Identifier: Apache-2.0
// A source -> Spec + Weights. Decides the family by tensors and fields together, checks every shape, and records
// what was assumed and why. Weight values are not inspected: logits that are not finite are an error of a step.
#pragma once

#include "base/status.h"
#include "format/source.h"
#include "model/spec.h"
#include "model/weights.h"

#include <span>
#include <string>

namespace temper {

struct Checkpoint {
  Spec spec;
  Weights weights;
  std::shared_ptr<const Source> source;  // for its side files: the tokenizer is one
  int64_t parameters = 0;
};

Result<Checkpoint> open_checkpoint(std::shared_ptr<Source> source, const SpecOverrides &overrides);

// What open_source() finds at the path.
Result<Checkpoint> open_checkpoint(const std::string &path, const SpecOverrides &overrides);

// The bytes must outlive the Checkpoint unless `storage` keeps them alive.
Result<Checkpoint> open_checkpoint_memory(std::span<const std::byte> config,
                                          std::span<const std::byte> safetensors,
                                          std::shared_ptr<const void> storage,
                                          const SpecOverrides &overrides);

}  // namespace temper
