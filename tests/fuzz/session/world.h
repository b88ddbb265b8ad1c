// SPDX-License-Identifier: Apache-2.0
// Models and the memory of all that is made of them.
#pragma once

#include "support/random_model.h"

#include <temper/temper.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <unordered_map>
#include <vector>

namespace fuzz {

#define CHECK(condition) \
  if (!(condition)) fuzz::broken(#condition, __LINE__)
[[noreturn]] inline void broken(const char *condition, int line) {
  std::fprintf(stderr, "fuzz_session.cpp:%d: not so: %s\n", line, condition);
  std::abort();
}

// Memory that is counted, and that runs out when an input says so.
struct Memory {
  std::unordered_map<void *, size_t> blocks;
  int64_t until_failure = -1;

  static void *alloc(void *user, size_t size, size_t alignment) {
    auto &memory = *static_cast<Memory *>(user);
    if (size > size_t{64} << 20) return nullptr;
    if (memory.until_failure >= 0 && memory.until_failure-- == 0) return nullptr;
    void *block = nullptr;
    if (posix_memalign(&block, std::max(alignment, sizeof(void *)), size) != 0) return nullptr;
    memory.blocks[block] = size;
    return block;
  }
  static void release(void *user, void *block, size_t size) {
    auto &memory = *static_cast<Memory *>(user);
    const auto place = memory.blocks.find(block);
    CHECK(place != memory.blocks.end() && place->second == size);
    memory.blocks.erase(place);
    std::free(block);
  }
};

struct Model {
  temper::test::RandomModel files;
  temper_model *handle = nullptr;
  int32_t vocabulary = 0, mask = -1;
  bool shifted = false;
};

// Made at the first use of each, and kept.
class World {
 public:
  World() {
    const temper_allocator allocator = {&memory, Memory::alloc, Memory::release};
    CHECK(temper_runtime_create(&allocator, &runtime_, nullptr) == TEMPER_OK);
    CHECK(temper_runtime_set_i64(runtime_, TEMPER_RUNTIME_THREADS, 1, nullptr) == TEMPER_OK);
    const auto add = [&](const char *family, const char *context = "causal", bool shifted = false) -> auto & {
      temper::test::ModelChoice &choice = choices_.emplace_back();
      choice.family = family;
      choice.context = context;
      choice.shifted = shifted;
      choice.positions = 32;  // fewer than the longest rows have
      return choice;
    };
    add("hdlm-epsilon");
    add("hdlm-epsilon", "block_causal");
    add("hdlm-epsilon", "full");
    add("llada");
    add("gidd");
    add("sedd").uniform = true;
    add("gpt2");
    add("sdar");
    add("mdlm").timed = true;
    add("hdlm-gamma", "causal", true);
    add("hdlm-gamma", "block_causal").window = "causal";
    add("sedd");
    add("bd3lm");
    add("fast-dllm-v2");
    add("dream");
    add("llama");
    models_.resize(choices_.size());
  }
  size_t count() const { return models_.size(); }
  const Model &model(size_t index) {
    Model &model = models_[index];
    if (model.handle != nullptr) return model;
    model.files = temper::test::random_model(choices_[index]);
    temper_model_options *options = nullptr;
    CHECK(temper_model_options_create(&options, nullptr) == TEMPER_OK);
    if (model.files.mask_token >= 0)
      CHECK(temper_model_options_set_i64(options, TEMPER_MODEL_OPTION_MASK_TOKEN, model.files.mask_token, nullptr) ==
            TEMPER_OK);
    const auto &weights = *model.files.weights;
    CHECK(temper_model_open_memory(runtime_, model.files.config.data(), model.files.config.size(), weights.data(),
                                   weights.size(), nullptr, nullptr, "reference", options, &model.handle,
                                   nullptr) == TEMPER_OK);
    temper_model_options_destroy(options);
    const auto fact = [&](int32_t key) {
      int64_t value = 0;
      CHECK(temper_model_get_i64(model.handle, key, &value, nullptr) == TEMPER_OK);
      return static_cast<int32_t>(value);
    };
    model.vocabulary = fact(TEMPER_MODEL_VOCABULARY);
    model.mask = fact(TEMPER_MODEL_MASK_TOKEN);
    model.shifted = fact(TEMPER_MODEL_SHIFTED) != 0;
    return model;
  }

  Memory memory;

 private:
  temper_runtime *runtime_ = nullptr;
  std::vector<temper::test::ModelChoice> choices_;
  std::vector<Model> models_;
};

inline World &world() {
  static World *const made = new World;
  return *made;
}

}  // namespace fuzz
