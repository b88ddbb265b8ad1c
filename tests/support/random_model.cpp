// SPDX-License-Identifier: Apache-2.0
#include "support/random_model.h"

#include <algorithm>
#include <cstring>

namespace temper::test {
namespace {

constexpr int64_t width = 16, heads = 2, kv_heads = 1, head_dim = 8, layers = 2, mlp = 24;
constexpr int64_t frequencies = 8;

// splitmix64: the numbers of a seed are the same everywhere.
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15U) {}
  float next(double size) {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    z ^= z >> 31;
    return static_cast<float>((static_cast<double>(z >> 11) * 0x1p-52 - 1.0) * size);
  }

 private:
  uint64_t state_;
};

class Maker {
 public:
  Maker(const ModelChoice &choice, std::string prefix)
      : numbers_(choice.seed), sharpness_(choice.sharpness), prefix_(std::move(prefix)) {}

  void random(const std::string &name, std::vector<int64_t> shape, double size, double centre = 0.0) {
    int64_t count = 1;
    for (const int64_t n : shape) count *= n;
    NamedTensor tensor{prefix_ + name, std::move(shape), std::vector<float>(static_cast<size_t>(count))};
    for (float &value : tensor.values) value = static_cast<float>(centre) + numbers_.next(size);
    tensors.push_back(std::move(tensor));
  }
  void norm(const std::string &name, int64_t n, bool bias = false) {
    random(name + ".weight", {n}, 0.3, 1.0);
    if (bias) random(name + ".bias", {n}, 0.2);
  }
  void linear(const std::string &name, int64_t outputs, int64_t inputs, bool bias, bool input_major = false) {
    // Uniform in +-sqrt(3/inputs) keeps the scale of a normalised input.
    const double size = 1.7 / std::max(1.0, root(inputs));
    random(name + ".weight", input_major ? std::vector<int64_t>{inputs, outputs} : std::vector<int64_t>{outputs, inputs},
           size);
    if (bias) random(name + ".bias", {outputs}, 0.3);
  }
  void head(const std::string &name, int64_t outputs, bool bias) {
    random(name + ".weight", {outputs, width}, 0.5 * sharpness_);
    if (bias) random(name + ".bias", {outputs}, 0.3);
  }

  std::vector<NamedTensor> tensors;

 private:
  static double root(int64_t n) {
    double r = 1.0;
    for (int i = 0; i < 40; ++i) r = 0.5 * (r + static_cast<double>(n) / r);
    return r;
  }
  Numbers numbers_;
  double sharpness_;
  std::string prefix_;
};

std::string number(int64_t value) { return std::to_string(value); }
std::string quoted(const std::string &text) { return "\"" + text + "\""; }
const char *flag(bool value) { return value ? "true" : "false"; }

void ddit(Maker &maker, int64_t vocabulary, int64_t condition_width, bool modulated, bool modulated_head) {
  maker.random("vocab_embed.embedding", {vocabulary, width}, 1.0);
  if (modulated) {
    maker.linear("sigma_map.mlp.0", condition_width, frequencies, true);
    maker.linear("sigma_map.mlp.2", condition_width, condition_width, true);
  }
  for (int64_t i = 0; i < layers; ++i) {
    const std::string block = "blocks." + number(i) + ".";
    maker.norm(block + "norm1", width);
    maker.linear(block + "attn_qkv", 3 * width, width, false);
    maker.linear(block + "attn_out", width, width, false);
    maker.norm(block + "norm2", width);
    maker.linear(block + "mlp.0", 4 * width, width, true);
    maker.linear(block + "mlp.2", width, 4 * width, true);
    if (modulated) maker.linear(block + "adaLN_modulation", 6 * width, condition_width, true);
  }
  maker.norm("output_layer.norm_final", width);
  maker.head("output_layer.linear", vocabulary, true);
  if (modulated_head) maker.linear("output_layer.adaLN_modulation", 2 * width, condition_width, true);
}

