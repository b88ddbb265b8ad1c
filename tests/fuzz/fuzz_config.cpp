// SPDX-License-Identifier: Apache-2.0
// Any bytes as config.json beside the tensors of one small model of each layout, and what follows a
// zero byte as the files beside it: an error, or a Spec whose numbers are usable.
#include "../unit/format/tiny_model.h"
#include "format/memory.h"
#include "model/checkpoint.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace {

std::array<std::string, 6> make_weights() {
  const tiny::Model models[] = {
      tiny::gpt2(),
      tiny::llama("", true, true),
      tiny::ddit("", false, false),
      tiny::ddit("", true, false),
      tiny::ddit("", true, true),
      tiny::model_of("", {{"model.transformer.wte.weight", {6, 4}}}),
  };
  std::array<std::string, 6> files;
  for (size_t i = 0; i < files.size(); ++i)
    files[i] = tiny::safetensors_of(models[i].header, models[i].data);
  return files;
}

void check(const temper::Spec &spec) {
  const bool sizes = spec.layers > 0 && spec.heads > 0 && spec.kv_heads > 0 && spec.head_dim > 0 &&
                     spec.vocabulary > 0 && spec.mlp_width > 0 &&
                     spec.heads % spec.kv_heads == 0 &&
                     (!spec.rotary || spec.head_dim % 2 == 0);
  const bool blocks = spec.context == temper::Context::block_causal ||
                      spec.window == temper::Window::block;
  const bool tokens = spec.mask_token < spec.vocabulary && spec.eos_token < spec.vocabulary &&
                      spec.bos_token < spec.vocabulary;
  if (!sizes || !tokens || (blocks && spec.block <= 0) || spec.assumptions.empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::array<std::string, 6> weights = make_weights();
  const size_t zero = static_cast<size_t>(std::find(data, data + size, 0) - data);
  const std::span<const std::byte> all = std::as_bytes(std::span(data, size)), config = all.first(zero);
  std::map<std::string, temper::SideFile> beside;
  if (zero < size)
    for (const char *name : {"generation_config.json", "tokenizer_config.json", "tokenizer.json", "vocab.json"})
      beside[name] = {all.subspan(zero + 1), nullptr};
  for (const std::string &file : weights) {
    const std::span bytes(file.data(), file.size());
    const auto checkpoint = temper::open_checkpoint(
        temper::memory_source({.config = config, .weights = std::as_bytes(bytes), .storage = nullptr, .beside = beside}), {});
    if (checkpoint.ok()) check(checkpoint.value().spec);
  }
  return 0;
}
