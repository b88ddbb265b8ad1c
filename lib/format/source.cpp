// SPDX-License-Identifier: Apache-2.0
#include "format/source.h"

#include "base/mapped_file.h"
#include "format/hugging_face.h"

namespace temper {

Result<std::shared_ptr<Source>> open_source(const std::string &path) {
  if (!path_exists(path)) return fail(TEMPER_E_IO, "%s: no such file or folder", path.c_str());
  if (is_folder(path)) return hugging_face_folder(path);
  if (path.ends_with(".safetensors")) return hugging_face_file(path);
  return fail(TEMPER_E_IO, "%s: not a folder and not a .safetensors file", path.c_str());
}

Result<Fields> read_config(std::span<const std::byte> bytes) {
  constexpr JsonLimits limits = {.bytes = size_t{4} << 20, .values = size_t{1} << 17};
  TEMPER_ASSIGN(Json config, parse_json(bytes, "config.json", limits));
  if (config.kind != Json::Kind::object) return fail(TEMPER_E_FORMAT, "config.json: not an object");
  return Fields(std::move(config), "config.json");
}

}  // namespace temper
