// SPDX-License-Identifier: Apache-2.0
// Small vocabularies that the tokenizer's tests are about.
#pragma once

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/tokenizer.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace fixtures {

using Merges = std::vector<std::pair<std::string, std::string>>;

inline std::string quoted(const std::string &text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

// All bytes, in order, and what the merges make of them.
inline std::vector<std::string> byte_tokens(const Merges &merges) {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte)
    tokens.push_back(temper::spelling_of_bytes(std::string(1, static_cast<char>(byte))));
  for (const auto &[left, right] : merges) tokens.push_back(left + right);
  return tokens;
}

inline std::string vocab_json(const std::vector<std::string> &tokens) {
  std::string json = "{";
  for (size_t id = 0; id < tokens.size(); ++id)
    json += (id > 0 ? "," : "") + quoted(tokens[id]) + ":" + std::to_string(id);
  return json + "}";
}

inline std::string merges_text(const Merges &merges) {
  std::string text = "#version: 0.2\n";
  for (const auto &[left, right] : merges) text += left + " " + right + "\n";
  return text;
}

inline std::string merges_json(const Merges &merges, bool pairs) {
  std::string json = "[";
  for (size_t i = 0; i < merges.size(); ++i) {
    const auto &[left, right] = merges[i];
    json += i > 0 ? "," : "";
    json += pairs ? "[" + quoted(left) + "," + quoted(right) + "]" : quoted(left + " " + right);
  }
  return json + "]";
}

inline const Merges &hello_merges() {
  static const Merges merges = {{"h", "e"}, {"l", "l"}, {"he", "ll"}, {"hell", "o"}, {"Ġ", "w"}, {"Ġw", "o"},
                                {"r", "l"}, {"Ġwo", "rl"}, {"Ġworl", "d"}, {"Ġ", "Ġ"}, {"#", "#"}};
  return merges;
}

// `model` and `rest` are JSON members.
inline std::string tokenizer_json(const std::string &model, const std::string &rest) {
  return "{\"version\":\"1.0\"," + rest + (rest.empty() ? "" : ",") + "\"model\":{\"type\":\"BPE\"," + model + "}}";
}

inline std::string hello_json(const std::string &rest, bool pairs = false) {
  return tokenizer_json("\"vocab\":" + vocab_json(byte_tokens(hello_merges())) +
                            ",\"merges\":" + merges_json(hello_merges(), pairs),
                        rest);
}

inline const char *byte_level() {
  return R"("pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},"decoder":{"type":"ByteLevel"})";
}

// As converted from a sentencepiece model: marks for spaces, bytes for what isn't in the vocabulary.
inline std::string llama_json(const std::string &rest) {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    tokens.push_back(name);
  }
  for (const char *token : {"▁", "a", "b", "c", "é", "▁a", "ab", "▁ab"}) tokens.push_back(token);
  const Merges merges = {{"a", "b"}, {"▁", "a"}, {"▁", "ab"}};
  return tokenizer_json("\"unk_token\":\"<unk>\",\"fuse_unk\":true,\"byte_fallback\":true,\"vocab\":" + vocab_json(tokens) +
                            ",\"merges\":" + merges_json(merges, false),
                        R"("added_tokens":[{"id":0,"content":"<unk>","special":true},)"
                        R"({"id":1,"content":"<s>","special":true},{"id":2,"content":"</s>","special":true}],)"
                        R"("post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},)"
                        R"({"Sequence":{"id":"A","type_id":0}}],"special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]}}},)" +
                            rest);
}

inline std::string read_file(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

// Data that isn't part of the sources; empty when absent.
inline std::string shared_file(const std::string &name) {
  const char *folder = std::getenv("TEMPER_SHARED");
  return read_file((folder != nullptr ? std::string(folder) : std::string(TEMPER_SOURCE_ROOT) + "/../shared") + "/" + name);
}

}  // namespace fixtures
