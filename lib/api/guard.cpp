// SPDX-License-Identifier: Apache-2.0
#include "api/guard.h"

#include <algorithm>

namespace temper {
namespace {

// Bytes of the UTF-8 character that `text` begins with; 0 when it begins with none. Stops at a NUL.
size_t character_size(const unsigned char *text) noexcept {
  const unsigned first = text[0];
  if (first < 0x80) return 1;
  const size_t size = first >= 0xC2 && first < 0xE0 ? 2 : first >= 0xE0 && first < 0xF0 ? 3
                           : first >= 0xF0 && first < 0xF5 ? 4 : 0;
  for (size_t i = 1; i < size; ++i)
    if ((text[i] & 0xC0U) != 0x80U) return 0;
  const bool too_long = (first == 0xE0 && text[1] < 0xA0) || (first == 0xF0 && text[1] < 0x90);
  const bool surrogate = first == 0xED && text[1] >= 0xA0, beyond = first == 0xF4 && text[1] >= 0x90;
  return size == 0 || too_long || surrogate || beyond ? 0 : size;
}

// Copies whole characters of `from` to `to`, at most `room` bytes of them. What isn't a character becomes '?', what
// would break the line a space, byte for byte. Returns how many bytes that were.
size_t copy_characters(char *to, const char *from, size_t room) noexcept {
  const auto *next = reinterpret_cast<const unsigned char *>(from);
  size_t length = 0;
  while (*next != 0) {
    const size_t size = character_size(next);
    const size_t needed = std::max<size_t>(size, 1);
    if (length + needed > room) break;
    std::memcpy(to + length, next, needed);
    if (size == 0) to[length] = '?';
    if (size == 1 && (*next < 0x20 || *next == 0x7F)) to[length] = ' ';
    length += needed;
    next += needed;
  }
  return length;
}

}  // namespace

// Messages quote paths and files, which may hold anything: what arrives is one line of whole characters. One that is
// too long loses its middle, for the reason stands at one of its ends.
temper_status report(temper_error *error, temper_status code, const char *message) noexcept {
  if (error == nullptr || code >= 0) return code;
  constexpr size_t room = sizeof error->message - 1, half = (room - 3) / 2;
  error->status = code;
  const size_t size = std::strlen(message);
  size_t length = copy_characters(error->message, message, size <= room ? room : half);
  if (size > room) {
    const char *tail = message + size - half;
    while ((static_cast<unsigned char>(*tail) & 0xC0U) == 0x80U) ++tail;
    std::memcpy(error->message + length, "...", 3);
    length += 3;
    length += copy_characters(error->message + length, tail, half);
  }
  error->message[length] = '\0';
  return code;
}

Status copy_text(std::string_view text, char *buffer, size_t capacity, size_t *length) {
  if (length != nullptr) *length = text.size();
  if (buffer == nullptr && capacity == 0) {
    TEMPER_REQUIRE(length != nullptr, "neither a buffer nor a place for the length was given");
    return Status();
  }
  TEMPER_REQUIRE(buffer != nullptr, "buffer is NULL but its capacity is not 0");
  if (text.size() >= capacity)
    return fail(TEMPER_E_CAPACITY, "text needs %zu bytes and a NUL, the buffer has %zu", text.size(),
                capacity);
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  return Status();
}

}  // namespace temper
