// SPDX-License-Identifier: Apache-2.0
#include "api/model.h"

#include "runtime/runtime.h"
#include "session/defaults.h"

#include <algorithm>

namespace temper {
namespace {

std::string lines_of(const Spec &spec) {
  std::string text;
  for (const Assumption &entry : spec.assumptions) {
    if (!text.empty()) text += '\n';
    text += entry.what + ": " + entry.value + " (" + entry.why + ")";
  }
  return text;
}

}  // namespace

SharedModel::SharedModel(std::shared_ptr<const Model> packed, int64_t tokens)
    : network(std::move(packed)),
      assumptions(lines_of(network->spec())),
      noise(describe_path(default_noise(network->spec()))),
      tokens_(tokens) {}

Result<Tokenizer::Shared> SharedModel::open_tokenizer() {
  if (tokenizer_ == nullptr) {
    TEMPER_ASSIGN(tokenizer_, Tokenizer::open(network->source()));
  }
  return tokenizer_;
}

Result<Tokenizer::Shared> SharedModel::tokenizer() {
  const std::lock_guard lock(mutex_);
  return open_tokenizer();
}

void SharedModel::say(const std::string &what) const {
  network->device()->runtime().log(TEMPER_LOG_WARNING, ("every id may be drawn: " + what).c_str());
}

// `tokenizer` null: by the number of tokens that the caller gave.
std::vector<int32_t> SharedModel::list_ids(const Tokenizer *tokenizer) const {
  const Spec &spec = network->spec();
  // A row that ends with an id ends, whether or not the id has a text. The mask is never drawn anyway.
  const auto needed = [&spec](int64_t id) {
    return id == spec.mask_token || std::count(spec.end_tokens.begin(), spec.end_tokens.end(), id) > 0;
  };
  std::vector<int32_t> ids;
  int64_t left = 0;
  for (int64_t id = 0; id < spec.columns; ++id) {
    const bool known = tokenizer != nullptr ? tokenizer->known(id) : id < tokens_;
    if (known && id != spec.mask_token) ++left;
    if (!known && !needed(id)) ids.push_back(static_cast<int32_t>(id));
  }
  if (left > 0) return ids;
  say("no id would be left");
  return {};
}

Result<SharedModel::Ids> SharedModel::ids_without_token() {
  const std::lock_guard lock(mutex_);
  if (listed_) return ids_;
  Tokenizer::Shared tokenizer;
  if (tokens_ == 0) {
    Result<Tokenizer::Shared> opened = open_tokenizer();
    if (opened.ok())
      tokenizer = std::move(opened.value());
    else if (opened.status().code() == TEMPER_E_MEMORY)
      return opened.status();
    else if (opened.status().code() != TEMPER_E_IO)  // no files at all is nothing to speak of
      say(opened.status().message());
  }
  if (tokens_ > 0 || tokenizer != nullptr) {
    std::vector<int32_t> ids = list_ids(tokenizer.get());
    if (!ids.empty()) ids_ = std::make_shared<const std::vector<int32_t>>(std::move(ids));
  }
  listed_ = true;
  return ids_;
}

}  // namespace temper
