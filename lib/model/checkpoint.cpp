// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint.h"

#include "base/mapped_file.h"
#include "model/families/families.h"
#include "model/families/names.h"

namespace temper {
namespace {

constexpr JsonLimits config_limits = {.bytes = size_t{4} << 20,
                                      .values = size_t{1} << 17};

Result<Checkpoint> understand(std::span<const std::byte> config_bytes, TensorSet set,
                              const std::string &folder, const SpecOverrides &overrides) {
  TEMPER_ASSIGN(Json config, parse_json(config_bytes, "config.json", config_limits));
  if (config.kind != Json::Kind::object)
    return fail(TEMPER_E_FORMAT, "config.json: not an object");
  TEMPER_ASSIGN(TensorSet tensors, strip_prefixes(std::move(set)));
  Draft draft(Fields(std::move(config), "config.json"), std::move(tensors), folder, overrides);
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
  checkpoint.folder = folder;
  checkpoint.parameters = draft.parameters;
  checkpoint.weight_bytes = draft.weight_bytes;
  return checkpoint;
}

}  // namespace

Result<Checkpoint> open_checkpoint(const std::string &path, const SpecOverrides &overrides) {
  if (!path_exists(path)) return fail(TEMPER_E_IO, "%s: no such folder", path.c_str());
  if (!is_folder(path)) return fail(TEMPER_E_IO, "%s: not a folder", path.c_str());
  TEMPER_ASSIGN(const MappedFile config, MappedFile::open(path + "/config.json"));
  TEMPER_ASSIGN(TensorSet tensors, open_safetensors_folder(path));
  return understand(config.bytes(), std::move(tensors), path, overrides);
}

Result<Checkpoint> open_checkpoint_memory(std::span<const std::byte> config,
                                          std::span<const std::byte> safetensors,
                                          std::shared_ptr<const void> storage,
                                          const SpecOverrides &overrides) {
  TEMPER_ASSIGN(TensorSet tensors, parse_safetensors(safetensors, "model.safetensors"));
  tensors.storage = std::move(storage);
  return understand(config, std::move(tensors), "", overrides);
}

}  // namespace temper
