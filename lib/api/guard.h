// SPDX-License-Identifier: Apache-2.0
// The border between C and C++. Every extern "C" function that can fail has one body:
//
//   return guard(error, [&]() -> Status { ... });
//
// Inside, errors are values; the standard library may still throw, and this is the only place where
// that becomes a status. Nothing here allocates, so it works when memory is out. The body computes in the default
// floating-point environment, whatever the caller's is; the caller gets its own back. So do callbacks run.
#pragma once

#include "base/float_environment.h"
#include "base/status.h"

#include <cstring>
#include <exception>
#include <new>
#include <string_view>

namespace temper {

// Fills the caller's error unless it is NULL; gives `code` back.
temper_status report(temper_error *error, temper_status code, const char *message) noexcept;

// Out of line, so that the compiler computes nothing of the body before the environment is set.
template <typename Body>
[[gnu::noinline]] Status run_body(Body &body) {
  return body();
}

template <typename Body>
temper_status guard(temper_error *error, Body &&body) noexcept {
  const FloatEnvironment defaults;
  try {
    const Status status = run_body(body);
    if (status.ok()) return TEMPER_OK;
    return report(error, status.code(), status.message().c_str());
  } catch (const std::bad_alloc &) {
    return report(error, TEMPER_E_MEMORY, "out of memory");
  } catch (const std::exception &exception) {
    return report(error, TEMPER_E_INTERNAL, exception.what());
  } catch (...) {
    return report(error, TEMPER_E_INTERNAL, "unknown exception");
  }
}

// Copies text into a caller's buffer the way all `..._text` functions do: `*length` is what the text
// needs without the terminating NUL; a buffer that is too small (or NULL) gives TEMPER_E_CAPACITY
// unless the caller only asked for the length (buffer NULL and capacity 0).
Status copy_text(std::string_view text, char *buffer, size_t capacity, size_t *length);

}  // namespace temper

// Argument checks read as a sentence: TEMPER_REQUIRE(tokens != nullptr, "tokens is NULL");
#define TEMPER_REQUIRE(condition, message) \
  do {                                     \
    if (!(condition)) return ::temper::Status(TEMPER_E_ARGUMENT, message); \
  } while (false)
