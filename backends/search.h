// SPDX-License-Identifier: Apache-2.0
// Where the module of a backend may lie. Nothing is loaded here, only looked at.
#pragma once

#include <string>
#include <vector>

namespace temper {

// What the file of a backend's module is called.
std::string module_file(const std::string &name);

// The folders that are searched, the most likely first: `temper/` beside the file that holds this code (the
// shared library, or the program that it is linked into), then the folder that the installation was configured
// for. All are absolute; never the current folder, never one that the environment names.
std::vector<std::string> module_folders();

}  // namespace temper
