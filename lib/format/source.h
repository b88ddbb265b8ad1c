// SPDX-License-Identifier: Apache-2.0
// A checkpoint as something that can be asked: for fields, for tensors by name, and for the small files beside
// them. Families and the tokenizer read from it and don't know what stands behind it. All sources speak the
// language of Hugging Face folders (names of fields, tensors and side files, and what the files contain): one over
// another format translates into it, once, and no family has to be touched.
#pragma once

#include "format/fields.h"
#include "format/safetensors.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace temper {

// A whole file, and what keeps its bytes alive.
struct SideFile {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> storage;
};

class Source {
 public:
  virtual ~Source() = default;
  Source(const Source &) = delete;
  Source &operator=(const Source &) = delete;

  // The configuration. Asked for while the model is opened, not later.
  virtual Result<Fields> fields() const = 0;

  // All tensors, under the names that the files give them. Asked for once, while the model is opened: what keeps
  // the bytes alive goes with the set, so that a source kept for its side files keeps no weights.
  virtual Result<TensorSet> tensors() = 0;

  // A file beside the configuration, like "tokenizer.json", at any time and from any thread. Nothing: there is
  // none. An error: it is there and can't be read.
  virtual Result<std::optional<SideFile>> side_file(const std::string &name) const = 0;

  // What the place itself is called, "" when it has no name. Publishers write there what the fields leave out.
  virtual std::string name() const = 0;

  // The folder that the user would look into; "" when there is none.
  virtual const std::string &folder() const = 0;

  // What a message about the whole of it begins with.
  std::string where() const { return folder().empty() ? "the model in memory" : folder(); }

 protected:
  Source() = default;
};

// What stands at a path: a Hugging Face folder, or one of its .safetensors files. TEMPER_E_IO when there is nothing,
// or something else. Only looks; the files are read when they are asked for.
Result<std::shared_ptr<Source>> open_source(const std::string &path);

// For sources: the text of a config.json as fields.
Result<Fields> read_config(std::span<const std::byte> bytes);

}  // namespace temper
