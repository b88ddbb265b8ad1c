// SPDX-License-Identifier: Apache-2.0
// GPT-2's own vocabulary: known encodings, a megabyte of Shakespeare, and any bytes at all.
#include "fixtures.h"

#include <chrono>
#include <random>

extern "C" {
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
}

namespace {

using temper::Tokenizer;

Tokenizer::Shared gpt2;

std::vector<int32_t> encode(const std::string &text, bool parse_special = false) {
  std::vector<int32_t> tokens;
  Tokenizer::EncodeOptions options;
  options.parse_special = parse_special;
  assert_true(gpt2->encode(text, options, tokens).ok());
  return tokens;
}

std::string decode(const std::vector<int32_t> &tokens) {
  std::string text;
  assert_true(gpt2->decode(tokens, false, text).ok());
  return text;
}

void known_encodings(void **) {
  const std::pair<const char *, std::vector<int32_t>> cases[] = {
      {"", {}},
      {"Hello world", {15496, 995}},
      {"Hello, world!", {15496, 11, 995, 0}},
      {"Once upon a time", {7454, 2402, 257, 640}},
      {"I'm sure they've", {40, 1101, 1654, 484, 1053}},
      {"  two", {220, 734}},
      {"a   b\n\n c ", {64, 220, 220, 275, 628, 269, 220}},
      {"你好，世界！",
       {19526, 254, 25001, 121, 171, 120, 234, 10310, 244, 45911, 234, 171, 120, 223}},
      {"naïve café", {2616, 38776, 40304}},
      {"\xF0\x9F\x98\x80", {47249, 222}},
  };
  for (const auto &[text, tokens] : cases) {
    assert_true(encode(text) == tokens);
    assert_string_equal(decode(tokens).c_str(), text);
  }
}

void special_tokens_need_leave(void **) {
  assert_int_equal(*gpt2->eos(), 50256);
  assert_int_equal(*gpt2->bos(), 50256);
  assert_false(gpt2->mask().has_value());
  assert_true(encode("a<|endoftext|>b", true) == (std::vector<int32_t>{64, 50256, 65}));
  const std::vector<int32_t> plain = encode("a<|endoftext|>b");
  for (const int32_t token : plain) assert_int_not_equal(token, 50256);
  assert_string_equal(decode(plain).c_str(), "a<|endoftext|>b");
}

void shakespeare(void **) {
  const std::string text = fixtures::shared_file("data/tinyshakespeare/input.txt");
  assert_int_equal(text.size(), 1115394);
  const auto start = std::chrono::steady_clock::now();
  const std::vector<int32_t> tokens = encode(text);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  print_message("tinyshakespeare: %zu tokens in %.3f s\n", tokens.size(), seconds.count());
  assert_int_equal(tokens.size(), 338025);
  assert_true(decode(tokens) == text);
}

void any_bytes_come_back(void **) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 64, ' ');
    for (char &c : text) {
      // Half of them from a few bytes that make runs, contractions and broken characters likely.
      static const char likely[] = " \n\t'stab1\xC3\xA9\xE4\xBD\xA0\xF0\x9F\x98\x80\xFF";
      c = random() % 2 == 0 ? static_cast<char>(random()) : likely[random() % (sizeof likely - 1)];
    }
    assert_true(decode(encode(text)) == text);
  }
}

void long_pieces_are_not_quadratic(void **) {
  const auto start = std::chrono::steady_clock::now();
  for (const char *unit : {"a", "ab", " ", "\xE4\xBD\xA0", "\xFF", "!"}) {
    std::string text;
    while (text.size() < (1U << 20)) text += unit;
    assert_true(decode(encode(text)) == text);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  print_message("six pieces of 1 MiB: %.3f s\n", seconds.count());
  assert_true(seconds.count() < 60.0);
}

}  // namespace

int main() {
  const std::string vocabulary = fixtures::shared_file("data/gpt2/encoder.json");
  const std::string merges = fixtures::shared_file("data/gpt2/vocab.bpe");
  if (vocabulary.empty() || merges.empty()) {
    std::puts("skipped: GPT-2's vocabulary isn't here (set TEMPER_SHARED)");
    return 77;
  }
  auto opened = Tokenizer::from_vocab_merges(vocabulary, merges);
  if (!opened.ok()) {
    std::puts(opened.status().message().c_str());
    return 1;
  }
  gpt2 = opened.value();
  const CMUnitTest tests[] = {
      cmocka_unit_test(known_encodings),     cmocka_unit_test(special_tokens_need_leave),
      cmocka_unit_test(shakespeare),         cmocka_unit_test(any_bytes_come_back),
      cmocka_unit_test(long_pieces_are_not_quadratic),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
