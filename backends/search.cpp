// SPDX-License-Identifier: Apache-2.0
#include "backends/search.h"

#include "backends/registry_config.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <dlfcn.h>
#include <memory>
#include <string_view>

namespace temper {
namespace {

const char here = 0;  // its address tells which file this code came from

// A line of /proc/self/maps: "begin-end rights offset device inode   path". The path when the address is inside.
std::string_view path_at(std::string_view line, uintptr_t address) {
  uintptr_t begin = 0, end = 0;
  const char *const last = line.data() + line.size();
  const auto first = std::from_chars(line.data(), last, begin, 16);
  if (first.ec != std::errc() || first.ptr == last || *first.ptr != '-') return {};
  if (std::from_chars(first.ptr + 1, last, end, 16).ec != std::errc() || address < begin || address >= end) return {};
  const size_t slash = line.find('/');
  return slash == std::string_view::npos ? std::string_view() : line.substr(slash);
}

// By the kernel's account: absolute and without links, whatever name the loader was given and wherever the
// current folder has moved since. Empty where there is no such account.
std::string file_by_kernel() {
  struct Close {
    void operator()(std::FILE *file) const noexcept { (void)std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> maps(std::fopen("/proc/self/maps", "re"));
  if (maps == nullptr) return {};
  char line[4096 + 128];  // the longest path and what stands before it
  while (std::fgets(line, sizeof line, maps.get()) != nullptr) {
    std::string_view text(line);
    if (text.ends_with('\n')) text.remove_suffix(1);
    text = path_at(text, reinterpret_cast<uintptr_t>(&here));
    if (!text.empty()) return std::string(text);
  }
  return {};
}

// By the loader's account: the name that the library was reached by, perhaps a link; empty when it is relative,
// because the folder it was relative to may not be the current one any more.
std::string file_by_loader() {
  Dl_info info{};
  if (dladdr(&here, &info) == 0 || info.dli_fname == nullptr || info.dli_fname[0] != '/') return {};
  return info.dli_fname;
}

}  // namespace

std::string module_file(const std::string &name) { return "libtemper-" + name + ".so"; }

std::vector<std::string> module_folders() {
  std::vector<std::string> folders;
  const auto add = [&](std::string folder) {
    if (std::find(folders.begin(), folders.end(), folder) == folders.end()) folders.push_back(std::move(folder));
  };
  for (const std::string &file : {file_by_kernel(), file_by_loader()})
    if (!file.empty()) add(file.substr(0, file.rfind('/')) + "/temper");
  add(TEMPER_MODULE_FOLDER);
  return folders;
}

}  // namespace temper
