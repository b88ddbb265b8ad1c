// SPDX-License-Identifier: Apache-2.0
// The alphabet of byte-level vocabularies: GPT-2's files spell each byte as one printable character,
// the printable Latin-1 bytes as themselves and the others, in order, from U+0100 on ("Ġ" is a space).
#pragma once

#include <string>
#include <string_view>

namespace temper {

// The byte that a character stands for, or -1.
int byte_of_symbol(char32_t symbol) noexcept;
char32_t symbol_of_byte(unsigned char byte) noexcept;

// False, with `bytes` unspecified, when `spelling` has a character outside the alphabet.
bool bytes_of_spelling(std::string_view spelling, std::string &bytes);
std::string spelling_of_bytes(std::string_view bytes);

}  // namespace temper
