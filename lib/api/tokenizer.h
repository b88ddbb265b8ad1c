// SPDX-License-Identifier: Apache-2.0
// What stands behind the tokenizer and decoder handles.
#pragma once

#include "tokenizer/tokenizer.h"

#include <memory>

struct temper_tokenizer {
  std::shared_ptr<const temper::Tokenizer> impl;
};

struct temper_decoder {
  temper::StreamDecoder impl;
};
