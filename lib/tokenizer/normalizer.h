// SPDX-License-Identifier: Apache-2.0
// What a tokenizer changes in a text before it is cut into pieces.
#pragma once

#include "base/status.h"
#include "format/json.h"
#include "tokenizer/pattern.h"

#include <string>
#include <vector>

namespace temper {

class Normalizer {
 public:
  Normalizer() = default;  // changes nothing

  // From the "normalizer" of a tokenizer.json; null is fine. TEMPER_E_UNSUPPORTED for kinds that
  // this library doesn't have.
  static Result<Normalizer> read(const Json *json);
  void add_nfc();

  bool empty() const noexcept { return steps_.empty(); }
  Status apply(std::string &text) const;

 private:
  enum class Kind { nfc, nfd, lowercase, strip, prepend, replace };
  struct Step {
    Kind kind = Kind::nfc;
    std::string text;  // to prepend, or the replacement
    bool left = false;
    bool right = false;
    Pattern pattern;
  };
  Status read_step(const Json &json);
  static Status run(const Step &step, std::string &text);

  std::vector<Step> steps_;
};

}  // namespace temper
