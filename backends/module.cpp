// SPDX-License-Identifier: Apache-2.0
#include "backends/module.h"

#include "backends/address_space.h"

#include <cstdint>
#include <dlfcn.h>

namespace temper {
namespace {

template <typename... Functions>
bool all_there(Functions... functions) noexcept {
  return ((functions != nullptr) && ...);
}

// All but `answer`, which is optional.
bool is_complete(const temper_backend &t) noexcept {
  return t.name != nullptr &&
         all_there(t.score, t.describe, t.open, t.close, t.last_error, t.alloc, t.release, t.upload, t.download,
                   t.linear_create, t.linear_destroy, t.linear_bytes, t.stream_create, t.stream_destroy,
                   t.stream_bytes, t.lane_create, t.lane_destroy, t.lane_bytes, t.lane_move, t.lane_fork, t.begin,
                   t.embed, t.norm, t.linear, t.rotary_write, t.attend, t.sync);
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
  if (!is_complete(*table))
    return fail(TEMPER_E_BACKEND, "%s has an incomplete table", origin);
  return Status();
}

// What dlopen says when the file or one that it needs is missing.
const char *loader_words() {
  const char *words = dlerror();
  return words != nullptr ? words : "unknown error of the dynamic loader";
}

}  // namespace

Result<std::shared_ptr<const Module>> Module::linked(const temper_backend *table, const char *origin) {
  TEMPER_TRY(check_table(table, origin));
  std::shared_ptr<Module> module(new Module(nullptr));
  module->table_ = table;
  return std::shared_ptr<const Module>(std::move(module));
}

Result<std::shared_ptr<const Module>> Module::load(const std::string &path) {
  TEMPER_TRY(check_address_space(path));
  std::shared_ptr<Module> module(new Module(nullptr));
  module->handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module->handle_ == nullptr) return fail(TEMPER_E_BACKEND, "can't load the backend: %s", loader_words());
  const auto entry = reinterpret_cast<temper_backend_entry_fn>(dlsym(module->handle_, TEMPER_BACKEND_ENTRY));
  if (entry == nullptr)
    return fail(TEMPER_E_BACKEND, "%s has no %s: not a backend", path.c_str(), TEMPER_BACKEND_ENTRY);
  // A module of another interface returns NULL; asking for its own number tells which it has.
  module->table_ = entry(TEMPER_BACKEND_ABI);
  for (uint32_t abi = 0; module->table_ == nullptr && abi < 64; ++abi) module->table_ = entry(abi);
  TEMPER_TRY(check_table(module->table_, path.c_str()));
  if (dlsym(module->handle_, "omp_get_max_threads") != nullptr)
    if (void *kept = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD | RTLD_NODELETE)) (void)dlclose(kept);
  return std::shared_ptr<const Module>(std::move(module));
}

Module::~Module() {
  if (handle_ != nullptr) (void)dlclose(handle_);
}

}  // namespace temper
