// SPDX-License-Identifier: Apache-2.0
// A tokenizer.json from outside, and a text under it: no crash, no overflow, and encoding what was
// decoded stays possible.
#include "tokenizer/tokenizer.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // The file, then a zero byte, then a text.
  const std::string_view input(reinterpret_cast<const char *>(data), size);
  const size_t zero = input.find('\0');
  const std::string_view json = input.substr(0, zero);
  const std::string_view rest = zero == std::string_view::npos ? "a b" : input.substr(zero + 1);
  const auto opened = temper::Tokenizer::from_tokenizer_json(json);
  if (!opened.ok()) return 0;
  const temper::Tokenizer::Shared &tokenizer = opened.value();
  std::vector<int32_t> tokens;
  if (!tokenizer->encode(rest, {true, true}, tokens).ok()) return 0;
  std::string text;
  if (!tokenizer->decode(tokens, false, text).ok()) __builtin_trap();
  temper::StreamDecoder stream(tokenizer, {});
  for (const int32_t token : tokens) {
    temper::StreamDecoder::State after;
    std::string piece;
    if (!stream.push({&token, 1}, after, piece).ok()) __builtin_trap();
    stream.commit(std::move(after));
  }
  (void)stream.rest();
  return 0;
}
