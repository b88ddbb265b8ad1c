// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.h"
#include "tokenizer/tokenizer.h"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

struct temper_model_options {
  temper::SpecOverrides overrides;
  temper::Storage storage = temper::Storage::automatic;
  int64_t tokens = 0;  // ids below it are tokens; 0: the tokenizer knows
};

namespace temper {

// A model as handles see it: the packed network, its texts, and what its tokenizer says once somebody asked.
class SharedModel {
 public:
  using Ids = std::shared_ptr<const std::vector<int32_t>>;

  // `tokens`: as in the options.
  SharedModel(std::shared_ptr<const Model> packed, int64_t tokens);

  const std::shared_ptr<const Model> network;
  const std::string assumptions, noise;

  // The tokenizer beside the model; opened once.
  Result<Tokenizer::Shared> tokenizer();

  // Rows of the head that no token has, ascending: they are never drawn. Null: there are none. Known by the
  // tokenizer, or by the caller's word. Without a tokenizer that can be read there are none either, so that a model
  // works as well as its tokens do; the log says what was wrong with it. TEMPER_E_MEMORY is an error: what is drawn
  // may not depend on how much memory there was.
  Result<Ids> ids_without_token();

 private:
  Result<Tokenizer::Shared> open_tokenizer();  // with the mutex held
  std::vector<int32_t> list_ids(const Tokenizer *tokenizer) const;
  void say(const std::string &what) const;

  const int64_t tokens_;
  std::mutex mutex_;  // guards the rest
  Tokenizer::Shared tokenizer_;
  bool listed_ = false;
  Ids ids_;
};

}  // namespace temper

struct temper_model {
  std::shared_ptr<temper::SharedModel> impl;
};
