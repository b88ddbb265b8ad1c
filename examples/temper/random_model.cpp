// SPDX-License-Identifier: Apache-2.0
#include "random_model.h"

#include "files.h"
#include "handles.h"
#include "safetensors.h"

#include <nlohmann/json.hpp>

#include <cstring>
#include <filesystem>

namespace program {
namespace {

struct Shape {
  const char *name;
  bool gpt2;
  int64_t width, blocks, heads, tokens, length;
};

constexpr Shape shapes[] = {{"hdlm-base", false, 768, 12, 12, 50257, 1024},
                            {"gpt2-124m", true, 768, 12, 12, 50257, 1024},
                            {"tiny", false, 64, 2, 4, 257, 128}};

/// What a tensor is filled with.
enum class Fill { random, ones, zeros };

struct Recipe {
  std::vector<Planned> tensors;
  std::vector<Fill> fills;

  void add(const std::string &name, std::vector<int64_t> shape, Fill fill, const std::string &dtype) {
    tensors.push_back({name, dtype, std::move(shape)});
    fills.push_back(fill);
  }
};

Recipe hdlm(const Shape &shape, const std::string &type) {
  const int64_t d = shape.width, vocabulary = shape.tokens + 1;
  Recipe recipe;
  recipe.add("vocab_embed.embedding", {vocabulary, d}, Fill::random, type);
  for (int64_t i = 0; i < shape.blocks; ++i) {
    const std::string block = "blocks." + std::to_string(i) + ".";
    recipe.add(block + "norm1.weight", {d}, Fill::ones, "F32");
    recipe.add(block + "attn_qkv.weight", {3 * d, d}, Fill::random, type);
    recipe.add(block + "attn_out.weight", {d, d}, Fill::random, type);
    recipe.add(block + "norm2.weight", {d}, Fill::ones, "F32");
    recipe.add(block + "mlp.0.weight", {4 * d, d}, Fill::random, type);
    recipe.add(block + "mlp.0.bias", {4 * d}, Fill::zeros, "F32");
    recipe.add(block + "mlp.2.weight", {d, 4 * d}, Fill::random, type);
    recipe.add(block + "mlp.2.bias", {d}, Fill::zeros, "F32");
  }
  recipe.add("output_layer.norm_final.weight", {d}, Fill::ones, "F32");
  recipe.add("output_layer.linear.weight", {vocabulary, d}, Fill::random, type);
  recipe.add("output_layer.linear.bias", {vocabulary}, Fill::zeros, "F32");
  return recipe;
}

Recipe gpt2(const Shape &shape, const std::string &type) {
  const int64_t d = shape.width;
  Recipe recipe;
  recipe.add("wte.weight", {shape.tokens, d}, Fill::random, type);
  recipe.add("wpe.weight", {shape.length, d}, Fill::random, type);
  const auto linear = [&](const std::string &name, int64_t in, int64_t out) {
    recipe.add(name + ".weight", {in, out}, Fill::random, type); // input-major, as GPT-2 stores them
    recipe.add(name + ".bias", {out}, Fill::zeros, "F32");
  };
  const auto norm = [&](const std::string &name) {
    recipe.add(name + ".weight", {d}, Fill::ones, "F32");
    recipe.add(name + ".bias", {d}, Fill::zeros, "F32");
  };
  for (int64_t i = 0; i < shape.blocks; ++i) {
    const std::string block = "h." + std::to_string(i) + ".";
    norm(block + "ln_1");
    linear(block + "attn.c_attn", d, 3 * d);
    linear(block + "attn.c_proj", d, d);
    norm(block + "ln_2");
    linear(block + "mlp.c_fc", d, 4 * d);
    linear(block + "mlp.c_proj", 4 * d, d);
  }
  norm("ln_f");
  return recipe;
}

nlohmann::json config(const Shape &shape) {
  if (shape.gpt2) {
    return {{"model_type", "gpt2"},
            {"architectures", {"GPT2LMHeadModel"}},
            {"activation_function", "gelu_new"},
            {"layer_norm_epsilon", 1e-5},
            {"n_embd", shape.width},
            {"n_head", shape.heads},
            {"n_layer", shape.blocks},
            {"n_positions", shape.length},
            {"n_ctx", shape.length},
            {"vocab_size", shape.tokens},
            {"bos_token_id", shape.tokens - 1},
            {"eos_token_id", shape.tokens - 1}};
  }
  return {{"model_type", "epsilon_hybrid"},
          {"type", "aligned"},
          {"tokenizer", {{"tokens", shape.tokens}, {"model", "gpt2"}}},
          {"training", {{"epsilon", 0.01}}},
          {"annealing",
           {{"type", "block"},
            {"width", 16},
            {"tau", 8},
            {"sampling_method", "SAR"},
            {"sampling_eps", 1e-4},
            {"attention", {{"context_type", "causal"}, {"block_type", "full"}}}}},
          {"model",
           {{"name", "epsilon_hdlm"},
            {"type", "ddit"},
            {"hidden_size", shape.width},
            {"cond_dim", 128},
            {"length", shape.length},
            {"n_blocks", shape.blocks},
            {"n_heads", shape.heads},
            {"scale_by_sigma", false},
            {"transformer_sigma_conditioning", false},
            {"hybrid_sigma_embedding", false},
            {"post_process_logits", false},
            {"use_timestep_embedding", false}}}};
}

/// Cheap uniform numbers in [-0.035, 0.035], a standard deviation of 0.02: speed matters, quality doesn't.
class Numbers {
public:
  explicit Numbers(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}

