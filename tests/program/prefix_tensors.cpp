// SPDX-License-Identifier: Apache-2.0
// prefix_tensors PREFIX IN OUT: copies a safetensors file with PREFIX in front of every tensor's name,
// without the causal-mask buffers of GPT-2 ("...attn.bias" of four dimensions).
#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

int main(int argc, char **argv) {
  if (argc != 4) {
    return 2;
  }
  std::ifstream in(argv[2], std::ios::binary);
  const std::string file((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  uint64_t size = 0;
  if (file.size() < 8 || (std::memcpy(&size, file.data(), 8), size > file.size() - 8)) {
    std::cerr << argv[2] << " is no safetensors file\n";
    return 1;
  }
  const nlohmann::json header = nlohmann::json::parse(file.substr(8, size));
  nlohmann::json renamed = nlohmann::json::object();
  std::string data;
  for (const auto &[name, entry] : header.items()) {
    if (name == "__metadata__" || entry["shape"].size() == 4) {
      continue;
    }
    const uint64_t begin = entry["data_offsets"][0], end = entry["data_offsets"][1];
    nlohmann::json copy = entry;
    copy["data_offsets"] = {data.size(), data.size() + (end - begin)};
    renamed[argv[1] + name] = copy;
    data += file.substr(8 + size + begin, end - begin);
  }
  std::string text = renamed.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  const uint64_t written = text.size();
  std::ofstream out(argv[3], std::ios::binary);
  out.write(reinterpret_cast<const char *>(&written), 8);
  out << text << data;
  return out.flush() ? 0 : 1;
}
