// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.h"
#include "tokenizer/tokenizer.h"

#include <memory>
#include <mutex>
#include <string>

struct temper_model_options {
  temper::SpecOverrides overrides;
  temper::Storage storage = temper::Storage::automatic;
};

namespace temper {

// A model as handles see it: the packed network, its texts, and its tokenizer once somebody asked.
struct SharedModel {
  std::shared_ptr<const Model> network;
  std::string assumptions, noise;
  std::mutex mutex;  // guards the tokenizer
  std::shared_ptr<const Tokenizer> tokenizer;
};

}  // namespace temper

struct temper_model {
  std::shared_ptr<temper::SharedModel> impl;
};
