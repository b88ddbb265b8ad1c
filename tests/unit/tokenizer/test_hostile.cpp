// SPDX-License-Identifier: Apache-2.0
// Files and texts that want to do harm: every one ends with its status, none with a crash or a hang.
#include "fixtures.h"

extern "C" {
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
}

namespace {

using temper::Tokenizer;

void assert_refused(const std::string &json, temper_status code) {
  const auto opened = Tokenizer::from_tokenizer_json(json);
  assert_false(opened.ok());
  if (opened.status().code() != code) fail_msg("%.200s: %s", json.c_str(), opened.status().message().c_str());
  assert_true(opened.status().message().size() > 8);
}

std::string model(const std::string &text) { return "{\"model\":" + text + "}"; }

void wrong_files(void **) {
  const char *malformed[] = {
      "", "{", "[]", "null", "{}", "\xFF", R"({"model":3})", R"({"model":{}})",
  };
  for (const char *json : malformed) assert_refused(json, TEMPER_E_FORMAT);
  const char *models[] = {
      R"({"vocab":[],"merges":[]})",
      R"({"vocab":{"a":"b"},"merges":[]})",
      R"({"vocab":{"a":1.5},"merges":[]})",
      R"({"vocab":{"a":-1},"merges":[]})",
      R"({"vocab":{"a":2000000000},"merges":[]})",
      R"({"vocab":{"a":9223372036854775807},"merges":[]})",
      R"({"vocab":{"a":99999999999999999999},"merges":[]})",
      R"({"vocab":{"a":0,"b":0},"merges":[]})",
      R"({"vocab":{"a":0,"a":1},"merges":[]})",
      R"({"vocab":{"a":0,"b":1}})",
      R"({"vocab":{"a":0,"b":1},"merges":{}})",
      R"({"vocab":{"a":0,"b":1},"merges":["a b"]})",
      R"({"vocab":{"a":0,"b":1,"ab":2},"merges":["a c"]})",
      R"({"vocab":{"a":0,"b":1,"ab":2},"merges":["ab"]})",
      R"({"vocab":{"a":0,"b":1,"ab":2},"merges":["a b c"]})",
      R"({"vocab":{"a":0,"b":1,"ab":2},"merges":[["a"]]})",
      R"({"vocab":{"a":0,"b":1,"ab":2},"merges":[["a",1]]})",
      R"({"vocab":{"a":0,"b":1,"ab":2},"merges":[1]})",
      R"({"vocab":{"a":0},"merges":[],"unk_token":"b"})",
      R"({"vocab":{"a":0},"merges":[],"byte_fallback":1})",
  };
  for (const char *text : models) assert_refused(model(text), TEMPER_E_FORMAT);
  assert_refused(model(R"({"type":"Unigram","vocab":[]})"), TEMPER_E_UNSUPPORTED);
  assert_refused(model(R"({"type":"BPE","vocab":{"a":0},"merges":[],"end_of_word_suffix":"</w>"})"), TEMPER_E_UNSUPPORTED);
  // Truncated anywhere.
  const std::string whole = fixtures::llama_json(fixtures::byte_level());
  for (size_t size = 0; size < whole.size(); size += 7) assert_refused(whole.substr(0, size), TEMPER_E_FORMAT);
}

void wrong_steps(void **) {
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += R"({"type":"Sequence","normalizers":[)";
  const std::pair<std::string, temper_status> cases[] = {
      {R"("normalizer":)" + deep, TEMPER_E_FORMAT},
      {R"("normalizer":{})", TEMPER_E_FORMAT},
      {R"("normalizer":3)", TEMPER_E_FORMAT},
      {R"("normalizer":{"type":"Precompiled"})", TEMPER_E_UNSUPPORTED},
      {R"("normalizer":{"type":"NFKC"})", TEMPER_E_UNSUPPORTED},
      {R"("normalizer":{"type":"Replace","content":"a"})", TEMPER_E_FORMAT},
      {R"("normalizer":{"type":"Replace","pattern":{"Regex":"("},"content":"a"})", TEMPER_E_FORMAT},
      {R"("pre_tokenizer":{"type":"Split","pattern":{"Regex":"\\C"},"behavior":"Isolated"})", TEMPER_E_FORMAT},
      {R"("pre_tokenizer":{"type":"Split","pattern":{"Regex":"a"},"behavior":"Sideways"})", TEMPER_E_FORMAT},
      {R"("pre_tokenizer":{"type":"Split","pattern":{"Regex":")" + std::string(5000, '(') + R"("},"behavior":"Isolated"})", TEMPER_E_FORMAT},
      {R"("pre_tokenizer":{"type":"UnicodeScripts"})", TEMPER_E_UNSUPPORTED},
      {R"("pre_tokenizer":{"type":"Metaspace","replacement":""})", TEMPER_E_FORMAT},
      {R"("decoder":{"type":"WordPiece"})", TEMPER_E_UNSUPPORTED},
      {R"("decoder":{"type":"Replace","pattern":{"String":""},"content":"a"})", TEMPER_E_FORMAT},
      {R"("decoder":{"type":"Strip","content":" ","start":-1})", TEMPER_E_FORMAT},
      {R"("post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}}]})", TEMPER_E_FORMAT},
      {R"("post_processor":{"type":"BertProcessing","cls":["a",9999],"sep":["b",1]})", TEMPER_E_FORMAT},
      {R"("added_tokens":{})", TEMPER_E_FORMAT},
      {R"("added_tokens":[{"content":"","id":300}])", TEMPER_E_FORMAT},
      {R"("added_tokens":[{"content":"x1"}])", TEMPER_E_FORMAT},
      {R"("added_tokens":[{"content":"x1","id":3}])", TEMPER_E_FORMAT},
      {R"("added_tokens":[{"content":")" + std::string(5000, 'x') + R"(","id":300}])", TEMPER_E_FORMAT},
  };
  for (const auto &[steps, code] : cases) assert_refused(fixtures::hello_json(steps), code);
}

