// SPDX-License-Identifier: Apache-2.0
// Errors as values. Inside the library nothing of ours throws: a function that can fail returns a
// Status or a Result<T>, and the caller passes it on with TEMPER_TRY / TEMPER_ASSIGN.
#pragma once

#include <temper/types.h>

#include <optional>
#include <string>
#include <utility>

namespace temper {

// A status code with a message for people. An ok status carries no text and never allocates.
class [[nodiscard]] Status {
 public:
  Status() noexcept = default;
  Status(temper_status code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const noexcept { return code_ == TEMPER_OK; }
  temper_status code() const noexcept { return code_; }
  const std::string &message() const noexcept { return message_; }

 private:
  temper_status code_ = TEMPER_OK;
  std::string message_;
};

// printf-style error constructor: `return fail(TEMPER_E_FORMAT, "tensor %s: ...", name)`.
[[gnu::format(printf, 2, 3)]] Status fail(temper_status code, const char *format, ...);

// A value or the status that explains its absence.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT: implicit on purpose
  Result(Status status) : status_(std::move(status)) {}  // NOLINT: implicit on purpose

  bool ok() const noexcept { return value_.has_value(); }
  const Status &status() const noexcept { return status_; }
  T &value() noexcept { return *value_; }
  const T &value() const noexcept { return *value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace temper

#define TEMPER_CONCAT_(a, b) a##b
#define TEMPER_CONCAT(a, b) TEMPER_CONCAT_(a, b)

// Leave the enclosing function with the status of `expression` unless it is ok.
#define TEMPER_TRY(expression)                                  \
  do {                                                          \
    ::temper::Status temper_status_ = (expression);             \
    if (!temper_status_.ok()) return temper_status_;            \
  } while (false)

// `TEMPER_ASSIGN(auto file, MappedFile::open(path));`
#define TEMPER_ASSIGN(declaration, expression)                                        \
  auto TEMPER_CONCAT(temper_result_, __LINE__) = (expression);                        \
  if (!TEMPER_CONCAT(temper_result_, __LINE__).ok())                                  \
    return TEMPER_CONCAT(temper_result_, __LINE__).status();                          \
  declaration = std::move(TEMPER_CONCAT(temper_result_, __LINE__).value())
