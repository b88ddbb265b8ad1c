// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/byte_alphabet.h"

#include "tokenizer/utf8.h"

#include <array>
#include <cstdint>

namespace temper {
namespace {

constexpr bool stands_for_itself(unsigned byte) noexcept {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Alphabet {
  std::array<uint16_t, 256> symbol{};
  std::array<int16_t, 512> byte{};
};

constexpr Alphabet make_alphabet() noexcept {
  Alphabet alphabet;
  for (int16_t &byte : alphabet.byte) byte = -1;
  uint16_t spare = 256;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const uint16_t symbol = stands_for_itself(byte) ? static_cast<uint16_t>(byte) : spare++;
    alphabet.symbol[byte] = symbol;
    alphabet.byte[symbol] = static_cast<int16_t>(byte);
  }
  return alphabet;
}

constexpr Alphabet alphabet = make_alphabet();

}  // namespace

int byte_of_symbol(char32_t symbol) noexcept {
  return symbol < alphabet.byte.size() ? alphabet.byte[symbol] : -1;
}

char32_t symbol_of_byte(unsigned char byte) noexcept { return alphabet.symbol[byte]; }

bool bytes_of_spelling(std::string_view spelling, std::string &bytes) {
  bytes.clear();
  for (size_t at = 0; at < spelling.size();) {
    const Utf8Char next = next_utf8(spelling, at);
    const int byte = next.whole() ? byte_of_symbol(next.code) : -1;
    if (byte < 0) return false;
    bytes.push_back(static_cast<char>(byte));
    at += next.size;
  }
  return true;
}

std::string spelling_of_bytes(std::string_view bytes) {
  std::string spelling;
  for (const char byte : bytes) append_utf8(spelling, symbol_of_byte(static_cast<unsigned char>(byte)));
  return spelling;
}

}  // namespace temper
