// SPDX-License-Identifier: Apache-2.0
#include "opening.h"

#include "files.h"
#include "name_table.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>

namespace program {
namespace {

void to_stderr(void *, int32_t level, const char *message) {
  static const char *const names[] = {"", "error", "warning", "info", "debug"};
  std::fprintf(stderr, "temper: %s: %s\n", level >= 1 && level <= 4 ? names[level] : "note", message);
}

const std::vector<std::pair<std::string, int64_t>> contexts = {
    {"causal", TEMPER_CONTEXT_CAUSAL}, {"block-causal", TEMPER_CONTEXT_BLOCK_CAUSAL}, {"full", TEMPER_CONTEXT_FULL}};
const std::vector<std::pair<std::string, int64_t>> windows = {
    {"full", TEMPER_WINDOW_FULL}, {"causal", TEMPER_WINDOW_CAUSAL}, {"block", TEMPER_WINDOW_BLOCK}};
const std::vector<std::pair<std::string, int64_t>> storages = {
    {"auto", TEMPER_STORAGE_AUTO}, {"f32", TEMPER_STORAGE_F32}, {"bf16", TEMPER_STORAGE_BF16}};

std::optional<int64_t> value(const std::vector<std::pair<std::string, int64_t>> &table,
                             const std::string &name) {
  for (const auto &entry : table) {
    if (entry.first == name) {
      return entry.second;
    }
  }
  return {};
}

} // namespace

void Machine::add_to(CLI::App &app) {
  const std::string group = "Machine";
  app.add_option("--backend", backend, "Backend by name, or auto: the best that opens")
      ->capture_default_str()
      ->group(group);
  app.add_option("--threads", threads, "Threads of one operation (default 0: as many as cores, at most 8)")
      ->check(CLI::Range(0, 256))
      ->group(group);
  app.add_option("--load-backend", modules, "Load a backend module by its full path too")->group(group);
  app.add_flag("-v,--verbose", verbose, "Show the library's messages on standard error")->group(group);
}

Runtime Machine::runtime() const {
  temper_runtime *made = nullptr;
  call(temper_runtime_create, nullptr, &made);
  Runtime runtime(made);
  if (threads > 0) {
    call(temper_runtime_set_i64, made, TEMPER_RUNTIME_THREADS, int64_t{threads});
  }
  const int32_t level = verbose ? TEMPER_LOG_INFO : TEMPER_LOG_WARNING;
  call(temper_runtime_set_log, made, level, to_stderr, nullptr);
  for (const std::string &module : modules) {
    call(temper_runtime_load_backend, made, std::filesystem::absolute(module).c_str());
  }
  return runtime;
}

void Opening::add_to(CLI::App &app, bool with_path) {
  if (with_path) {
    app.add_option("-m,--model", path, "Model folder (default: the one that comes with the program)");
  }
  const std::string group = "What the model's files leave open or say wrongly";
  app.add_option("--family", family, "Family, instead of detecting it: gpt2, llada, hdlm-epsilon, ...")
      ->group(group);
  app.add_option("--context", context, "What settled tokens attend to")
      ->check(CLI::IsMember(names_of(contexts)))
      ->group(group);
  app.add_option("--window-attention", window, "What the window attends to: all, the past, or its block")
      ->check(CLI::IsMember(names_of(windows)))
      ->group(group);
  app.add_option("--shifted", shifted, "1: a row predicts the next token; 0: its own")
      ->check(CLI::Range(0, 1))
      ->group(group);
  app.add_option("--noise-keys", noise_keys, "0: pure noise isn't attended to")
      ->check(CLI::Range(0, 1))
      ->group(group);
  app.add_option("--mask-token", mask_token, "Id of the mask token; -1: none")->group(group);
  app.add_option("--block", block, "Block size of block-causal rules, in positions")->group(group);
  app.add_option("--max-length", max_length, "Trained length, in positions")->group(group);
  app.add_option("--tokens", tokens,
                 "Ids below it are tokens, the others are never drawn (default: as the tokenizer says)")
      ->group(group);
  app.add_option("--storage", storage, "Weights in memory")
      ->check(CLI::IsMember(names_of(storages)))
      ->group(group);
  Machine::add_to(app);
}

ModelOptions Opening::options() const {
  temper_model_options *made = nullptr;
  call(temper_model_options_create, &made);
  ModelOptions out(made);
  const auto set = [made](int32_t key, const std::optional<int64_t> &number) {
    if (number) {
      call(temper_model_options_set_i64, made, key, *number);
    }
  };
  set(TEMPER_MODEL_OPTION_CONTEXT, value(contexts, context));
  set(TEMPER_MODEL_OPTION_WINDOW, value(windows, window));
  set(TEMPER_MODEL_OPTION_SHIFTED, shifted);
  set(TEMPER_MODEL_OPTION_NOISE_KEYS, noise_keys);
  set(TEMPER_MODEL_OPTION_MASK_TOKEN, mask_token);
  set(TEMPER_MODEL_OPTION_BLOCK, block);
  set(TEMPER_MODEL_OPTION_MAX_LENGTH, max_length);
  set(TEMPER_MODEL_OPTION_TOKENS, tokens);
  set(TEMPER_MODEL_OPTION_STORAGE, value(storages, storage));
  if (!family.empty()) {
    call(temper_model_options_set_family, made, family.c_str());
  }
  return out;
}

Model Opening::open(temper_runtime *runtime) const {
  const std::string folder = path.empty() ? bundled_model() : path;
  if (folder.empty()) {
    throw Failure("no model comes with this program; name one with --model");
  }
  return open(runtime, folder);
}

Model Opening::open(temper_runtime *runtime, const std::string &folder) const {
  temper_model *made = nullptr;
  const ModelOptions told = options();
  call(temper_model_open_with, runtime, folder.c_str(), backend.c_str(), told.get(), &made);
  return Model(made);
}

} // namespace program
