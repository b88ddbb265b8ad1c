// SPDX-License-Identifier: Apache-2.0
// The backends this process can use: those linked in, and modules in the library's own folder or at paths the
// caller names. Making a registry looks at files and loads none of them. A module is loaded when somebody asks
// about it (info) or wants to use it (open).
#pragma once

#include "backends/module.h"
#include "base/status.h"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace temper {

struct BackendInfo {
  std::string reason;       // why it can't be used; empty when it can
  std::string description;  // its own words: library version, instruction set; empty when it can't be used
  std::string path;         // of its module; empty when linked in or not found
  int32_t score = 0;        // > 0: usable
};

// Set up by one thread (create, load); all else from any thread. Strings live as long as the registry.
class BackendRegistry {
 public:
  static Result<std::unique_ptr<BackendRegistry>> create();

  // Adds the module at a full path. One that can't be loaded or has another interface is an error;
  // one that loads but can't run here is listed with its reason. Replaces an entry of the same name.
  Status load(const std::string &path);

  // Backends have numbers from 0 on in the order in which "auto" tries them. The order is that of expected
  // speed: it doesn't change when a backend turns out to be unusable, only by load().
  int32_t count() const noexcept { return static_cast<int32_t>(entries_.size()); }
  int32_t find(const std::string &name) const noexcept;  // -1: no backend is called so

  // What is known without loading.
  const std::string &name(int32_t index) const noexcept { return entry(index).name; }
  const std::string &path(int32_t index) const noexcept;  // where its module was found
  bool expected(int32_t index) const noexcept;            // linked in, built with the library, or found

  // Loads the module once to ask it; afterwards the answer is remembered.
  const BackendInfo &info(int32_t index) const;

  // The backend for use; it stays in the process while the result is held. An error says why not.
  Result<std::shared_ptr<const Module>> open(int32_t index) const;

  // Modules that were loaded so far and aren't used by anyone are unloaded, and no others are kept for later.
  void let_go() noexcept;

 private:
  struct Entry {
    std::string name;
    int32_t rank = 0;                // the score that is expected
    bool built = false;              // this build of the library has it
    std::vector<std::string> found;  // files that may be its module
    std::string missing;             // why nothing was found
    // Guarded by the registry's mutex. `info` is written once.
    bool asked = false;
    BackendInfo info;
    std::shared_ptr<const Module> kept;     // loaded, and perhaps wanted soon
    std::weak_ptr<const Module> loaded;     // by us or by users
  };

  BackendRegistry() = default;
  Entry &entry(int32_t index) const noexcept { return *entries_[static_cast<size_t>(index)]; }
  void add(std::unique_ptr<Entry> entry);
  Status add_linked(const temper_backend *table, const char *origin);
  void add_missing(const std::string &name, int32_t rank, const std::string &reason);
  void add_module(const std::string &name, int32_t rank, bool built, const std::vector<std::string> &folders);
  Result<std::shared_ptr<const Module>> hold(Entry &entry) const;
  std::shared_ptr<const Module> ask(Entry &entry) const;

  mutable std::mutex mutex_;
  bool keeping_ = true;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::vector<std::unique_ptr<Entry>> replaced_;  // their strings were handed out
};

}  // namespace temper
