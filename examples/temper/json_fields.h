// SPDX-License-Identifier: Apache-2.0
// Fields of JSON objects.
#ifndef TEMPER_PROGRAM_JSON_FIELDS_H
#define TEMPER_PROGRAM_JSON_FIELDS_H

#include <nlohmann/json.hpp>

#include <cmath>
#include <optional>

namespace program {

/// A number that may not be one: JSON has neither infinities nor NaN.
inline nlohmann::json finite(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

/// A field that needn't be there: when it isn't, the value stays as it is.
template <class T>
void take(const nlohmann::json &in, const char *key, T &value) {
  if (in.contains(key)) {
    value = in.at(key).get<T>();
  }
}

template <class T>
void take(const nlohmann::json &in, const char *key, std::optional<T> &value) {
  if (in.contains(key)) {
    value = in.at(key).get<T>();
  }
}

} // namespace program

#endif
