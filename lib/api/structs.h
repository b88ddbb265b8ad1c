// SPDX-License-Identifier: Apache-2.0
// Structs of the caller that begin with their size: a program of another version has a shorter or a longer one.
#pragma once

#include "base/status.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace temper {

// `what` is for the message.
template <typename T>
Status check_struct(const T *of, const char *what) {
  if (of->struct_size >= sizeof(uint32_t) && of->struct_size <= 4096) return Status();
  return fail(TEMPER_E_ARGUMENT, "struct_size of the %s is %u: set it to the size of the struct", what,
              of->struct_size);
}

// The part that both sides know; the rest of ours is zero.
template <typename T>
Result<T> read_struct(const T *from, const char *what) {
  TEMPER_TRY(check_struct(from, what));
  T to{};
  const size_t size = std::min<size_t>(from->struct_size, sizeof to);
  std::memcpy(static_cast<void *>(&to), static_cast<const void *>(from), size);
  return to;
}

// The same the other way, once the caller's was checked.
template <typename T>
void write_struct(T *to, T from) {
  from.struct_size = to->struct_size;
  const size_t size = std::min<size_t>(to->struct_size, sizeof from);
  std::memcpy(static_cast<void *>(to), static_cast<const void *>(&from), size);
}

}  // namespace temper
