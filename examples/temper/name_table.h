// SPDX-License-Identifier: Apache-2.0
// Tables of names on the command line and the numbers that the library has for them.
#ifndef TEMPER_PROGRAM_NAME_TABLE_H
#define TEMPER_PROGRAM_NAME_TABLE_H

#include <string>
#include <utility>
#include <vector>

namespace program {

template <class Number>
std::vector<std::string> names_of(const std::vector<std::pair<std::string, Number>> &table) {
  std::vector<std::string> names;
  for (const auto &entry : table) {
    names.push_back(entry.first);
  }
  return names;
}

} // namespace program

#endif
