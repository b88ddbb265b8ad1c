// SPDX-License-Identifier: Apache-2.0
// vocab.json with merges.txt from outside; and, over all bytes, that any text comes back.
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/tokenizer.h"

#include <cstddef>
#include <cstdint>

namespace {

// All bytes as tokens, and all pairs of a few letters for merges to make.
std::string full_vocabulary() {
  std::string json = "{";
  int id = 0;
  const auto add = [&](const std::string &text) {
    json += (id > 0 ? ",\"" : "\"") + std::string(text == "\"" || text == "\\" ? "\\" : "") + text +
            "\":" + std::to_string(id);
    ++id;
  };
  for (int byte = 0; byte < 256; ++byte)
    add(temper::spelling_of_bytes(std::string(1, static_cast<char>(byte))));
  for (const char a : std::string("abcd"))
    for (const char b : std::string("abcd")) {
      add({a, b});
      for (const char c : std::string("abcd")) add({a, b, c});
    }
  return json + "}";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // A vocabulary, merges and a text with zero bytes between; an empty vocabulary means the full one.
  const std::string_view input(reinterpret_cast<const char *>(data), size);
  const size_t first = input.find('\0');
  if (first == std::string_view::npos) return 0;
  const size_t second = input.find('\0', first + 1);
  const std::string_view merges = input.substr(first + 1, second == std::string_view::npos ? second : second - first - 1);
  const std::string_view text = second == std::string_view::npos ? "abcd" : input.substr(second + 1);
  static const std::string full = full_vocabulary();
  const auto opened = temper::Tokenizer::from_vocab_merges(first == 0 ? full : input.substr(0, first), merges);
  if (!opened.ok()) return 0;
  std::vector<int32_t> tokens;
  const temper::Status encoded = opened.value()->encode(text, {}, tokens);
  if (first == 0 && !encoded.ok()) __builtin_trap();
  if (!encoded.ok()) return 0;
  std::string back;
  if (!opened.value()->decode(tokens, false, back).ok()) __builtin_trap();
  if (first == 0 && back != text) __builtin_trap();
  return 0;
}
