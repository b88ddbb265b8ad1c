// SPDX-License-Identifier: Apache-2.0
// check_json [POINTER...] [POINTER=VALUE...] < DOCUMENT: succeeds when standard input is one JSON document
// that has all these places, with these values where one is given.
#include <nlohmann/json.hpp>

#include <iostream>

int main(int argc, char **argv) {
  try {
    const nlohmann::json document = nlohmann::json::parse(std::cin);
    for (int i = 1; i < argc; ++i) {
      const std::string argument = argv[i];
      const size_t equals = argument.find('=');
      const nlohmann::json &found = document.at(nlohmann::json::json_pointer(argument.substr(0, equals)));
      if (equals != std::string::npos && found != nlohmann::json::parse(argument.substr(equals + 1))) {
        std::cerr << argument << ": found " << found << "\n";
        return 1;
      }
    }
  } catch (const std::exception &error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}
