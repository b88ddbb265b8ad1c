// SPDX-License-Identifier: Apache-2.0
// Finding a folder's weights: one file, or shards named by an index.
#include "base/mapped_file.h"
#include "format/json.h"
#include "format/safetensors.h"

namespace temper {
namespace {

constexpr size_t shard_limit = 4096;

using Files = std::vector<MappedFile>;

// A shard is a file of the same folder: its name may not lead anywhere else.
Status check_shard_name(const std::string &name) {
  const bool plain = name.size() <= 255 && name.ends_with(".safetensors") &&
                     name.front() != '.' && name.find_first_of("/\\") == std::string::npos &&
                     name.find("..") == std::string::npos &&
                     name.find('\0') == std::string::npos;
  if (plain) return {};
  return fail(TEMPER_E_FORMAT,
              "model.safetensors.index.json: \"%.80s\" is not the name of a safetensors file in "
              "the same folder",
              name.c_str());
}

Status add_shard(const std::string &folder, const std::string &file,
                 const std::set<std::string> &wanted, TensorSet &set, Files &files) {
  TEMPER_ASSIGN(MappedFile mapped, MappedFile::open(folder + "/" + file));
  TEMPER_ASSIGN(TensorSet shard, parse_safetensors(mapped.bytes(), file));
  for (const std::string &name : wanted) {
    if (auto node = shard.tensors.extract(name))
      set.tensors.insert(std::move(node));
    else if (auto opaque = shard.opaque.extract(name))
      set.opaque.insert(std::move(opaque));
    else
      return fail(TEMPER_E_FORMAT, "%s: tensor %.80s is missing, though the index places it here",
                  file.c_str(), name.c_str());
  }
  files.push_back(std::move(mapped));
  return {};
}

Result<TensorSet> open_shards(const std::string &folder, const std::string &index_path) {
  TEMPER_ASSIGN(const MappedFile file, MappedFile::open(index_path));
  TEMPER_ASSIGN(const Json index, parse_json(file.bytes(), "model.safetensors.index.json"));
  const Json *map = index.find("weight_map");
  if (map == nullptr || map->kind != Json::Kind::object)
    return fail(TEMPER_E_FORMAT, "model.safetensors.index.json: no weight_map");
  std::map<std::string, std::set<std::string>> shards;
  for (const JsonMember &member : map->members) {
    if (member.value.kind != Json::Kind::text || member.value.text.empty())
      return fail(TEMPER_E_FORMAT, "model.safetensors.index.json: no file name for tensor %.80s",
                  member.key.c_str());
    shards[member.value.text].insert(member.key);
    if (shards.size() > shard_limit)
      return fail(TEMPER_E_FORMAT, "model.safetensors.index.json: more than %zu shards",
                  shard_limit);
  }
  TensorSet set;
  const auto files = std::make_shared<Files>();
  for (const auto &[name, tensors] : shards) {
    TEMPER_TRY(check_shard_name(name));
    TEMPER_TRY(add_shard(folder, name, tensors, set, *files));
  }
  set.storage = files;
  return set;
}

}  // namespace

Result<TensorSet> open_safetensors_file(const std::string &folder, const std::string &file) {
  const auto files = std::make_shared<Files>();
  TEMPER_ASSIGN(MappedFile mapped, MappedFile::open(folder + "/" + file));
  TEMPER_ASSIGN(TensorSet set, parse_safetensors(mapped.bytes(), file));
  files->push_back(std::move(mapped));
  set.storage = files;
  return set;
}

Result<TensorSet> open_safetensors_folder(const std::string &folder) {
  const std::string index = folder + "/model.safetensors.index.json";
  if (path_exists(folder + "/model.safetensors")) return open_safetensors_file(folder, "model.safetensors");
  if (path_exists(index)) return open_shards(folder, index);
  if (path_exists(folder + "/pytorch_model.bin") ||
      path_exists(folder + "/pytorch_model.bin.index.json"))
    return fail(TEMPER_E_UNSUPPORTED,
                "%s: pytorch_model.bin is a pickle and isn't read; convert it to safetensors",
                folder.c_str());
  return fail(TEMPER_E_IO, "%s: neither model.safetensors nor model.safetensors.index.json is there",
              folder.c_str());
}

}  // namespace temper
