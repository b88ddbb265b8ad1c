// SPDX-License-Identifier: Apache-2.0
#include "backends/registry.h"

#include "backends/reference/reference.h"
#include "backends/registry_config.h"

#include <algorithm>
#include <dlfcn.h>
#if defined(__GLIBC__)
#include <link.h>
#endif
#include <unistd.h>

// Entry functions of backends linked into the library.
#define TEMPER_DECLARE_BUILTIN(entry) extern "C" const temper_backend *entry(uint32_t abi);
TEMPER_BUILTIN_BACKENDS(TEMPER_DECLARE_BUILTIN)
#undef TEMPER_DECLARE_BUILTIN

namespace temper {
namespace {

constexpr const char *module_names[] = {TEMPER_MODULE_BACKENDS};

// The folder of the file that holds this code: the shared library, or the program it's linked into.
std::string own_folder() {
  static const char here = 0;
  Dl_info info{};
  std::string file;
#if defined(__GLIBC__)
  struct link_map *map = nullptr;
  if (dladdr1(&here, &info, reinterpret_cast<void **>(&map), RTLD_DL_LINKMAP) == 0 || map == nullptr) return {};
  if (map->l_name == nullptr || map->l_name[0] == '\0') {
    // The program itself: the loader only knows how it was called, perhaps by a relative name.
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    if (length > 0 && static_cast<size_t>(length) < sizeof path) file.assign(path, static_cast<size_t>(length));
  }
#else
  if (dladdr(&here, &info) == 0) return {};
#endif
  if (file.empty() && info.dli_fname != nullptr) file = info.dli_fname;
  if (file.empty() || file[0] != '/') return {};
  return file.substr(0, file.rfind('/'));
}

// Full paths where the module of a backend may lie, the most likely first.
std::vector<std::string> candidates(const std::string &name) {
  const std::string file = "/libtemper-" + name + ".so";
  const std::string own = own_folder();
  std::vector<std::string> paths;
  if (!own.empty()) paths.push_back(own + "/temper" + file);
  paths.push_back(std::string(TEMPER_MODULE_FOLDER) + file);
  // A library that still lies in its build tree finds the modules built with it.
  const std::string build = TEMPER_BUILD_ROOT;
  if (own.compare(0, build.size(), build) == 0 && (own.size() == build.size() || own[build.size()] == '/'))
    paths.push_back(build + "/backends/" + name + file);
  return paths;
}

// Asks a table about this machine.
BackendInfo inspect(const temper_backend &table, const std::string &path) {
  BackendInfo info;
  info.name = table.name;
  info.path = path;
  info.table = &table;
  char reason[200] = "";
  info.score = std::max(0, table.score(reason, sizeof reason));
  if (info.score == 0) info.reason = reason[0] != '\0' ? reason : "unusable on this machine";
  if (const char *words = table.describe()) info.description = words;
  return info;
}

Status check_table(const temper_backend *table, const char *origin) {
  if (table == nullptr)
    return fail(TEMPER_E_BACKEND, "%s doesn't offer interface %u", origin, TEMPER_BACKEND_ABI);
  if (table->abi != TEMPER_BACKEND_ABI)
    return fail(TEMPER_E_BACKEND, "%s has interface %u, the library needs %u", origin, table->abi,
                TEMPER_BACKEND_ABI);
  if (table->struct_size != sizeof(temper_backend))
    return fail(TEMPER_E_BACKEND, "%s has a table of %u bytes, the library needs %zu", origin,
                table->struct_size, sizeof(temper_backend));
  if (table->name == nullptr || table->score == nullptr || table->describe == nullptr)
    return fail(TEMPER_E_BACKEND, "%s has an incomplete table", origin);
  return Status();
}

// What dlopen says when its library or one that it needs is missing.
std::string loader_words() {
  const char *words = dlerror();
  return words != nullptr ? words : "unknown error of the dynamic loader";
}

Result<BackendInfo> open_module(const std::string &path) {
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return fail(TEMPER_E_BACKEND, "can't load the backend: %s", loader_words().c_str());
  const auto entry = reinterpret_cast<temper_backend_entry_fn>(dlsym(handle, TEMPER_BACKEND_ENTRY));
  Status status;
  const temper_backend *table = nullptr;
  if (entry == nullptr) {
    status = fail(TEMPER_E_BACKEND, "%s has no %s: not a backend", path.c_str(), TEMPER_BACKEND_ENTRY);
  } else {
    // A module of another interface returns NULL; asking for its own number tells which it has.
    table = entry(TEMPER_BACKEND_ABI);
    for (uint32_t abi = 0; table == nullptr && abi < 64; ++abi) table = entry(abi);
    status = check_table(table, path.c_str());
  }
  if (!status.ok()) {
    (void)dlclose(handle);
    return status;
  }
  return inspect(*table, path);
}

}  // namespace

Result<std::unique_ptr<BackendRegistry>> BackendRegistry::create() {
  std::unique_ptr<BackendRegistry> registry(new BackendRegistry());
  const temper_backend *reference = temper_backend_reference(TEMPER_BACKEND_ABI);
  TEMPER_TRY(check_table(reference, "the reference backend"));
  registry->add(inspect(*reference, {}));
#define TEMPER_ADD_BUILTIN(entry)                            \
  {                                                          \
    const temper_backend *table = entry(TEMPER_BACKEND_ABI); \
    TEMPER_TRY(check_table(table, #entry));                  \
    registry->add(inspect(*table, {}));                      \
  }
  TEMPER_BUILTIN_BACKENDS(TEMPER_ADD_BUILTIN)
#undef TEMPER_ADD_BUILTIN
  for (const char *name : module_names)
    if (name != nullptr) registry->add_module(name);
  return registry;
}

void BackendRegistry::add(BackendInfo info) {
  std::erase_if(backends_, [&](const BackendInfo &other) { return other.name == info.name; });
  backends_.push_back(std::move(info));
  std::stable_sort(backends_.begin(), backends_.end(),
                   [](const BackendInfo &a, const BackendInfo &b) { return a.score > b.score; });
}

// A module that is absent or broken makes its backend unavailable; that is no error.
void BackendRegistry::add_module(const std::string &name) {
  for (const BackendInfo &info : backends_)
    if (info.name == name) return;
  BackendInfo missing;
  missing.name = name;
  missing.reason = "its module libtemper-" + name + ".so isn't installed";
  for (const std::string &path : candidates(name)) {
    if (access(path.c_str(), R_OK) != 0) continue;
    auto opened = open_module(path);
    if (opened.ok() && opened.value().name == name) {
      add(std::move(opened.value()));
      return;
    }
    missing.path = path;
    missing.reason = opened.ok() ? "its module calls itself " + opened.value().name : opened.status().message();
  }
  add(std::move(missing));
}

Status BackendRegistry::load(const std::string &path) {
  if (path.empty() || path[0] != '/')
    return Status(TEMPER_E_ARGUMENT, "a backend is loaded by its full path");
  TEMPER_ASSIGN(BackendInfo info, open_module(path));
  add(std::move(info));
  return Status();
}

Result<const temper_backend *> BackendRegistry::choose(const std::string &name) const {
  const bool best = name.empty() || name == "auto";
  for (const BackendInfo &info : backends_) {
    if (!best && info.name != name) continue;
    if (info.table != nullptr && info.score > 0) return info.table;
    if (!best)
      return fail(TEMPER_E_BACKEND, "backend %s can't be used here: %s", name.c_str(), info.reason.c_str());
  }
  if (best) return Status(TEMPER_E_BACKEND, "no backend can be used on this machine");
  return fail(TEMPER_E_BACKEND, "no backend is called %s", name.c_str());
}

}  // namespace temper
