// SPDX-License-Identifier: Apache-2.0
// The C functions: sizes, errors, and text that comes token by token.
#include "fixtures.h"

#include <temper/tokenizer.h>

#include <cstring>
#include <random>

extern "C" {
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
}

namespace {

temper_tokenizer *open_hello() {
  const std::string json = fixtures::hello_json(
      std::string(fixtures::byte_level()) + R"(,"added_tokens":[{"id":300,"content":"</s>","special":true}])");
  temper_tokenizer *tokenizer = nullptr;
  temper_error error;
  const temper_status status =
      temper_tokenizer_open_memory(json.data(), json.size(), nullptr, 0, nullptr, 0, &tokenizer, &error);
  if (status != TEMPER_OK) fail_msg("%s", error.message);
  return tokenizer;
}

void sizes(void **) {
  temper_tokenizer *tokenizer = open_hello();
  int32_t tokens[4] = {-7, -7, -7, -7};
  size_t count = 99;
  assert_int_equal(temper_tokenizer_encode(tokenizer, "hello world", 11, 0, nullptr, 0, &count, nullptr), TEMPER_OK);
  assert_int_equal(count, 2);
  assert_int_equal(temper_tokenizer_encode(tokenizer, "hello world", 11, 0, tokens, 1, &count, nullptr), TEMPER_E_CAPACITY);
  assert_int_equal(count, 2);
  assert_int_equal(tokens[0], -7);
  assert_int_equal(temper_tokenizer_encode(tokenizer, "hello world", 11, 0, tokens, 2, &count, nullptr), TEMPER_OK);
  assert_int_equal(temper_tokenizer_encode(tokenizer, nullptr, 0, 0, tokens + 2, 2, &count, nullptr), TEMPER_OK);
  assert_int_equal(count, 0);
  char text[16] = {'.'};
  size_t bytes = 0;
  assert_int_equal(temper_tokenizer_decode(tokenizer, tokens, 2, 0, text, 10, &bytes, nullptr), TEMPER_E_CAPACITY);
  assert_int_equal(bytes, 11);
  assert_int_equal(text[0], '.');
  assert_int_equal(temper_tokenizer_decode(tokenizer, tokens, 2, 0, text, 11, &bytes, nullptr), TEMPER_OK);
  assert_memory_equal(text, "hello world", 11);
  temper_tokenizer_destroy(tokenizer);
}

void questions(void **) {
  temper_tokenizer *tokenizer = open_hello();
  int64_t value = 0;
  assert_int_equal(temper_tokenizer_get_i64(tokenizer, TEMPER_TOKENIZER_VOCABULARY_SIZE, &value, nullptr), TEMPER_OK);
  assert_int_equal(value, 301);
  assert_int_equal(temper_tokenizer_get_i64(tokenizer, TEMPER_TOKENIZER_EOS, &value, nullptr), TEMPER_OK);
  assert_int_equal(value, 300);
  for (const int32_t key : {TEMPER_TOKENIZER_BOS, TEMPER_TOKENIZER_MASK, TEMPER_TOKENIZER_PAD}) {
    assert_int_equal(temper_tokenizer_get_i64(tokenizer, key, &value, nullptr), TEMPER_OK);
    assert_int_equal(value, -1);
  }
  char text[8];
  size_t length = 0;
  assert_int_equal(temper_tokenizer_token_text(tokenizer, 300, text, sizeof text, &length, nullptr), TEMPER_OK);
  assert_string_equal(text, "</s>");
  assert_int_equal(temper_tokenizer_token_text(tokenizer, 300, text, 4, &length, nullptr), TEMPER_E_CAPACITY);
  assert_int_equal(length, 4);
  int32_t token = 0;
  assert_int_equal(temper_tokenizer_token_id(tokenizer, "</s>", 4, &token, nullptr), TEMPER_OK);
  assert_int_equal(token, 300);
  assert_int_equal(temper_tokenizer_token_id(tokenizer, "no", 2, &token, nullptr), TEMPER_OK);
  assert_int_equal(token, -1);
  temper_tokenizer_destroy(tokenizer);
}

#define assert_refused(call)                     \
  do {                                           \
    error.status = 0;                            \
    error.message[0] = '\0';                     \
    assert_int_equal((call), TEMPER_E_ARGUMENT); \
    assert_int_equal(error.status, TEMPER_E_ARGUMENT); \
    assert_true(std::strlen(error.message) > 0); \
  } while (false)

void wrong_arguments(void **) {
  temper_error error;
  temper_tokenizer *t = open_hello();
  temper_tokenizer *other = t;
  temper_decoder *decoder = nullptr;
  int32_t token = 0;
  int64_t value = 0;
  size_t size = 0;
  char text[8];
  assert_refused(temper_tokenizer_open(nullptr, &other, &error));
  assert_null(other);
  assert_refused(temper_tokenizer_open("x", nullptr, &error));
  assert_int_equal(temper_tokenizer_open("no/such/folder", &other, &error), TEMPER_E_IO);
  assert_refused(temper_tokenizer_open_memory(nullptr, 0, nullptr, 0, nullptr, 0, &other, &error));
  assert_refused(temper_tokenizer_open_memory("{}", 2, nullptr, 1, nullptr, 0, &other, &error));
  assert_refused(temper_tokenizer_open_memory("{}", 2, nullptr, 0, nullptr, 1, &other, &error));
  assert_refused(temper_tokenizer_open_memory("{}", 2, nullptr, 0, nullptr, 0, nullptr, &error));
  assert_int_equal(temper_tokenizer_open_memory("{}", 2, nullptr, 0, nullptr, 0, &other, &error), TEMPER_E_FORMAT);
  assert_refused(temper_tokenizer_encode(nullptr, "a", 1, 0, &token, 1, &size, &error));
  assert_refused(temper_tokenizer_encode(t, nullptr, 1, 0, &token, 1, &size, &error));
  assert_refused(temper_tokenizer_encode(t, "a", 1, 4, &token, 1, &size, &error));
  assert_refused(temper_tokenizer_encode(t, "a", 1, 0, nullptr, 1, &size, &error));
  assert_refused(temper_tokenizer_encode(t, "a", 1, 0, &token, 1, nullptr, &error));
  assert_refused(temper_tokenizer_decode(nullptr, &token, 1, 0, text, 8, &size, &error));
  assert_refused(temper_tokenizer_decode(t, nullptr, 1, 0, text, 8, &size, &error));
  assert_refused(temper_tokenizer_decode(t, &token, 1, 1, text, 8, &size, &error));
  assert_refused(temper_tokenizer_decode(t, &token, 1, 0, nullptr, 8, &size, &error));
  assert_refused(temper_tokenizer_decode(t, &token, 1, 0, text, 8, nullptr, &error));
  token = 290;
  assert_refused(temper_tokenizer_decode(t, &token, 1, 0, text, 8, &size, &error));
  assert_int_equal(temper_tokenizer_decode(t, &token, 1, TEMPER_TOKENIZER_SKIP_UNKNOWN, text, 8, &size, &error), TEMPER_OK);
  assert_int_equal(size, 0);
  assert_refused(temper_tokenizer_get_i64(nullptr, 1, &value, &error));
  assert_refused(temper_tokenizer_get_i64(t, 1, nullptr, &error));
  assert_refused(temper_tokenizer_get_i64(t, 0, &value, &error));
  assert_refused(temper_tokenizer_token_text(nullptr, 1, text, 8, &size, &error));
  assert_refused(temper_tokenizer_token_text(t, -1, text, 8, &size, &error));
  assert_refused(temper_tokenizer_token_text(t, 1, nullptr, 0, nullptr, &error));
  assert_refused(temper_tokenizer_token_id(nullptr, "a", 1, &token, &error));
  assert_refused(temper_tokenizer_token_id(t, nullptr, 1, &token, &error));
  assert_refused(temper_tokenizer_token_id(t, "a", 1, nullptr, &error));
  assert_refused(temper_decoder_create(nullptr, 0, &decoder, &error));
  assert_refused(temper_decoder_create(t, 64, &decoder, &error));
  assert_refused(temper_decoder_create(t, 0, nullptr, &error));
  assert_int_equal(temper_decoder_create(t, 0, &decoder, &error), TEMPER_OK);
  temper_tokenizer_destroy(t);  // the decoder goes on
  assert_refused(temper_decoder_push(nullptr, &token, 1, text, 8, &size, &error));
  assert_refused(temper_decoder_push(decoder, nullptr, 1, text, 8, &size, &error));
  assert_refused(temper_decoder_push(decoder, &token, 1, nullptr, 8, &size, &error));
  assert_refused(temper_decoder_push(decoder, &token, 1, text, 8, nullptr, &error));
  token = 290;
  assert_refused(temper_decoder_push(decoder, &token, 1, text, 8, &size, &error));
  assert_refused(temper_decoder_flush(nullptr, text, 8, &size, &error));
  assert_refused(temper_decoder_flush(decoder, nullptr, 8, &size, &error));
  assert_refused(temper_decoder_flush(decoder, text, 8, nullptr, &error));
  temper_decoder_destroy(decoder);
  temper_decoder_destroy(nullptr);
  temper_decoder_reset(nullptr);
  temper_tokenizer_destroy(nullptr);
}

std::string push(temper_decoder *decoder, std::vector<int32_t> tokens) {
  char text[64];
  size_t bytes = 0;
  assert_int_equal(temper_decoder_push(decoder, tokens.data(), tokens.size(), text, sizeof text, &bytes, nullptr), TEMPER_OK);
  return std::string(text, bytes);
}

void characters_stay_whole(void **) {
  temper_tokenizer *tokenizer = open_hello();
  temper_decoder *decoder = nullptr;
  assert_int_equal(temper_decoder_create(tokenizer, TEMPER_TOKENIZER_SKIP_SPECIAL, &decoder, nullptr), TEMPER_OK);
  temper_tokenizer_destroy(tokenizer);
  // Ids below 256 are the bytes themselves.
  assert_string_equal(push(decoder, {'a', 0xF0}).c_str(), "a");
  assert_string_equal(push(decoder, {0x9F, 300, 0x98}).c_str(), "");
  char small[3];
  size_t bytes = 0;
  const int32_t last = 0x80;
  assert_int_equal(temper_decoder_push(decoder, &last, 1, nullptr, 0, &bytes, nullptr), TEMPER_OK);
  assert_int_equal(bytes, 4);
  assert_int_equal(temper_decoder_push(decoder, &last, 1, small, 3, &bytes, nullptr), TEMPER_E_CAPACITY);
  assert_int_equal(bytes, 4);
  assert_string_equal(push(decoder, {last}).c_str(), "\xF0\x9F\x98\x80");
  assert_string_equal(push(decoder, {0xE4, 'b', 0xFF}).c_str(), "\xEF\xBF\xBD" "b\xEF\xBF\xBD");
  assert_string_equal(push(decoder, {0xE4, 0xBD}).c_str(), "");
  assert_int_equal(temper_decoder_flush(decoder, small, 2, &bytes, nullptr), TEMPER_E_CAPACITY);
  assert_int_equal(temper_decoder_flush(decoder, small, 3, &bytes, nullptr), TEMPER_OK);
  assert_memory_equal(small, "\xEF\xBF\xBD", 3);
  assert_int_equal(temper_decoder_flush(decoder, small, 3, &bytes, nullptr), TEMPER_OK);
  assert_int_equal(bytes, 0);
  push(decoder, {0xE4});
  temper_decoder_reset(decoder);
  assert_string_equal(push(decoder, {'c'}).c_str(), "c");
  temper_decoder_destroy(decoder);
}

void streamed_equals_whole(void **) {
  temper_tokenizer *tokenizer = open_hello();
  temper_decoder *decoder = nullptr;
  assert_int_equal(temper_decoder_create(tokenizer, 0, &decoder, nullptr), TEMPER_OK);
  const std::string text = "hello world é 你好 😀 hello";
  int32_t tokens[64];
  size_t count = 0;
  assert_int_equal(temper_tokenizer_encode(tokenizer, text.data(), text.size(), 0, tokens, 64, &count, nullptr), TEMPER_OK);
  std::mt19937 random(3);
  for (int round = 0; round < 100; ++round) {
    std::string result;
    for (size_t at = 0; at < count;) {
      const size_t some = std::min<size_t>(count - at, random() % 4);
      result += push(decoder, std::vector<int32_t>(tokens + at, tokens + at + some));
      at += some;
    }
    assert_string_equal(result.c_str(), text.c_str());
    temper_decoder_reset(decoder);
  }
  temper_decoder_destroy(decoder);
  temper_tokenizer_destroy(tokenizer);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(sizes),
      cmocka_unit_test(questions),
      cmocka_unit_test(wrong_arguments),
      cmocka_unit_test(characters_stay_whole),
      cmocka_unit_test(streamed_equals_whole),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
