// SPDX-License-Identifier: Apache-2.0
// What the golden tests share: handles of the public interface that end themselves, and where things are.
#pragma once

#include <temper/temper.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace golden {

template <typename Handle, void (*Destroy)(Handle *)>
struct Destroyer {
  void operator()(Handle *handle) const { Destroy(handle); }
};
template <typename Handle, void (*Destroy)(Handle *)>
using Owned = std::unique_ptr<Handle, Destroyer<Handle, Destroy>>;

using Runtime = Owned<temper_runtime, temper_runtime_destroy>;
using Model = Owned<temper_model, temper_model_destroy>;
using Tokenizer = Owned<temper_tokenizer, temper_tokenizer_destroy>;
using Schedule = Owned<temper_hyperschedule, temper_hyperschedule_destroy>;
using Sampler = Owned<temper_sampler, temper_sampler_destroy>;
using Session = Owned<temper_session, temper_session_destroy>;

inline std::string source_root() {
  const char *root = std::getenv("TEMPER_SOURCE_ROOT");
  return root != nullptr ? root : ".";
}

inline std::string shared_folder() {
  const char *shared = std::getenv("TEMPER_SHARED");
  return shared != nullptr ? shared : source_root() + "/../shared";
}

inline bool readable(const std::string &path) { return std::ifstream(path).good(); }

inline std::string contents(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Steps to the end and gives the tokens of row 0.
inline std::vector<int32_t> run(temper_session *session, temper_status &status, temper_error &error) {
  while ((status = temper_session_step(session, nullptr, &error)) == TEMPER_OK || status == TEMPER_LENGTH_LIMIT) {
  }
  std::vector<int32_t> tokens(4096);
  size_t count = 0;
  (void)temper_session_read(session, 0, tokens.data(), tokens.size(), &count, nullptr);
  tokens.resize(count);
  return tokens;
}

}  // namespace golden
