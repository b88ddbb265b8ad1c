// SPDX-License-Identifier: Apache-2.0
// The bundled model generates text with every kind of hyperschedule: tokens of its vocabulary, never the
// mask, that decode to UTF-8.
#include "golden.h"

#include <cstdio>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
extern "C" {
#include <cmocka.h>
}

namespace {

std::string folder;

void require(temper_status status, const temper_error &error, const char *what) {
  if (status < 0) fail_msg("%s: %s, %s", what, temper_status_name(status), error.message);
}

bool is_utf8(const std::string &text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    const int more = lead < 0x80 ? 0 : lead >= 0xC2 && lead < 0xE0 ? 1 : lead >= 0xE0 && lead < 0xF0 ? 2 : lead >= 0xF0 && lead < 0xF5 ? 3 : -1;
    if (more < 0) return false;
    for (int k = 0; k < more; ++k)
      if (i >= text.size() || (static_cast<unsigned char>(text[i++]) & 0xC0U) != 0x80U) return false;
  }
  return true;
}

struct Kind {
  const char *name;
  int32_t kind;
  int64_t width;
  int32_t levels;
};

void generate(temper_model *model, const temper_tokenizer *tokenizer, const Kind &kind) {
  temper_error error = {};
  temper_hyperschedule *schedule = nullptr;
  require(temper_hyperschedule_create(kind.kind, kind.width, kind.levels, &schedule, &error), error, kind.name);
  const golden::Schedule owned_schedule(schedule);
  temper_session *session = nullptr;
  require(temper_session_create(model, schedule, nullptr, nullptr, 1, 48, 5, &session, &error), error, kind.name);
  const golden::Session owned_session(session);
  require(temper_session_set_i64(session, TEMPER_SESSION_IGNORE_END, 1, &error), error, "ignore end");
  int32_t prompt[16];
  size_t count = 0;
  const std::string begin = "Once upon a time";
  require(temper_tokenizer_encode(tokenizer, begin.data(), begin.size(), 0, prompt, 16, &count, &error), error, "encode");
  require(temper_session_prompt(session, 0, prompt, count, &error), error, "prompt");
  temper_status status = TEMPER_OK;
  const std::vector<int32_t> tokens = golden::run(session, status, error);
  require(status, error, kind.name);
  assert_int_equal(tokens.size(), 48 - count);
  assert_true(tokens.size() >= 20);
  int64_t mask = -1, columns = 0;
  require(temper_model_get_i64(model, TEMPER_MODEL_MASK_TOKEN, &mask, &error), error, "mask");
  require(temper_model_get_i64(model, TEMPER_MODEL_COLUMNS, &columns, &error), error, "columns");
  for (const int32_t token : tokens) assert_true(token >= 0 && token < columns && token != mask);

  std::string text(8192, '\0');
  size_t bytes = 0;
  require(temper_tokenizer_decode(tokenizer, tokens.data(), tokens.size(), TEMPER_TOKENIZER_SKIP_SPECIAL, text.data(),
                                  text.size(), &bytes, &error),
          error, "decode");
  text.resize(bytes);
  // A window may end inside a character.
  for (int cut = 0; cut < 3 && !text.empty() && !is_utf8(text); ++cut) text.pop_back();
  assert_true(!text.empty() && is_utf8(text));
  std::printf("%s: %s\n", kind.name, text.c_str());
}

void test_every_kind(void **) {
  temper_error error = {};
  temper_runtime *runtime = nullptr;
  require(temper_runtime_create(nullptr, &runtime, &error), error, "runtime");
  const golden::Runtime owned_runtime(runtime);
  temper_model *model = nullptr;
  require(temper_model_open(runtime, folder.c_str(), "auto", &model, &error), error, "model");
  const golden::Model owned_model(model);
  temper_tokenizer *tokenizer = nullptr;
  require(temper_model_tokenizer(model, &tokenizer, &error), error, "tokenizer");
  const golden::Tokenizer owned_tokenizer(tokenizer);
  for (const Kind &kind : {Kind{"quench", TEMPER_QUENCH, 1, 1}, Kind{"block", TEMPER_BLOCK, 16, 16},
                           Kind{"slide", TEMPER_SLIDE, 16, 16}, Kind{"flat", TEMPER_FLAT, 0, 32}})
    generate(model, tokenizer, kind);
}

}  // namespace

int main() {
  folder = golden::source_root() + "/examples/model";
  if (!golden::readable(folder + "/model.safetensors")) {
    std::puts("skipped: the bundled model isn't there");
    return 77;
  }
  const CMUnitTest tests[] = {cmocka_unit_test(test_every_kind)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