  float next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return (static_cast<float>(state_ >> 40) * 0x1p-23f - 1.0f) * 0.035f;
  }

private:
  uint64_t state_;
};

void put(unsigned char *at, float value, bool bf16) {
  if (!bf16) {
    std::memcpy(at, &value, 4);
    return;
  }
  uint32_t bits = 0;
  std::memcpy(&bits, &value, 4);
  const uint16_t high = static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
  std::memcpy(at, &high, 2);
}

/// The printable stand-in that byte-level vocabularies use for a byte.
std::string byte_symbol(int byte) {
  static const std::vector<int> points = [] {
    std::vector<int> out(256, -1);
    const auto printable = [](int b) { return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174); };
    int next = 256;
    for (int b = 0; b < 256; ++b) {
      out[static_cast<size_t>(b)] = printable(b) ? b : next++;
    }
    return out;
  }();
  const int point = points[static_cast<size_t>(byte)];
  if (point < 0x80) {
    return std::string(1, static_cast<char>(point));
  }
  return {static_cast<char>(0xc0 | point >> 6), static_cast<char>(0x80 | (point & 0x3f))};
}

RandomModel make(const Shape &shape, bool bf16, uint64_t seed) {
  const Recipe recipe = shape.gpt2 ? gpt2(shape, bf16 ? "BF16" : "F32") : hdlm(shape, bf16 ? "BF16" : "F32");
  std::vector<size_t> offsets;
  RandomModel model{config(shape).dump(2), lay_out(recipe.tensors, offsets)};
  Numbers numbers(seed);
  for (size_t i = 0; i < recipe.tensors.size(); ++i) {
    const bool half = recipe.tensors[i].dtype == "BF16";
    int64_t count = 1;
    for (const int64_t extent : recipe.tensors[i].shape) {
      count *= extent;
    }
    unsigned char *at = model.weights.data() + offsets[i];
    for (int64_t n = 0; n < count; ++n, at += half ? 2 : 4) {
      const Fill fill = recipe.fills[i];
      put(at, fill == Fill::random ? numbers.next() : fill == Fill::ones ? 1.0f : 0.0f, half);
    }
  }
  return model;
}

} // namespace

std::vector<std::string> random_shapes() {
  std::vector<std::string> names;
  for (const Shape &shape : shapes) {
    names.emplace_back(shape.name);
  }
  return names;
}

RandomModel make_random_model(const std::string &name, bool bf16, uint64_t seed) {
  for (const Shape &shape : shapes) {
    if (name == shape.name) {
      return make(shape, bf16, seed);
    }
  }
  throw Failure("no shape is called " + name);
}

RandomModel make_narrow_model(int64_t tokens, uint64_t seed) {
  return make({"narrow", false, 64, 1, 4, tokens, 256}, false, seed);
}

void write_random_model(const RandomModel &model, const std::string &folder) {
  std::error_code trouble;
  std::filesystem::create_directories(folder, trouble);
  if (trouble) {
    throw Failure(folder + ": " + trouble.message());
  }
  const auto write = [&folder](const char *name, const auto &bytes) {
    write_bytes(folder + "/" + name, bytes.data(), bytes.size());
  };
  nlohmann::json vocabulary;
  for (int byte = 0; byte < 256; ++byte) {
    vocabulary[byte_symbol(byte)] = byte;
  }
  vocabulary["<|endoftext|>"] = 256;
  write("config.json", model.config);
  write("model.safetensors", model.weights);
  write("vocab.json", vocabulary.dump());
  write("merges.txt", std::string("#version: 0.2\n"));
}

} // namespace program
