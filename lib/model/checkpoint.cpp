// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint.h"

#include "format/memory.h"
#include "model/families/families.h"
#include "model/families/names.h"

namespace temper {

Result<Checkpoint> open_checkpoint(std::shared_ptr<Source> source, const SpecOverrides &overrides) {
  TEMPER_ASSIGN(Fields config, source->fields());
  TEMPER_ASSIGN(TensorSet set, source->tensors());
  TEMPER_ASSIGN(TensorSet tensors, strip_prefixes(std::move(set)));
  Draft draft(*source, std::move(config), std::move(tensors), overrides);
  const Family *family = detect_family(draft);
  if (family == nullptr) return draft.status();
  family->fill(draft);
  if (!draft.ok()) return draft.status();
  apply_overrides(draft);
  if (!draft.ok()) return draft.status();

  Checkpoint checkpoint;
  checkpoint.spec = std::move(draft.spec);
  checkpoint.weights = std::move(draft.weights);
  checkpoint.weights.storage = std::move(draft.tensors.storage);
  checkpoint.source = std::move(source);
  checkpoint.parameters = draft.parameters;
  return checkpoint;
}

Result<Checkpoint> open_checkpoint(const std::string &path, const SpecOverrides &overrides) {
  TEMPER_ASSIGN(std::shared_ptr<Source> source, open_source(path));
  return open_checkpoint(std::move(source), overrides);
}

Result<Checkpoint> open_checkpoint_memory(std::span<const std::byte> config,
                                          std::span<const std::byte> safetensors,
                                          std::shared_ptr<const void> storage,
                                          const SpecOverrides &overrides) {
  return open_checkpoint(
      memory_source({.config = config, .weights = safetensors, .storage = std::move(storage), .beside = {}}),
      overrides);
}

}  // namespace temper
