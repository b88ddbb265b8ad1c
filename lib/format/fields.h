// SPDX-License-Identifier: Apache-2.0
// Typed reading of a configuration. The first wrong field is remembered and everything after it
// answers with fallbacks, so that a family reads its fields straight down and asks once.
#pragma once

#include "format/json.h"

#include <optional>

namespace temper {

class Fields {
 public:
  Fields(Json root, std::string file) : root_(std::move(root)), file_(std::move(file)) {}

  // Paths name nested members: "annealing.attention.context_type". Null counts as absent.
  const Json *find(std::string_view path) const noexcept;
  bool has(std::string_view path) const noexcept { return find(path) != nullptr; }

  // A field that must be there, and within [low, high].
  int64_t require(std::string_view path, int64_t low, int64_t high);
  // The fallback when absent.
  int64_t integer(std::string_view path, int64_t fallback, int64_t low, int64_t high);
  double number(std::string_view path, double fallback, double low, double high);
  bool flag(std::string_view path, bool fallback);
  std::string text(std::string_view path, std::string_view fallback = "");

  // Whether any text in the field (a text, or a list or object of texts) contains `word`, letter
  // case apart.
  bool mentions(std::string_view path, std::string_view word) const;

  void fail_with(Status status) {
    if (status_.ok()) status_ = std::move(status);
  }
  const Status &status() const noexcept { return status_; }
  const std::string &file() const noexcept { return file_; }

 private:
  void wrong(std::string_view path, const char *expected);

  Json root_;
  std::string file_;
  Status status_;
};

// A JSON number without a fraction, as an integer.
std::optional<int64_t> whole_number(const Json &json) noexcept;

bool contains_word(std::string_view text, std::string_view word);  // letter case apart

}  // namespace temper
