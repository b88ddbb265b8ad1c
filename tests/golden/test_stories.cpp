// SPDX-License-Identifier: Apache-2.0
// stories260K, converted from its llama2.c file, continues the begin token with its known greedy text on
// every backend. Needs the shared data folder and python3.
#include "golden.h"

#include <cstdio>
#include <filesystem>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
extern "C" {
#include <cmocka.h>
}

namespace {

std::string folder;  // of the converted model

void require(temper_status status, const temper_error &error, const char *what) {
  if (status < 0) fail_msg("%s: %s, %s", what, temper_status_name(status), error.message);
}

void continue_greedily(const std::string &backend, const std::string &right) {
  temper_error error = {};
  temper_runtime *runtime = nullptr;
  require(temper_runtime_create(nullptr, &runtime, &error), error, "runtime");
  const golden::Runtime owned_runtime(runtime);
  temper_model *model = nullptr;
  require(temper_model_open(runtime, folder.c_str(), backend.c_str(), &model, &error), error, "model");
  const golden::Model owned_model(model);
  temper_sampler *sampler = nullptr;
  require(temper_sampler_create(TEMPER_SAMPLER_GREEDY, &sampler, &error), error, "sampler");
  const golden::Sampler owned_sampler(sampler);
  // No schedule is named: an autoregressive model is quenched.
  temper_session *session = nullptr;
  require(temper_session_create(model, nullptr, nullptr, sampler, 1, 201, 1, &session, &error), error, "session");
  const golden::Session owned_session(session);
  const int32_t begin = 1;
  require(temper_session_prompt(session, 0, &begin, 1, &error), error, "prompt");
  temper_status status = TEMPER_OK;
  const std::vector<int32_t> tokens = golden::run(session, status, error);
  require(status, error, "step");
  assert_int_equal(tokens.size(), 200);

  temper_tokenizer *tokenizer = nullptr;
  require(temper_tokenizer_open(folder.c_str(), &tokenizer, &error), error, "tokenizer");
  const golden::Tokenizer owned_tokenizer(tokenizer);
  std::string text(4096, '\0');
  size_t bytes = 0;
  require(temper_tokenizer_decode(tokenizer, tokens.data(), tokens.size(), 0, text.data(), text.size(), &bytes, &error),
          error, "decode");
  text.resize(bytes);
  if (text.starts_with(' ')) text.erase(0, 1);
  if (text != right) fail_msg("%s:\n%s\ninstead of\n%s", backend.c_str(), text.c_str(), right.c_str());
  std::printf("%s: %zu bytes as known\n", backend.c_str(), text.size());
}

void test_greedy_text(void **) {
  const std::string right = golden::contents(golden::shared_folder() + "/data/stories260K/greedy-200.txt");
  assert_true(right.size() > 400);
  continue_greedily("reference", right);
  for (const char *name : {"cpu", "openblas", "onednn", "cuda"}) {
    temper_error error = {};
    temper_runtime *runtime = nullptr;
    require(temper_runtime_create(nullptr, &runtime, &error), error, "runtime");
    const golden::Runtime owned(runtime);
    temper_model *model = nullptr;
    const temper_status status = temper_model_open(runtime, folder.c_str(), name, &model, &error);
    const golden::Model owned_model(model);
    if (status == TEMPER_OK)
      continue_greedily(name, right);
    else
      std::printf("%s: %s\n", name, error.message);
  }
}

std::string in_quotes(const std::string &path) { return "'" + path + "'"; }

}  // namespace

int main() {
  const std::string data = golden::shared_folder() + "/data/stories260K/";
  const std::string script = golden::source_root() + "/examples/training/convert_llama2c.py";
  if (!golden::readable(data + "stories260K.bin") || !golden::readable(script)) {
    std::puts("skipped: the shared data folder with stories260K isn't there");
    return 77;
  }
  if (std::system("python3 -c pass") != 0) {
    std::puts("skipped: no python3");
    return 77;
  }
  std::string place = (std::filesystem::temp_directory_path() / "temper-stories-XXXXXX").string();
  if (mkdtemp(place.data()) == nullptr) {
    std::puts("skipped: no temporary folder");
    return 77;
  }
  folder = place + "/model";
  const std::string command = "python3 " + in_quotes(script) + " " + in_quotes(data + "stories260K.bin") + " " +
                              in_quotes(data + "tok512.bin") + " " + in_quotes(folder);
  int failures = 1;
  if (std::system(command.c_str()) == 0) {
    const CMUnitTest tests[] = {cmocka_unit_test(test_greedy_text)};
    failures = cmocka_run_group_tests(tests, nullptr, nullptr);
  } else {
    std::puts("the conversion failed");
  }
  std::error_code ignored;
  std::filesystem::remove_all(place, ignored);
  return failures;
}
