// SPDX-License-Identifier: Apache-2.0
#include "backends/registry.h"

#include "backends/reference/reference.h"
#include "backends/registry_config.h"
#include "backends/scores.h"
#include "backends/search.h"

#include <algorithm>
#include <string_view>
#include <unistd.h>

// Entry functions of backends linked into the library.
#define TEMPER_DECLARE_BUILTIN(entry) extern "C" const temper_backend *entry(uint32_t abi);
TEMPER_BUILTIN_BACKENDS(TEMPER_DECLARE_BUILTIN)
#undef TEMPER_DECLARE_BUILTIN

namespace temper {
namespace {

// Modules that are looked for, and the scores that they will have: "auto" asks in this order without loading all.
struct Known {
  const char *name;
  int32_t score;
};
constexpr Known known_modules[] = {{"cuda", scores::cuda}, {"onednn", scores::onednn}, {"openblas", scores::openblas}};

// Those that were made together with this library: that they are missing is worth a word.
constexpr std::string_view built_modules[] = {TEMPER_BUILT_MODULES};

bool was_built(std::string_view name) noexcept {
  return std::find(std::begin(built_modules), std::end(built_modules), name) != std::end(built_modules);
}

}  // namespace

Result<std::unique_ptr<BackendRegistry>> BackendRegistry::create() {
  std::unique_ptr<BackendRegistry> registry(new BackendRegistry());
  TEMPER_TRY(registry->add_linked(temper_backend_reference(TEMPER_BACKEND_ABI), "the reference backend"));
#define TEMPER_ADD_BUILTIN(entry) TEMPER_TRY(registry->add_linked(entry(TEMPER_BACKEND_ABI), #entry));
  TEMPER_BUILTIN_BACKENDS(TEMPER_ADD_BUILTIN)
#undef TEMPER_ADD_BUILTIN
  if (registry->find("cpu") < 0) registry->add_missing("cpu", scores::cpu, "this library was built without Highway");
  if (TEMPER_LOOK_FOR_MODULES) {
    const std::vector<std::string> folders = module_folders();
    for (const Known &known : known_modules)
      if (registry->find(known.name) < 0)
        registry->add_module(known.name, known.score, was_built(known.name), folders);
  }
  return registry;
}

int32_t BackendRegistry::find(const std::string &name) const noexcept {
  for (int32_t i = 0; i < count(); ++i)
    if (entry(i).name == name) return i;
  return -1;
}

void BackendRegistry::add(std::unique_ptr<Entry> entry) {
  if (const int32_t old = find(entry->name); old >= 0) {
    replaced_.push_back(std::move(entries_[static_cast<size_t>(old)]));
    entries_.erase(entries_.begin() + old);
  }
  entries_.push_back(std::move(entry));
  std::stable_sort(entries_.begin(), entries_.end(), [](const auto &a, const auto &b) { return a->rank > b->rank; });
}

Status BackendRegistry::add_linked(const temper_backend *table, const char *origin) {
  TEMPER_ASSIGN(std::shared_ptr<const Module> module, Module::linked(table, origin));
  auto entry = std::make_unique<Entry>();
  char reason[200] = "";
  entry->name = table->name;
  entry->rank = table->score(reason, sizeof reason);
  entry->built = true;
  entry->kept = module;
  entry->loaded = module;
  add(std::move(entry));
  return Status();
}

void BackendRegistry::add_missing(const std::string &name, int32_t rank, const std::string &reason) {
  auto entry = std::make_unique<Entry>();
  entry->name = name;
  entry->rank = rank;
  entry->missing = reason;
  add(std::move(entry));
}

// A module that is absent makes its backend unavailable; that is no error.
void BackendRegistry::add_module(const std::string &name, int32_t rank, bool built,
                                 const std::vector<std::string> &folders) {
  auto entry = std::make_unique<Entry>();
  entry->name = name;
  entry->rank = rank;
  entry->built = built;
  for (const std::string &folder : folders) {
    const std::string path = folder + "/" + module_file(name);
    if (access(path.c_str(), R_OK) == 0) entry->found.push_back(path);
    entry->missing += (entry->missing.empty() ? "" : ", nor in ") + folder;
  }
  entry->missing = "its module " + module_file(name) + " isn't in " + entry->missing;
  add(std::move(entry));
}

// With the mutex held: the backend's module, loaded when it isn't. Files that are no module of this backend are
// passed over; the reason is that of the last.
Result<std::shared_ptr<const Module>> BackendRegistry::hold(Entry &entry) const {
  if (std::shared_ptr<const Module> module = entry.loaded.lock()) return module;
  Status status(TEMPER_E_BACKEND, entry.missing);
  for (const std::string &path : entry.found) {
    auto loaded = Module::load(path);
    if (loaded.ok() && loaded.value()->table().name == entry.name) {
      entry.loaded = loaded.value();
      if (keeping_) entry.kept = loaded.value();
      if (!entry.asked) entry.info.path = path;
      return loaded;
    }
    status = loaded.ok() ? fail(TEMPER_E_BACKEND, "%s calls itself %s", path.c_str(), loaded.value()->table().name)
                         : loaded.status();
    if (!entry.asked) entry.info.path = path;
  }
  return status;
}

// With the mutex held. The module, if it was asked just now.
std::shared_ptr<const Module> BackendRegistry::ask(Entry &entry) const {
  if (entry.asked) return nullptr;
  const auto module = hold(entry);
  if (!module.ok()) {
    entry.info.reason = module.status().message();
  } else {
    const temper_backend &table = module.value()->table();
    char reason[200] = "";
    entry.info.score = std::max(0, table.score(reason, sizeof reason));
    if (entry.info.score == 0) entry.info.reason = reason[0] != '\0' ? reason : "unusable on this machine";
    if (const char *words = table.describe(); words != nullptr && entry.info.score > 0) entry.info.description = words;
  }
  entry.asked = true;
  return module.ok() ? module.value() : nullptr;
}

const std::string &BackendRegistry::path(int32_t index) const noexcept {
  const std::lock_guard lock(mutex_);
  const Entry &entry = this->entry(index);
  return entry.asked || entry.found.empty() ? entry.info.path : entry.found.front();
}

bool BackendRegistry::expected(int32_t index) const noexcept { return entry(index).built || !entry(index).found.empty(); }

const BackendInfo &BackendRegistry::info(int32_t index) const {
  const std::lock_guard lock(mutex_);
  (void)ask(entry(index));
  return entry(index).info;
}

Result<std::shared_ptr<const Module>> BackendRegistry::open(int32_t index) const {
  const std::lock_guard lock(mutex_);
  Entry &entry = this->entry(index);
  const std::shared_ptr<const Module> asked = ask(entry);  // or it would be unloaded and loaded again
  if (entry.info.score <= 0)
    return fail(TEMPER_E_BACKEND, "backend %s can't be used here: %s", entry.name.c_str(), entry.info.reason.c_str());
  return hold(entry);
}

void BackendRegistry::let_go() noexcept {
  const std::lock_guard lock(mutex_);
  keeping_ = false;
  for (const auto &entry : entries_)
    if (!entry->found.empty()) entry->kept.reset();
  for (const auto &entry : replaced_) entry->kept.reset();
}

Status BackendRegistry::load(const std::string &path) {
  if (path.empty() || path[0] != '/')
    return Status(TEMPER_E_ARGUMENT, "a backend is loaded by its full path");
  TEMPER_ASSIGN(std::shared_ptr<const Module> module, Module::load(path));
  auto entry = std::make_unique<Entry>();
  entry->name = module->table().name;
  entry->built = true;
  entry->found = {path};
  entry->kept = module;
  entry->loaded = module;
  const std::lock_guard lock(mutex_);
  entry->info.path = path;
  (void)ask(*entry);
  entry->rank = entry->info.score;
  add(std::move(entry));
  return Status();
}

}  // namespace temper