void wrong_merges(void **) {
  const std::string vocabulary = fixtures::vocab_json(fixtures::byte_tokens({}));
  for (const char *merges : {"a", "a b", "a b c", "#version\na  b", " a", "a "})
    assert_int_equal(Tokenizer::from_vocab_merges(vocabulary, merges).status().code(), TEMPER_E_FORMAT);
  assert_true(Tokenizer::from_vocab_merges(vocabulary, "").ok());
}

void costly_patterns_end(void **) {
  for (const char *pattern : {"(a+)+$", "(a|a)*$", "(?:a?){60}a{60}", "(?R)?a", "(a*)*b", "(?=(a+))*x"}) {
    auto opened = Tokenizer::from_tokenizer_json(fixtures::hello_json(
        std::string(R"("pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":")") + pattern +
        R"("},"behavior":"Isolated"},{"type":"ByteLevel","use_regex":false}]})"));
    if (!opened.ok()) {
      assert_int_equal(opened.status().code(), TEMPER_E_FORMAT);
      continue;
    }
    std::vector<int32_t> tokens;
    const temper::Status status = opened.value()->encode(std::string(3000, 'a') + "b", {}, tokens);
    assert_true(status.ok() || status.code() == TEMPER_E_FORMAT);
    if (!status.ok()) assert_true(tokens.empty());
  }
}

void growing_texts_end(void **) {
  std::string steps;
  for (int i = 0; i < 20; ++i) steps += R"({"type":"Replace","pattern":{"String":"a"},"content":"aaaa"},)";
  auto opened = Tokenizer::from_tokenizer_json(
      fixtures::hello_json(R"("normalizer":{"type":"Sequence","normalizers":[)" + steps + R"({"type":"NFC"}]})"));
  assert_true(opened.ok());
  std::vector<int32_t> tokens;
  assert_int_equal(opened.value()->encode("aaaa", {}, tokens).code(), TEMPER_E_FORMAT);
}

void text_without_tokens(void **) {
  auto opened = Tokenizer::from_tokenizer_json(model(R"({"vocab":{"a":0},"merges":[]})"));
  assert_true(opened.ok());
  std::vector<int32_t> tokens = {5};
  assert_int_equal(opened.value()->encode("ab", {}, tokens).code(), TEMPER_E_UNSUPPORTED);
  assert_int_equal(tokens.size(), 1);
  std::string text;
  for (const int32_t id : {-1, 1, INT32_MAX, INT32_MIN})
    assert_int_equal(opened.value()->decode(std::vector<int32_t>{id}, false, text).code(), TEMPER_E_ARGUMENT);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(wrong_files),         cmocka_unit_test(wrong_steps),       cmocka_unit_test(wrong_merges),
      cmocka_unit_test(costly_patterns_end), cmocka_unit_test(growing_texts_end), cmocka_unit_test(text_without_tokens),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
