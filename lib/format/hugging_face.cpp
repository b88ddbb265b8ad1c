// SPDX-License-Identifier: Apache-2.0
#include "format/hugging_face.h"

#include "base/mapped_file.h"

namespace temper {
namespace {

class Folder final : public Source {
 public:
  // `file`: the only file with weights; "" when the folder decides.
  Folder(std::string folder, std::string file) : folder_(std::move(folder)), file_(std::move(file)) {}

  Result<Fields> fields() const override {
    TEMPER_ASSIGN(const MappedFile config, MappedFile::open(folder_ + "/config.json"));
    return read_config(config.bytes());
  }

  Result<TensorSet> tensors() override {
    return file_.empty() ? open_safetensors_folder(folder_) : open_safetensors_file(folder_, file_);
  }

  Result<std::optional<SideFile>> side_file(const std::string &name) const override {
    const std::string path = folder_ + "/" + name;
    if (!path_exists(path)) return std::optional<SideFile>();
    TEMPER_ASSIGN(MappedFile mapped, MappedFile::open(path));
    const auto file = std::make_shared<const MappedFile>(std::move(mapped));
    return std::optional<SideFile>({file->bytes(), file});
  }

  std::string name() const override {
    std::string path = folder_;
    while (path.ends_with('/')) path.pop_back();
    return path.substr(path.rfind('/') + 1);
  }

  const std::string &folder() const override { return folder_; }

 private:
  std::string folder_, file_;
};

}  // namespace

std::shared_ptr<Source> hugging_face_folder(const std::string &folder) {
  return std::make_shared<Folder>(folder, "");
}

std::shared_ptr<Source> hugging_face_file(const std::string &path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return std::make_shared<Folder>(".", path);
  return std::make_shared<Folder>(slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1));
}

}  // namespace temper