void gpt2(Maker &maker, int64_t vocabulary, int64_t positions, double sharpness) {
  // The head is the embedding table.
  maker.random("wte.weight", {vocabulary, width}, 0.7 * sharpness);
  maker.random("wpe.weight", {positions, width}, 0.7);
  for (int64_t i = 0; i < layers; ++i) {
    const std::string block = "h." + number(i) + ".";
    maker.norm(block + "ln_1", width, true);
    maker.linear(block + "attn.c_attn", 3 * width, width, true, true);
    maker.linear(block + "attn.c_proj", width, width, true, true);
    maker.norm(block + "ln_2", width, true);
    maker.linear(block + "mlp.c_fc", 4 * width, width, true, true);
    maker.linear(block + "mlp.c_proj", width, 4 * width, true, true);
  }
  maker.norm("ln_f", width, true);
}

void llama(Maker &maker, int64_t vocabulary, bool qkv_bias, bool qk_norm) {
  maker.random("model.embed_tokens.weight", {vocabulary, width}, 1.0);
  for (int64_t i = 0; i < layers; ++i) {
    const std::string block = "model.layers." + number(i) + ".", attention = block + "self_attn.";
    maker.norm(block + "input_layernorm", width);
    maker.linear(attention + "q_proj", heads * head_dim, width, qkv_bias);
    maker.linear(attention + "k_proj", kv_heads * head_dim, width, qkv_bias);
    maker.linear(attention + "v_proj", kv_heads * head_dim, width, qkv_bias);
    maker.linear(attention + "o_proj", width, heads * head_dim, false);
    if (qk_norm) {
      maker.norm(attention + "q_norm", head_dim);
      maker.norm(attention + "k_norm", head_dim);
    }
    maker.norm(block + "post_attention_layernorm", width);
    maker.linear(block + "mlp.gate_proj", mlp, width, false);
    maker.linear(block + "mlp.up_proj", mlp, width, false);
    maker.linear(block + "mlp.down_proj", width, mlp, false);
  }
  maker.norm("model.norm", width);
  maker.head("lm_head", vocabulary, false);
}

void llada(Maker &maker, int64_t vocabulary) {
  maker.random("wte.weight", {vocabulary, width}, 1.0);
  for (int64_t i = 0; i < layers; ++i) {
    const std::string block = "blocks." + number(i) + ".";
    maker.norm(block + "attn_norm", width);
    for (const char *name : {"q_proj", "k_proj", "v_proj", "attn_out"}) maker.linear(block + name, width, width, false);
    maker.norm(block + "ff_norm", width);
    maker.linear(block + "ff_proj", mlp, width, false);
    maker.linear(block + "up_proj", mlp, width, false);
    maker.linear(block + "ff_out", width, mlp, false);
  }
  maker.norm("ln_f", width);
  maker.head("ff_out", vocabulary, false);
}

std::string hdlm_config(const ModelChoice &choice, bool gamma) {
  return R"({"type":)" + quoted(choice.shifted ? "shifted" : "aligned") + R"(,"model_type":)" +
         quoted(gamma ? "gamma_hybrid" : "epsilon_hybrid") + R"(,"tokenizer":{"tokens":)" + number(choice.tokens) +
         R"(},"training":{"epsilon":)" + std::to_string(choice.mix) + R"(},"graph":{"type":"QGamma","gamma":)" +
         std::to_string(choice.mix) + R"(},"noise":{"type":"loglinear"},"bos_token_id":0,)" +
         R"("annealing":{"type":"block","width":)" + number(choice.block) +
         R"(,"tau":4,"sampling_eps":0.0001,"attention":{"context_type":)" + quoted(choice.context) +
         R"(,"block_type":)" + quoted(choice.window) + R"(}},"model":{"type":"ddit","hidden_size":)" + number(width) +
         R"(,"cond_dim":)" + number(choice.condition_width) + R"(,"length":)" + number(choice.positions) + R"(,"n_blocks":)" +
         number(layers) + R"(,"n_heads":)" + number(heads) + R"(,"scale_by_sigma":)" + flag(gamma) +
         R"(,"hybrid_sigma_embedding":)" + flag(gamma) + "}}";
}

