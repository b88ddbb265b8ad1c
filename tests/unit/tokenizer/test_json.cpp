// SPDX-License-Identifier: Apache-2.0
// tokenizer.json: every kind of step, against encodings worked out by hand.
#include "fixtures.h"

#include "tokenizer/unicode.h"

extern "C" {
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
}

namespace {

using temper::Tokenizer;

Tokenizer::Shared open(const std::string &json, const temper::TokenizerExtras &extras = {}) {
  auto opened = Tokenizer::from_tokenizer_json(json, extras);
  if (!opened.ok()) fail_msg("%s", opened.status().message().c_str());
  return opened.value();
}

// The tokens' spellings, separated by bars.
std::string cut(const Tokenizer::Shared &tokenizer, const std::string &text, bool add = false, bool parse = false) {
  std::vector<int32_t> tokens;
  const temper::Status status = tokenizer->encode(text, {add, parse}, tokens);
  if (!status.ok()) fail_msg("%s", status.message().c_str());
  std::string result;
  for (const int32_t token : tokens) result += (result.empty() ? "" : "|") + std::string(tokenizer->text(token));
  return result;
}

std::string back(const Tokenizer::Shared &tokenizer, const std::string &text, bool add = false, bool skip = false) {
  std::vector<int32_t> tokens;
  assert_true(tokenizer->encode(text, {add, false}, tokens).ok());
  std::string result;
  assert_true(tokenizer->decode(tokens, skip, result).ok());
  return result;
}

void assert_cut(const std::string &steps, const char *text, const char *expected) {
  assert_string_equal(cut(open(fixtures::hello_json(steps)), text).c_str(), expected);
}

void the_three_forms_agree(void **) {
  const auto strings = open(fixtures::hello_json(fixtures::byte_level()));
  const auto pairs = open(fixtures::hello_json(fixtures::byte_level(), true));
  auto files = Tokenizer::from_vocab_merges(fixtures::vocab_json(fixtures::byte_tokens(fixtures::hello_merges())),
                                            fixtures::merges_text(fixtures::hello_merges()));
  assert_true(files.ok());
  for (const char *text : {"", "hello world", "hell  world ##", "hello\xFFworld", "ä hello 你"}) {
    const std::string expected = cut(strings, text);
    assert_string_equal(cut(pairs, text).c_str(), expected.c_str());
    assert_string_equal(cut(files.value(), text).c_str(), expected.c_str());
    assert_string_equal(back(strings, text).c_str(), text);
  }
  assert_string_equal(cut(strings, "hello world").c_str(), "hello|Ġworld");
  assert_int_equal(strings->vocab_size(), 256 + fixtures::hello_merges().size());
}

void normalizers(void **) {
  const std::string bytes = std::string(",") + fixtures::byte_level();
  assert_cut(R"("normalizer":{"type":"Lowercase"})" + bytes, "HeLLo", "hello");
  assert_cut(R"("normalizer":{"type":"Strip","strip_left":true,"strip_right":true})" + bytes, "  hello\n ", "hello");
  assert_cut(R"("normalizer":{"type":"Prepend","prepend":" "})" + bytes, "world", "Ġworld");
  assert_cut(R"("normalizer":{"type":"Replace","pattern":{"String":"_"},"content":" "})" + bytes, "hello_world", "hello|Ġworld");
  assert_cut(R"("normalizer":{"type":"Replace","pattern":{"Regex":"_+"},"content":" "})" + bytes, "hello___world", "hello|Ġworld");
  assert_cut(R"("normalizer":{"type":"Sequence","normalizers":[{"type":"Lowercase"},{"type":"NFC"}]})" + bytes, "HELLO", "hello");
  assert_string_equal(temper::to_nfc("e\xCC\x81 \xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB").c_str(), "\xC3\xA9 \xED\x95\x9C");
  assert_string_equal(temper::to_nfd("\xC3\xA9 \xED\x95\x9C").c_str(), "e\xCC\x81 \xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB");
  // Marks are ordered by class, the lower ones first; an excluded composition stays apart.
  assert_string_equal(temper::to_nfc("q\xCC\x87\xCC\xA3").c_str(), "q\xCC\xA3\xCC\x87");
  assert_string_equal(temper::to_nfc("\xE0\xA5\x98").c_str(), "\xE0\xA4\x95\xE0\xA4\xBC");
  assert_string_equal(temper::to_nfc("e\xFF\xCC\x81").c_str(), "e\xFF\xCC\x81");
}

void splits(void **) {
  const auto with = [](const std::string &behavior, const std::string &more = "") {
    return R"("pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"String":"#"},"behavior":")" + behavior +
           "\"" + more + R"(},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]})";
  };
  assert_cut(with("Isolated"), "hello##hello", "hello|#|#|hello");
  assert_cut(with("Removed"), "hello##hello", "hello|hello");
  assert_cut(with("Contiguous"), "hello##hello", "hello|##|hello");
  assert_cut(with("MergedWithPrevious"), "##hello##", "#|#|hello|#|#");
  assert_cut(with("MergedWithNext"), "##hello##", "#|#|hello|#|#");
  assert_cut(with("Removed", ",\"invert\":true"), "hello##hello", "#|#");
  assert_cut(with("Isolated"), "", "");
  const std::string digits = R"({"type":"Digits","individual_digits":true})";
  assert_cut(R"("pre_tokenizer":{"type":"Sequence","pretokenizers":[)" + digits +
                 R"(,{"type":"ByteLevel","add_prefix_space":true,"use_regex":true}]})",
             "world12", "Ġworld|Ġ|1|Ġ|2");
}

