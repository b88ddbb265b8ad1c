// SPDX-License-Identifier: Apache-2.0
// Families and tokenizers read from any source alike: a folder, one of its files, memory.
#include "format/memory.h"
#include "model/checkpoint.h"
#include "temporary_folder.h"
#include "tokenizer/tokenizer.h"

#include <cstring>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <unistd.h>

extern "C" {
#include <cmocka.h>
}

using namespace temper;

namespace {

// Its tokenizer's files name the mask that the configuration doesn't.
tiny::Model model_with_files() {
  tiny::Model model = tiny::gpt2();
  model.files["tokenizer.json"] =
      R"({"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]},)"
      R"("added_tokens":[{"id":4,"content":"<|mask|>","special":true}]})";
  model.files["generation_config.json"] = R"({"bos_token_id":1})";
  return model;
}

std::shared_ptr<Source> in_memory(const tiny::Model &model) {
  const auto hold = [](const std::string &text) {
    const auto kept = std::make_shared<const std::string>(text);
    return SideFile{std::as_bytes(std::span(kept->data(), kept->size())), kept};
  };
  const SideFile config = hold(model.config), weights = hold(tiny::safetensors_of(model.header, model.data));
  MemoryFiles files{config.bytes, weights.bytes, weights.storage, {}};
  for (const auto &[name, bytes] : model.files) files.beside[name] = hold(bytes);
  files.beside["config.json"] = config;  // keeps the borrowed bytes
  return memory_source(std::move(files));
}

void expect_same(const Result<Checkpoint> &opened, const std::string &folder) {
  if (!opened.ok()) fail_msg("%s", opened.status().message().c_str());
  const Checkpoint &checkpoint = opened.value();
  assert_string_equal(checkpoint.spec.family.c_str(), "gpt2");
  assert_int_equal(checkpoint.spec.mask_token, 4);
  assert_int_equal(checkpoint.spec.bos_token, 1);
  assert_string_equal(checkpoint.source->folder().c_str(), folder.c_str());
  const auto tokenizer = Tokenizer::open(*checkpoint.source);
  if (!tokenizer.ok()) fail_msg("%s", tokenizer.status().message().c_str());
  assert_int_equal(tokenizer.value()->mask().value_or(-1), 4);
  std::vector<int32_t> tokens;
  assert_true(tokenizer.value()->encode("ab", {}, tokens).ok());
  assert_int_equal(tokens.at(0), 2);
}

void every_source_says_the_same(void **) {
  const TemporaryFolder folder;
  folder.write(model_with_files());
  expect_same(open_checkpoint(folder.path(), {}), folder.path());
  expect_same(open_checkpoint(folder.path() + "/model.safetensors", {}), folder.path());
  expect_same(open_checkpoint(in_memory(model_with_files()), {}), "");
}

void a_file_is_named_from_where_one_stands(void **) {
  const TemporaryFolder folder;
  folder.write(model_with_files());
  char before[4096];
  assert_non_null(::getcwd(before, sizeof before));
  assert_int_equal(::chdir(folder.path().c_str()), 0);
  const auto opened = open_checkpoint("model.safetensors", {});
  const auto tokenizer = Tokenizer::open("model.safetensors");
  assert_int_equal(::chdir(before), 0);
  assert_true(opened.ok() && tokenizer.ok());
  assert_string_equal(opened.value().source->folder().c_str(), ".");
}

// The file that was named is read, not the folder's own choice.
void the_named_file_is_the_one(void **) {
  const TemporaryFolder folder;
  tiny::Model model = model_with_files();
  model.files["other.safetensors"] = tiny::safetensors_of(model.header, model.data);
  model.header = "{}";
  model.data.clear();
  folder.write(model);
  assert_false(open_checkpoint(folder.path(), {}).ok());
  expect_same(open_checkpoint(folder.path() + "/other.safetensors", {}), folder.path());
}

void expect_message(const Status &status, temper_status code, const char *words) {
  if (status.code() != code || status.message().find(words) == std::string::npos)
    fail_msg("got %d \"%s\", expected %d \"%s\"", status.code(), status.message().c_str(), code, words);
}

void what_is_wrong_is_named(void **) {
  const TemporaryFolder folder;
  tiny::Model model = model_with_files();
  model.files["notes.safetensors"] = "hello";
  folder.write(model);
  const std::string path = folder.path();
  expect_message(open_checkpoint(path + "/notes.safetensors", {}).status(), TEMPER_E_FORMAT, "notes.safetensors: too short");
  expect_message(open_checkpoint(path + "/none.safetensors", {}).status(), TEMPER_E_IO, "none.safetensors: no such");
  expect_message(open_checkpoint(path + "/config.json", {}).status(), TEMPER_E_IO, "not a .safetensors file");
  expect_message(Tokenizer::open(path + "/none").status(), TEMPER_E_IO, "none: no such");
  ::unlink((path + "/tokenizer.json").c_str());
  expect_message(Tokenizer::open(path + "/model.safetensors").status(), TEMPER_E_IO, "no tokenizer here");
  ::unlink((path + "/config.json").c_str());
  expect_message(open_checkpoint(path + "/model.safetensors", {}).status(), TEMPER_E_IO, "config.json");

  expect_message(Tokenizer::open(*in_memory(tiny::gpt2())).status(), TEMPER_E_IO, "the model in memory: no tokenizer");
  model.files["tokenizer.json"] = "{";
  expect_message(Tokenizer::open(*in_memory(model)).status(), TEMPER_E_FORMAT, "tokenizer.json: not JSON");
  // The mask is looked for there.
  expect_message(open_checkpoint(in_memory(model), {}).status(), TEMPER_E_FORMAT, "tokenizer.json: not JSON");
}

// A model's own memory goes with its weights, not with the source that is kept for the tokenizer.
void weights_are_let_go(void **) {
  const tiny::Model model = model_with_files();
  const auto bytes = std::make_shared<const std::string>(tiny::safetensors_of(model.header, model.data));
  const std::weak_ptr<const std::string> alive = bytes;
  auto opened = open_checkpoint_memory(std::as_bytes(std::span(model.config.data(), model.config.size())),
                                       std::as_bytes(std::span(bytes->data(), bytes->size())), bytes, {});
  assert_true(opened.ok());
  Checkpoint checkpoint = std::move(opened.value());
  assert_int_equal(alive.use_count(), 2);
  checkpoint.weights = Weights();
  assert_int_equal(alive.use_count(), 1);
  assert_non_null(checkpoint.source.get());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_source_says_the_same), cmocka_unit_test(a_file_is_named_from_where_one_stands),
      cmocka_unit_test(the_named_file_is_the_one),  cmocka_unit_test(what_is_wrong_is_named),
      cmocka_unit_test(weights_are_let_go),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
