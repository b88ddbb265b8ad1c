// SPDX-License-Identifier: Apache-2.0
// The backends this process can use: those linked in, and modules loaded from the library's own
// folder or from paths the caller names. Never the current directory, never the environment.
#pragma once

#include "backends/backend.h"
#include "base/status.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace temper {

struct BackendInfo {
  std::string name;
  std::string reason;       // why it can't be used; empty when it can
  std::string description;  // its own words: library version, instruction set
  std::string path;         // of its module; empty when linked in or not found
  int32_t score = 0;        // > 0: usable, the highest is the best
  const temper_backend *table = nullptr;
};

// Filled by create() and load(), which one thread calls; constant after that. A module stays loaded
// until the process ends: thread runtimes that it brings along don't survive being unloaded.
class BackendRegistry {
 public:
  static Result<std::unique_ptr<BackendRegistry>> create();

  // Adds the module at a full path. One that can't be loaded or has another interface is an error;
  // one that loads but can't run here is listed with its reason. Replaces an entry of the same name.
  Status load(const std::string &path);

  // Best first.
  std::span<const BackendInfo> list() const noexcept { return backends_; }

  // The named backend, or the best one for "auto" and "".
  Result<const temper_backend *> choose(const std::string &name) const;

 private:
  BackendRegistry() = default;
  void add(BackendInfo info);
  void add_module(const std::string &name);

  std::vector<BackendInfo> backends_;
};

}  // namespace temper