std::string mdlm_config(const ModelChoice &choice, bool blocks) {
  std::string config = R"({"model_type":)" + quoted(blocks ? "bd3lm" : "mdlm") + R"(,"vocab_size":)" +
                       number(choice.tokens + 1) + R"(,"model_length":)" + number(choice.positions) +
                       R"(,"hidden_dim":)" + number(width) + R"(,"cond_dim":)" + number(choice.condition_width) +
                       R"(,"n_blocks":)" + number(layers) + R"(,"n_heads":)" + number(heads) +
                       R"(,"time_conditioning":)" + flag(choice.timed);
  if (blocks)
    config += R"(,"block_size":)" + number(choice.block) + R"(,"cross_attn":true,"adaln":true,"causal":false)";
  return config + "}";
}

std::string sedd_config(const ModelChoice &choice) {
  return R"({"tokens":)" + number(choice.tokens) + R"(,"graph":{"type":)" +
         quoted(choice.uniform ? "uniform" : "absorb") +
         R"(},"noise":{"type":"loglinear"},"model":{"type":"ddit","hidden_size":)" + number(width) + R"(,"cond_dim":)" +
         number(choice.condition_width) + R"(,"length":)" + number(choice.positions) + R"(,"n_blocks":)" + number(layers) +
         R"(,"n_heads":)" + number(heads) + R"(,"scale_by_sigma":)" + flag(!choice.uniform) + "}}";
}

std::string gidd_config(const ModelChoice &choice) {
  return R"({"model_type":"dit","architectures":["DIT"],"vocab_size":)" + number(choice.tokens + 1) +
         R"(,"max_seq_len":)" + number(choice.positions) + R"(,"hidden_size":)" + number(width) +
         R"(,"timestep_cond_dim":)" + number(choice.condition_width) + R"(,"num_hidden_layers":)" + number(layers) +
         R"(,"num_attention_heads":)" + number(heads) + R"(,"p_uniform":)" + std::to_string(choice.mix) + "}";
}

std::string gpt2_config(const ModelChoice &choice, bool diffusion) {
  const int64_t vocabulary = choice.tokens + (diffusion ? 1 : 0);
  std::string config = R"({"model_type":"gpt2","architectures":[)" +
                       quoted(diffusion ? "DiscreteDiffusionModel" : "GPT2LMHeadModel") + R"(],"n_embd":)" +
                       number(width) + R"(,"n_head":)" + number(heads) + R"(,"n_layer":)" + number(layers) +
                       R"(,"n_positions":)" + number(choice.positions) + R"(,"vocab_size":)" + number(vocabulary) +
                       R"(,"bos_token_id":0)";
  if (diffusion) config += R"(,"mask_token_id":)" + number(choice.tokens);
  return config + "}";
}

std::string llama_config(const ModelChoice &choice, const std::string &model_type, const std::string &architecture,
                         bool mask, const std::string &more) {
  std::string config = R"({"model_type":)" + quoted(model_type) + R"(,"architectures":[)" + quoted(architecture) +
                       R"(],"hidden_size":)" + number(width) + R"(,"intermediate_size":)" + number(mlp) +
                       R"(,"max_position_embeddings":)" + number(choice.positions) + R"(,"num_attention_heads":)" +
                       number(heads) + R"(,"num_key_value_heads":)" + number(kv_heads) + R"(,"num_hidden_layers":)" +
                       number(layers) + R"(,"rms_norm_eps":1e-06,"rope_theta":10000.0,"head_dim":)" +
                       number(head_dim) + R"(,"bos_token_id":0,"tie_word_embeddings":false,"vocab_size":)" +
                       number(choice.tokens + (model_type == "llama" ? 0 : 1));
  if (mask) config += R"(,"mask_token_id":)" + number(choice.tokens);
  return config + more + "}";
}

std::string llada_config(const ModelChoice &choice) {
  return R"({"model_type":"llada","architectures":["LLaDAModelLM"],"activation_type":"silu","alibi":false,)"
         R"("block_type":"llama","layer_norm_type":"rms","rope":true,"rope_theta":500000.0,"rms_norm_eps":1e-05,)"
         R"("weight_tying":false,"block_group_size":1,"bos_token_id":0,"d_model":)" +
         number(width) + R"(,"embedding_size":)" + number(choice.tokens + 1) + R"(,"mask_token_id":)" +
         number(choice.tokens) + R"(,"max_sequence_length":)" + number(choice.positions) + R"(,"mlp_hidden_size":)" +
         number(mlp) + R"(,"n_heads":)" + number(heads) + R"(,"n_layers":)" + number(layers) + "}";
}

}  // namespace

