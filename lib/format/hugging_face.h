// SPDX-License-Identifier: Apache-2.0
// Checkpoints as Hugging Face lays them out: config.json, safetensors, and other files in one folder.
#pragma once

#include "format/source.h"

namespace temper {

// The weights are model.safetensors, or the shards of its index.
std::shared_ptr<Source> hugging_face_folder(const std::string &folder);

// The weights are this file alone, whatever else lies beside it.
std::shared_ptr<Source> hugging_face_file(const std::string &path);

}  // namespace temper
