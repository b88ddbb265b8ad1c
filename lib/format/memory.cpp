// SPDX-License-Identifier: Apache-2.0
#include "format/memory.h"

namespace temper {
namespace {

class Memory final : public Source {
 public:
  explicit Memory(MemoryFiles files) : files_(std::move(files)) {}

  Result<Fields> fields() const override { return read_config(files_.config); }

  Result<TensorSet> tensors() override {
    TEMPER_ASSIGN(TensorSet set, parse_safetensors(files_.weights, "model.safetensors"));
    set.storage = std::move(files_.storage);
    return set;
  }

  Result<std::optional<SideFile>> side_file(const std::string &name) const override {
    const auto place = files_.beside.find(name);
    if (place == files_.beside.end()) return std::optional<SideFile>();
    return std::optional<SideFile>(place->second);
  }

  std::string name() const override { return ""; }
  const std::string &folder() const override { return nowhere_; }

 private:
  MemoryFiles files_;
  const std::string nowhere_;
};

}  // namespace

std::shared_ptr<Source> memory_source(MemoryFiles files) { return std::make_shared<Memory>(std::move(files)); }

}  // namespace temper
