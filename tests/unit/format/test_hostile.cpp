// SPDX-License-Identifier: Apache-2.0
// Malformed model folders, each with the error it must give: none may crash, hang, take much memory
// or open. All are made from one tiny valid model by one change.
#include "model/checkpoint.h"
#include "temporary_folder.h"

#include <cstring>
#include <functional>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define SANITIZED
#endif
#endif

using namespace temper;

namespace {

using Change = std::function<void(tiny::Model &)>;
using Disturb = std::function<void(const std::string &folder)>;

struct Case {
  const char *name;
  temper_status code;
  const char *words;  // part of the message
  Change change;      // of the model before it is written
  Disturb disturb = nullptr;  // of the folder after that
};

Change config(const std::string &from, const std::string &to) {
  return [=](tiny::Model &model) {
    const auto at = model.config.find(from);
    if (at != std::string::npos) model.config.replace(at, from.size(), to);
  };
}

Change whole_config(const std::string &text) {
  return [=](tiny::Model &model) { model.config = text; };
}

Change header(const std::string &from, const std::string &to) {
  return [=](tiny::Model &model) {
    const auto at = model.header.find(from);
    if (at != std::string::npos) model.header.replace(at, from.size(), to);
  };
}

// The weights file replaced by these bytes.
Change weights(const std::string &bytes) {
  return [=](tiny::Model &model) { model.files["model.safetensors"] = bytes; };
}

Change index_file(const std::string &text) {
  return [=](tiny::Model &model) { model.files["model.safetensors.index.json"] = text; };
}

void drop_weights(const std::string &folder) { ::unlink((folder + "/model.safetensors").c_str()); }

// A tensor more, with these dtype and shape but no bytes of its own that would be missed.
Change extra(const std::string &entry) {
  return [=](tiny::Model &model) { model.header.insert(1, entry + ","); };
}

Change without(const std::string &tensor) {
  return [=](tiny::Model &model) {
    std::vector<tiny::Tensor> kept;
    for (const tiny::Tensor &one : tiny::gpt2_tensors())
      if (one.name != tensor) kept.push_back(one);
    model = tiny::model_of(model.config, kept);
  };
}

Change reshaped(const std::string &tensor, std::vector<int64_t> shape) {
  return [=](tiny::Model &model) {
    std::vector<tiny::Tensor> all = tiny::gpt2_tensors();
    for (tiny::Tensor &one : all)
      if (one.name == tensor) one.shape = shape;
    model = tiny::model_of(model.config, all);
  };
}

std::string length_prefix(uint64_t length) {
  std::string text;
  for (int shift = 0; shift < 64; shift += 8) text += static_cast<char>((length >> shift) & 0xFFU);
  return text;
}

std::string nested(size_t depth, const char *open) {
  std::string text;
  for (size_t i = 0; i < depth; ++i) text += open;
  return text;
}

Change llama_config(const std::string &more) {
  return [=](tiny::Model &model) { model = tiny::llama(more + R"("model_type":"llama",)"); };
}

constexpr temper_status io = TEMPER_E_IO, format = TEMPER_E_FORMAT, unsupported = TEMPER_E_UNSUPPORTED;

std::vector<Case> weight_cases() {
  const tiny::Model good = tiny::gpt2();
  const std::string file = tiny::safetensors_of(good.header, good.data);
  const std::string wte = R"("wte.weight":{"dtype":"F32","shape":[6,4],"data_offsets":[0,96]})";
  return {
      {"empty weights", format, "too short", weights("")},
      {"seven bytes", format, "too short", weights("1234567")},
      {"only a length", format, "beyond the end", weights(length_prefix(2))},
      {"header length 0", format, "begin with {", weights(length_prefix(0))},
      {"header length 2^64-1", format, "limit", weights(length_prefix(UINT64_MAX) + "{}")},
      {"header length 2^63", format, "limit", weights(length_prefix(uint64_t{1} << 63) + "{}")},
      {"header length 1 GB", format, "limit", weights(length_prefix(1000000000) + "{}")},
      {"header length beyond the file", format, "beyond the end", weights(length_prefix(999) + "{}")},
      {"truncated header", format, "beyond the end", weights(file.substr(0, 100))},
      {"truncated data", format, "beyond the end", weights(file.substr(0, file.size() - 1))},
      {"bytes after the data", format, "after the last", weights(file + "x")},
      {"zeros", format, "begin with {", weights(std::string(4096, '\0'))},
      {"a pickle", format, "limit", weights("\x80\x02}q\x01X\x05\x01\x02" "abcdef")},
      {"header is an array", format, "begin with {", weights(length_prefix(2) + "[]")},
      {"header is cut JSON", format, "not JSON", weights(length_prefix(5) + R"({"a":)")},
      {"no tensors at all", unsupported, "no known family", weights(length_prefix(2) + "{}")},
      {"header nested 100000 deep", format, "deeply",
       weights(length_prefix(500000) + nested(100000, "{\"a\":"))},
      {"header with wrong UTF-8", format, "not JSON", header("wte", "w\xffte")},
      {"metadata is a number", format, "__metadata__", extra(R"("__metadata__":7)")},
      {"entry is a number", format, "no dtype", extra(R"("x":7)")},
      {"dtype is a number", format, "no dtype", header(R"("dtype":"F32")", R"("dtype":32)")},
      {"shape is missing", format, "no shape", header(R"("shape":[6,4],)", "")},
      {"shape is a text", format, "no shape", header("[6,4]", R"("6,4")")},
      {"shape with a fraction", format, "whole number", header("[6,4]", "[6,4.5]")},
      {"shape with a negative size", format, "whole number", header("[6,4]", "[-6,-4]")},
      {"shape with a text", format, "whole number", header("[6,4]", R"(["6",4])")},
      {"shape beyond 64 bits", format, "whole number", header("[6,4]", "[18446744073709551615,1]")},
      {"shape overflowing", format, "overflows", header("[6,4]", "[4294967296,4294967296]")},
      {"shape overflowing by dtype", format, "overflows", header("[6,4]", "[9223372036854775807]")},
      {"shape overflowing to the right size", format, "overflows",
       header("[6,4]", "[4611686018427387928,4]")},
      {"shape of nine dimensions", format, "8 dimensions", header("[6,4]", "[6,4,1,1,1,1,1,1,1]")},
      {"shape and offsets disagree", format, "disagree", header("[6,4]", "[6,5]")},
      {"offsets missing", format, "data_offsets", header(R"(,"data_offsets":[0,96])", "")},
      {"one offset", format, "data_offsets", header("[0,96]", "[0]")},
      {"three offsets", format, "data_offsets", header("[0,96]", "[0,96,96]")},
      {"offsets reversed", format, "no range", header("[0,96]", "[96,0]")},
      {"offset negative", format, "no range", header("[0,96]", "[-1,95]")},
      {"offset beyond 64 bits", format, "no range", header("[0,96]", "[0,1e30]")},
      {"offset beyond the file", format, "beyond the end", header("[0,96]", "[0,9223372036854775807]")},
      {"tensors overlap", format, "overlaps", header("[96,176]", "[92,172]")},
      {"same bytes twice", format, "overlaps",
       extra(R"("x":{"dtype":"F32","shape":[6,4],"data_offsets":[0,96]})")},
      {"hole in the data", format, "hole",
       [](tiny::Model &model) {
         header("[0,96]", "[0,92]")(model);
         header("[6,4]", "[23]")(model);
       }},
      {"name twice", format, "twice", extra(wte)},
      {"name twice by prefix", format, "prefix",
       extra(R"("transformer.wte.weight":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})")},
      {"weights are integers", format, "weights are F32", header(R"("F32")", R"("I32")")},
      {"weights of an unknown type", unsupported, "F8_E4M3", header(R"("F32")", R"("F8_E4M3")")},
      {"embedding missing", format, "wte.weight is missing", without("wte.weight")},
      {"bias missing", format, "h.1.attn.c_attn.bias is missing", without("h.1.attn.c_attn.bias")},
      {"last norm missing", format, "ln_f.weight is missing", without("ln_f.weight")},
      {"matrix transposed", format, "expected [4, 12]", reshaped("h.0.attn.c_attn.weight", {12, 4})},
      {"matrix flat", format, "expected [4, 4]", reshaped("h.1.attn.c_proj.weight", {16})},
      {"matrix empty", format, "expected [4, 16]", reshaped("h.0.mlp.c_fc.weight", {0, 16})},
      {"positions too few", format, "expected [5, 4]", reshaped("wpe.weight", {4, 4})},
      {"scalar norm", format, "expected [4]", reshaped("ln_f.weight", {})},
  };
}

std::vector<Case> config_cases() {
  return {
      {"empty config", format, "not JSON", whole_config("")},
      {"config is text", format, "not JSON", whole_config("hello")},
      {"config cut", format, "not JSON", whole_config(R"({"model_type":"gpt2")")},
      {"config with more after it", format, "not JSON", whole_config("{} {}")},
      {"config is an array", format, "not an object", whole_config("[1,2]")},
      {"config is null", format, "not an object", whole_config("null")},
      {"config empty object", unsupported, "override family", whole_config("{}")},
      {"arrays 100000 deep", format, "deeply", whole_config(nested(100000, "["))},
      {"objects 100000 deep", format, "deeply", whole_config(nested(100000, "{\"a\":"))},
      {"a million values", format, "too many values",
       whole_config("[" + nested(1000000, "1,") + "1]")},
      {"five megabytes", format, "more than", whole_config(std::string(5 << 20, ' '))},
      {"wrong UTF-8 in config", format, "not JSON", config("gpt2", "gpt\xc3\x28")},
      {"zero bytes in config", format, "not JSON", whole_config(std::string(64, '\0'))},
      {"NaN in config", format, "not JSON", config(R"("n_embd":4)", R"("n_embd":NaN)")},
      {"Infinity in config", format, "not JSON", config(R"("n_embd":4)", R"("n_embd":-Infinity)")},
      {"1e999 in config", format, "not JSON", config(R"("n_embd":4)", R"("n_embd":1e999)")},
      {"key twice in config", format, "twice", config(R"("n_embd":4)", R"("n_embd":4,"n_embd":8)")},
      {"width missing", format, "n_embd is missing", config(R"("n_embd":4,)", "")},
      {"width null", format, "n_embd is missing", config(R"("n_embd":4)", R"("n_embd":null)")},
      {"width a text", format, "n_embd is not a whole", config(R"("n_embd":4)", R"("n_embd":"4")")},
      {"width an object", format, "n_embd is not a whole", config(R"("n_embd":4)", R"("n_embd":{})")},
      {"width a fraction", format, "n_embd is not a whole", config(R"("n_embd":4)", R"("n_embd":4.5)")},
      {"width zero", format, "n_embd is not a whole", config(R"("n_embd":4)", R"("n_embd":0)")},
      {"width negative", format, "n_embd is not a whole", config(R"("n_embd":4)", R"("n_embd":-4)")},
      {"width another", format, "expected [6, 8]", config(R"("n_embd":4)", R"("n_embd":8)")},
      {"no heads", format, "n_head is not a whole", config(R"("n_head":2)", R"("n_head":0)")},
      {"heads not dividing", format, "do not divide", config(R"("n_head":2)", R"("n_head":3)")},
      {"heads negative", format, "n_head is not a whole", config(R"("n_head":2)", R"("n_head":-2)")},
      {"no layers", format, "n_layer is not a whole", config(R"("n_layer":2)", R"("n_layer":0)")},
      {"too few layers", format, "has 1 layers", config(R"("n_layer":2)", R"("n_layer":1)")},
      {"too many layers", format, "h.2.ln_1.weight is missing",
       config(R"("n_layer":2)", R"("n_layer":4096)")},
      {"absurdly many layers", format, "n_layer is not a whole",
       config(R"("n_layer":2)", R"("n_layer":2147483647)")},
      {"vocabulary 1e18", format, "vocab_size is not a whole",
       config(R"("vocab_size":6)", R"("vocab_size":1e18)")},
      {"vocabulary 2^63", format, "vocab_size is not a whole",
       config(R"("vocab_size":6)", R"("vocab_size":9223372036854775808)")},
      {"vocabulary another", format, "expected [7, 4]",
       config(R"("vocab_size":6)", R"("vocab_size":7)")},
      {"epsilon a text", format, "layer_norm_epsilon is not a number",
       config("{", R"({"layer_norm_epsilon":"small",)")},
      {"epsilon huge", format, "layer_norm_epsilon is not a number",
       config("{", R"({"layer_norm_epsilon":1e300,)")},
      {"activation unknown", unsupported, "activation_function",
       config("{", R"({"activation_function":"relu",)")},
      {"tied is a number", format, "true or false", config("{", R"({"tie_word_embeddings":1,)")},
      {"another architecture", unsupported, "override family",
       [](tiny::Model &model) {
         config("gpt2", "bert")(model);
         config("GPT2LMHeadModel", "BertModel")(model);
       }},
      {"mask token beyond", format, "mask_token_id is not a token",
       config("{", R"({"mask_token_id":6,)")},
      {"mask token negative", format, "mask_token_id is not a token",
       config("{", R"({"mask_token_id":-5,)")},
      {"generation config cut", format, "generation_config.json: not JSON",
       [](tiny::Model &model) { model.files["generation_config.json"] = "{"; }},
  };
}

std::vector<Case> other_cases() {
  const auto nothing = [](tiny::Model &) {};
  const std::string self = R"({"weight_map":{"wte.weight":"model.safetensors.index.json"}})";
  return {
      {"rope scaling", unsupported, "yarn", llama_config(R"("rope_scaling":{"type":"yarn"},)")},
      {"rope scaling a number", format, "rope_scaling", llama_config(R"("rope_scaling":2,)")},
      {"sliding window", unsupported, "sliding_window", llama_config(R"("sliding_window":16,)")},
      {"odd head size", format, "even head size", llama_config(R"("head_dim":3,)")},
      {"head size huge", format, "head_dim is not a whole", llama_config(R"("head_dim":1000000000,)")},
      {"theta zero", format, "rope_theta is not a number", llama_config(R"("rope_theta":0,)")},
      {"mixture of experts", unsupported, "mixture of experts",
       [](tiny::Model &model) {
         llama_config("")(model);
         extra(R"("model.layers.0.mlp.gate.weight":{"dtype":"F32","shape":[0],)"
               R"("data_offsets":[0,0]})")(model);
       }},
      {"LLaDA-MoE", unsupported, "LLaDA-MoE",
       [](tiny::Model &model) {
         model = tiny::model_of(R"({"model_type":"llada","expert_intermediate_size":8})",
                                {{"model.transformer.wte.weight", {6, 4}}});
       }},
      {"gamma above 1", format, "graph.gamma",
       [](tiny::Model &model) {
         model = tiny::ddit(tiny::hdlm_config("gamma_hybrid"), true, false);
         config("0.05", "1.5")(model);
       }},
      {"context rule unknown", unsupported, "context_type",
       [](tiny::Model &model) {
         model = tiny::ddit(tiny::hdlm_config("epsilon_hybrid"), false, false);
         config("block_causal", "random")(model);
       }},
      {"tokens and embedding disagree", format, "tokenizer.tokens",
       [](tiny::Model &model) {
         model = tiny::ddit(tiny::hdlm_config("epsilon_hybrid"), false, false);
         config(R"("tokens":5)", R"("tokens":6)")(model);
       }},
      {"no config", io, "config.json", nothing,
       [](const std::string &folder) { ::unlink((folder + "/config.json").c_str()); }},
      {"no weights", io, "neither model.safetensors", nothing, drop_weights},
      {"only a pickle", unsupported, "pickle",
       [](tiny::Model &model) { model.files["pytorch_model.bin"] = "x"; }, drop_weights},
      {"weights are a folder", io, "not a regular file", nothing,
       [](const std::string &folder) {
         drop_weights(folder);
         ::mkdir((folder + "/model.safetensors").c_str(), 0700);
       }},
      {"config is a pipe", io, "not a regular file", nothing,
       [](const std::string &folder) {
         ::unlink((folder + "/config.json").c_str());
         ::mkfifo((folder + "/config.json").c_str(), 0600);
       }},
      {"config is a link to itself", io, "config.json", nothing,
       [](const std::string &folder) {
         const std::string path = folder + "/config.json";
         ::unlink(path.c_str());
         if (::symlink("config.json", path.c_str()) != 0) std::perror("symlink");
       }},
      {"index without a map", format, "no weight_map", index_file("{}"), drop_weights},
      {"index is an array", format, "no weight_map", index_file("[]"), drop_weights},
      {"index cut", format, "not JSON", index_file(R"({"weight_map":{)"), drop_weights},
      {"index names a parent's file", format, "same folder",
       index_file(R"({"weight_map":{"wte.weight":"../x.safetensors"}})"), drop_weights},
      {"index names an absolute path", format, "same folder",
       index_file(R"({"weight_map":{"wte.weight":"/etc/x.safetensors"}})"), drop_weights},
      {"index names itself", format, "same folder", index_file(self), drop_weights},
      {"index names a number", format, "no file name", index_file(R"({"weight_map":{"a":1}})"),
       drop_weights},
      {"shard missing", io, "a.safetensors",
       index_file(R"({"weight_map":{"wte.weight":"a.safetensors"}})"), drop_weights},
      {"shard without the tensor", format, "is missing",
       [](tiny::Model &model) {
         index_file(R"({"weight_map":{"x":"a.safetensors"}})")(model);
         model.files["a.safetensors"] = tiny::safetensors_of(model.header, model.data);
       },
       drop_weights},
  };
}

int run(const Case &test) {
  tiny::Model model = tiny::gpt2();
  test.change(model);
  const TemporaryFolder folder;
  folder.write(model);
  if (test.disturb) test.disturb(folder.path());
  const auto checkpoint = open_checkpoint(folder.path(), {});
  const Status &status = checkpoint.status();
  if (!checkpoint.ok() && status.code() == test.code &&
      status.message().find(test.words) != std::string::npos)
    return 0;
  std::printf("%s: got %d \"%s\", expected %d \"%s\"\n", test.name, status.code(),
              status.message().c_str(), test.code, test.words);
  return 1;
}

}  // namespace