void whole_pieces_with_ignore_merges(void **) {
  const std::string model = "\"vocab\":" + fixtures::vocab_json([] {
    auto tokens = fixtures::byte_tokens({});
    tokens.push_back("Ġabc");
    return tokens;
  }()) + ",\"merges\":[]";
  assert_string_equal(cut(open(fixtures::tokenizer_json(model + ",\"ignore_merges\":true", fixtures::byte_level())), "abc abc").c_str(), "a|b|c|Ġabc");
  assert_string_equal(cut(open(fixtures::tokenizer_json(model, fixtures::byte_level())), " abc").c_str(), "Ġ|a|b|c");
}

void added_tokens(void **) {
  const auto tokenizer = open(fixtures::hello_json(
      std::string(fixtures::byte_level()) +
      R"(,"added_tokens":[{"id":300,"content":"<x>","special":true,"lstrip":true},{"id":301,"content":"<xy>","special":false},)"
      R"({"id":302,"content":"word","special":false,"single_word":true,"rstrip":true}])"));
  assert_int_equal(tokenizer->vocab_size(), 303);
  assert_string_equal(cut(tokenizer, "hello <x>hello", false, true).c_str(), "hello|<x>|hello");
  assert_string_equal(cut(tokenizer, "<x>").c_str(), "<|x|>");
  assert_string_equal(cut(tokenizer, "<xy>").c_str(), "<xy>");
  assert_string_equal(cut(tokenizer, "word  hello").c_str(), "word|hello");
  assert_string_equal(cut(tokenizer, "swords").c_str(), "s|w|o|r|d|s");
  std::string text;
  const std::vector<int32_t> tokens = {300, 301};
  assert_true(tokenizer->decode(tokens, true, text).ok());
  assert_string_equal(text.c_str(), "<xy>");
  assert_int_equal(tokenizer->decode(std::vector<int32_t>{290}, false, text).code(), TEMPER_E_ARGUMENT);
}

void byte_fallback(void **) {
  const auto tokenizer = open(fixtures::llama_json(
      R"("normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]},)"
      R"("decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]})"));
  assert_string_equal(cut(tokenizer, "ab a\n").c_str(), "▁ab|▁a|<0x0A>");
  assert_string_equal(cut(tokenizer, "ab", true).c_str(), "<s>|▁ab");
  assert_string_equal(cut(tokenizer, "é你\xFF").c_str(), "▁|é|<0xE4>|<0xBD>|<0xA0>|<0xFF>");
  assert_int_equal(*tokenizer->bos(), 1);
  assert_int_equal(*tokenizer->eos(), 2);
  for (const char *text : {"", "ab a\n", " ab", "  ", "é你\xFF z"}) assert_string_equal(back(tokenizer, text, true, true).c_str(), text);
}

void metaspace(void **) {
  const auto tokenizer = open(fixtures::llama_json(
      R"("pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true},"decoder":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"})"));
  assert_string_equal(cut(tokenizer, "ab a").c_str(), "▁ab|▁a");
  assert_string_equal(cut(tokenizer, "ab</s>ab", false, true).c_str(), "▁ab|</s>|ab");
  assert_string_equal(back(tokenizer, "ab a").c_str(), "ab a");
}

void roles_from_the_config(void **) {
  temper::TokenizerExtras extras;
  extras.config = R"({"bos_token":"<b>","eos_token":{"content":"<e>"},"pad_token":null,"add_bos_token":true,)"
                  R"("added_tokens_decoder":{"400":{"content":"<b>","special":true},"401":{"content":"<e>","special":true}}})";
  extras.added_tokens = R"({"<m>":402})";
  extras.special_map = R"({"mask_token":"<m>"})";
  const auto tokenizer = open(fixtures::hello_json(fixtures::byte_level()), extras);
  assert_int_equal(*tokenizer->bos(), 400);
  assert_int_equal(*tokenizer->eos(), 401);
  assert_int_equal(*tokenizer->mask(), 402);
  assert_false(tokenizer->pad().has_value());
  assert_true(tokenizer->is_special(402));
  assert_string_equal(cut(tokenizer, "hello", true).c_str(), "<b>|hello");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_three_forms_agree), cmocka_unit_test(normalizers),
      cmocka_unit_test(splits),                cmocka_unit_test(whole_pieces_with_ignore_merges),
      cmocka_unit_test(added_tokens),          cmocka_unit_test(byte_fallback),
      cmocka_unit_test(metaspace),             cmocka_unit_test(roles_from_the_config),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
