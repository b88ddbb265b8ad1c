// SPDX-License-Identifier: Apache-2.0
// Options that every subcommand with a model has: which one, on what, and what it is told about itself.
#ifndef TEMPER_PROGRAM_OPENING_H
#define TEMPER_PROGRAM_OPENING_H

#include "handles.h"

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace program {

/// Backend and threads, what a runtime needs.
struct Machine {
  std::string backend = "auto";
  int threads = 0;
  std::vector<std::string> modules;
  bool verbose = false;

  void add_to(CLI::App &app);
  Runtime runtime() const;
};

/// A model's folder and the caller's corrections of what its files say.
struct Opening : Machine {
  std::string path;
  std::string family;
  std::string context, window, storage;
  std::optional<int64_t> shifted, noise_keys, mask_token, block, max_length, tokens;

  /// @p with_path false: the subcommand takes the path in its own way.
  void add_to(CLI::App &app, bool with_path = true);
  ModelOptions options() const;
  /// Opens @ref path, or the bundled model.
  Model open(temper_runtime *runtime) const;
  Model open(temper_runtime *runtime, const std::string &folder) const;
};

} // namespace program

#endif