int main() {
  // Malformed input may not take memory in proportion to the numbers it names.
#ifndef SANITIZED  // sanitizers reserve terabytes of addresses
  const rlimit limit{rlim_t{512} << 20, rlim_t{512} << 20};
  ::setrlimit(RLIMIT_AS, &limit);
#endif
  int failures = 0;
  size_t count = 0;
  const TemporaryFolder good;
  good.write(tiny::gpt2());
  if (const auto checkpoint = open_checkpoint(good.path(), {}); !checkpoint.ok()) {
    std::printf("the unchanged model: %s\n", checkpoint.status().message().c_str());
    ++failures;
  }
  for (const std::vector<Case> &cases : {weight_cases(), config_cases(), other_cases()})
    for (const Case &test : cases) {
      failures += run(test);
      ++count;
    }
  // Not made by a change: paths that are no folders.
  for (const std::string &path : {good.path() + "/none", good.path() + "/config.json", std::string()}) {
    const auto checkpoint = open_checkpoint(path, {});
    if (checkpoint.ok() || checkpoint.status().code() != TEMPER_E_IO) {
      std::printf("path \"%s\" should be an input error\n", path.c_str());
      ++failures;
    }
    ++count;
  }
  if (::geteuid() != 0) {  // root may read everything
    ::chmod((good.path() + "/config.json").c_str(), 0);
    failures += open_checkpoint(good.path(), {}).status().code() == TEMPER_E_IO ? 0 : 1;
    ++count;
  }
  std::printf("%zu malformed models, %d failures\n", count, failures);
  return failures == 0 ? 0 : 1;
}
