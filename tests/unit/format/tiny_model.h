// SPDX-License-Identifier: Apache-2.0
// Models of a few hundred bytes for tests: a configuration, a safetensors header and zeros.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tiny {

struct Tensor {
  std::string name;
  std::vector<int64_t> shape;
};

// Everything of a model folder, to be changed before it is written.
struct Model {
  std::string config;
  std::string header;  // of model.safetensors
  std::string data;
  std::map<std::string, std::string> files;  // others, by name
};

inline std::string header_of(const std::vector<Tensor> &tensors, int64_t &bytes) {
  std::string header = "{";
  bytes = 0;
  for (const Tensor &tensor : tensors) {
    int64_t size = 4;
    std::string shape;
    for (const int64_t dimension : tensor.shape) {
      size *= dimension;
      shape += (shape.empty() ? "" : ",") + std::to_string(dimension);
    }
    if (header.size() > 1) header += ",";
    header += "\"" + tensor.name + "\":{\"dtype\":\"F32\",\"shape\":[" + shape +
              "],\"data_offsets\":[" + std::to_string(bytes) + "," + std::to_string(bytes + size) +
              "]}";
    bytes += size;
  }
  return header + "}";
}

inline std::string safetensors_of(const std::string &header, const std::string &data) {
  std::string file;
  for (int shift = 0; shift < 64; shift += 8)
    file += static_cast<char>((static_cast<uint64_t>(header.size()) >> shift) & 0xFFU);
  return file + header + data;
}

inline Model model_of(std::string config, const std::vector<Tensor> &tensors) {
  Model model;
  int64_t bytes = 0;
  model.config = std::move(config);
  model.header = header_of(tensors, bytes);
  model.data.assign(static_cast<size_t>(bytes), '\0');
  return model;
}

// Width 4, 2 heads, 2 layers, 6 tokens, 5 positions.
inline std::vector<Tensor> gpt2_tensors(const std::string &prefix = "") {
  std::vector<Tensor> all = {{prefix + "wte.weight", {6, 4}}, {prefix + "wpe.weight", {5, 4}}};
  for (const char *layer : {"h.0.", "h.1."}) {
    const std::string h = prefix + layer;
    all.insert(all.end(), {{h + "ln_1.weight", {4}}, {h + "ln_1.bias", {4}},
                           {h + "attn.c_attn.weight", {4, 12}}, {h + "attn.c_attn.bias", {12}},
                           {h + "attn.c_proj.weight", {4, 4}}, {h + "attn.c_proj.bias", {4}},
                           {h + "ln_2.weight", {4}}, {h + "ln_2.bias", {4}},
                           {h + "mlp.c_fc.weight", {4, 16}}, {h + "mlp.c_fc.bias", {16}},
                           {h + "mlp.c_proj.weight", {16, 4}}, {h + "mlp.c_proj.bias", {4}}});
  }
  all.insert(all.end(), {{prefix + "ln_f.weight", {4}}, {prefix + "ln_f.bias", {4}}});
  return all;
}

inline Model gpt2(const std::string &prefix = "") {
  return model_of(
      R"({"model_type":"gpt2","architectures":["GPT2LMHeadModel"],"n_embd":4,"n_head":2,)"
      R"("n_layer":2,"n_positions":5,"vocab_size":6,"eos_token_id":5})",
      gpt2_tensors(prefix));
}

// Width 8, 2 heads of 4, 1 key/value head, 1 layer, 6 tokens.
inline Model llama(const std::string &config_head, bool bias = false, bool qk_norm = false) {
  const std::string l = "model.layers.0.", a = l + "self_attn.";
  std::vector<Tensor> all = {{"model.embed_tokens.weight", {6, 8}},
                             {l + "input_layernorm.weight", {8}},
                             {a + "q_proj.weight", {8, 8}},
                             {a + "k_proj.weight", {4, 8}},
                             {a + "v_proj.weight", {4, 8}},
                             {a + "o_proj.weight", {8, 8}},
                             {l + "post_attention_layernorm.weight", {8}},
                             {l + "mlp.gate_proj.weight", {10, 8}},
                             {l + "mlp.up_proj.weight", {10, 8}},
                             {l + "mlp.down_proj.weight", {8, 10}},
                             {"model.norm.weight", {8}},
                             {"lm_head.weight", {6, 8}}};
  if (bias)
    all.insert(all.end(),
               {{a + "q_proj.bias", {8}}, {a + "k_proj.bias", {4}}, {a + "v_proj.bias", {4}}});
  if (qk_norm) all.insert(all.end(), {{a + "q_norm.weight", {4}}, {a + "k_norm.weight", {4}}});
  return model_of("{" + config_head +
                      R"("hidden_size":8,"num_attention_heads":2,"num_key_value_heads":1,)"
                      R"("num_hidden_layers":1,"intermediate_size":10,"vocab_size":6,)"
                      R"("max_position_embeddings":32})",
                  all);
}

// Width 4, 2 heads, 1 layer, 5 tokens and the mask.
inline Model ddit(std::string config, bool modulated, bool modulated_head) {
  std::vector<Tensor> all = {{"vocab_embed.embedding", {6, 4}},
                             {"rotary_emb.inv_freq", {1}},
                             {"blocks.0.norm1.weight", {4}},
                             {"blocks.0.attn_qkv.weight", {12, 4}},
                             {"blocks.0.attn_out.weight", {4, 4}},
                             {"blocks.0.norm2.weight", {4}},
                             {"blocks.0.mlp.0.weight", {16, 4}},
                             {"blocks.0.mlp.0.bias", {16}},
                             {"blocks.0.mlp.2.weight", {4, 16}},
                             {"blocks.0.mlp.2.bias", {4}},
                             {"output_layer.norm_final.weight", {4}},
                             {"output_layer.linear.weight", {6, 4}},
                             {"output_layer.linear.bias", {6}}};
  if (modulated)
    all.insert(all.end(), {{"sigma_map.mlp.0.weight", {2, 8}},
                           {"sigma_map.mlp.0.bias", {2}},
                           {"sigma_map.mlp.2.weight", {2, 2}},
                           {"sigma_map.mlp.2.bias", {2}},
                           {"blocks.0.adaLN_modulation.weight", {24, 2}},
                           {"blocks.0.adaLN_modulation.bias", {24}}});
  if (modulated_head)
    all.insert(all.end(), {{"output_layer.adaLN_modulation.weight", {8, 2}},
                           {"output_layer.adaLN_modulation.bias", {8}}});
  return model_of(std::move(config), all);
}

inline std::string hdlm_config(const std::string &model_type, const std::string &more = "") {
  return R"({"type":"aligned","model_type":")" + model_type + R"(","tokenizer":{"tokens":5},)" +
         R"("training":{"epsilon":0.1},"graph":{"type":"QGamma","gamma":0.05},)" +
         R"("annealing":{"width":4,"tau":3,"sampling_eps":0.0001,)" +
         R"("attention":{"context_type":"block_causal","block_type":"full"}},)" + more +
         R"("model":{"hidden_size":4,"cond_dim":2,"length":12,"n_blocks":1,"n_heads":2}})";
}

}  // namespace tiny