std::shared_ptr<std::vector<std::byte>> safetensors_bytes(const std::vector<NamedTensor> &tensors) {
  std::string header = "{";
  size_t offset = 0;
  for (const NamedTensor &tensor : tensors) {
    std::string shape;
    for (const int64_t n : tensor.shape) shape += (shape.empty() ? "" : ",") + number(n);
    const size_t end = offset + tensor.values.size() * sizeof(float);
    if (header.size() > 1) header += ",";
    header += quoted(tensor.name) + R"(:{"dtype":"F32","shape":[)" + shape + R"(],"data_offsets":[)" +
              std::to_string(offset) + "," + std::to_string(end) + "]}";
    offset = end;
  }
  header += "}";
  while (header.size() % 8 != 0) header += ' ';
  auto bytes = std::make_shared<std::vector<std::byte>>(8 + header.size() + offset);
  const auto size = static_cast<uint64_t>(header.size());
  std::memcpy(bytes->data(), &size, sizeof size);
  std::memcpy(bytes->data() + 8, header.data(), header.size());
  size_t at = 8 + header.size();
  for (const NamedTensor &tensor : tensors) {
    std::memcpy(bytes->data() + at, tensor.values.data(), tensor.values.size() * sizeof(float));
    at += tensor.values.size() * sizeof(float);
  }
  return bytes;
}

const std::vector<std::string> &random_families() {
  static const std::vector<std::string> names = {"hdlm-epsilon", "hdlm-gamma", "mdlm",  "sedd", "bd3lm",
                                                 "gidd",         "gpt2",       "llama", "dream", "diffugpt",
                                                 "llada",        "sdar",       "fast-dllm-v2"};
  return names;
}

RandomModel random_model(const ModelChoice &choice) {
  const std::string &family = choice.family;
  const int64_t vocabulary = choice.tokens + 1;
  RandomModel model;
  const bool wrapped = family == "mdlm" || family == "bd3lm";
  Maker maker(choice, wrapped ? "backbone." : family == "llada" ? "model.transformer." : "");
  if (family == "hdlm-epsilon" || family == "hdlm-gamma") {
    const bool gamma = family == "hdlm-gamma";
    ddit(maker, vocabulary, choice.condition_width, gamma, false);
    model.config = hdlm_config(choice, gamma);
  } else if (wrapped) {
    ddit(maker, vocabulary, choice.condition_width, true, true);
    model.config = mdlm_config(choice, family == "bd3lm");
  } else if (family == "sedd") {
    ddit(maker, choice.tokens + (choice.uniform ? 0 : 1), choice.condition_width, true, true);
    model.config = sedd_config(choice);
  } else if (family == "gidd") {
    ddit(maker, vocabulary, choice.condition_width, true, true);
    model.config = gidd_config(choice);
  } else if (family == "gpt2" || family == "diffugpt") {
    const bool diffusion = family == "diffugpt";
    gpt2(maker, choice.tokens + (diffusion ? 1 : 0), choice.positions, choice.sharpness);
    model.config = gpt2_config(choice, diffusion);
  } else if (family == "llama") {
    llama(maker, choice.tokens, false, false);
    model.config = llama_config(choice, "llama", "LlamaForCausalLM", false, "");
  } else if (family == "dream") {
    llama(maker, vocabulary, true, false);
    model.config = llama_config(choice, "Dream", "DreamModel", true, "");
  } else if (family == "sdar") {
    llama(maker, vocabulary, false, true);
    model.config = llama_config(choice, "sdar", "SDARForCausalLM", true, R"(,"block_size":)" + number(choice.block));
  } else if (family == "fast-dllm-v2") {
    llama(maker, vocabulary, true, false);
    model.config = llama_config(choice, "Fast_dLLM_Qwen", "Fast_dLLM_QwenForCausalLM", false,
                                R"(,"bd_size":)" + number(choice.block));
    model.mask_token = choice.tokens;
  } else if (family == "llada") {
    llada(maker, vocabulary);
    model.config = llada_config(choice);
  }
  model.weights = safetensors_bytes(maker.tensors);
  return model;
}

}  // namespace temper::test
