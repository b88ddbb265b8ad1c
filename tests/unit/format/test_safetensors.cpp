// SPDX-License-Identifier: Apache-2.0
#include "base/mapped_file.h"
#include "format/safetensors.h"
#include "temporary_folder.h"

#include <cmath>
#include <cstring>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

extern "C" {
#include <cmocka.h>
}

using namespace temper;

namespace {

std::span<const std::byte> bytes_of(const std::string &text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

Result<TensorSet> parse(const std::string &header, const std::string &data, std::string &file) {
  file = tiny::safetensors_of(header, data);
  return parse_safetensors(bytes_of(file), "test");
}

void reads_tensors(void **) {
  std::string file;
  const auto set = parse(
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2,1],"data_offsets":[4,8]},)"
      R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
      R"("e":{"dtype":"F32","shape":[0,3],"data_offsets":[8,8]},)"
      R"("q":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[8,11]}}   )",
      std::string("\0\0\x80\x3f\x80\x3f\0\xc0" "abc", 11), file);
  assert_true(set.ok());
  const TensorView *a = set.value().find("a"), *b = set.value().find("b");
  assert_non_null(a);
  assert_non_null(b);
  assert_int_equal(a->elements(), 1);
  assert_int_equal(b->shape.size(), 2);
  float value[2] = {};
  to_float(*a, value);
  assert_true(value[0] == 1.0F);
  to_float(*b, value);
  assert_true(value[0] == 1.0F && value[1] == -2.0F);
  assert_int_equal(set.value().find("e")->elements(), 0);
  assert_null(set.value().find("q"));
  assert_string_equal(set.value().opaque.at("q").c_str(), "F8_E4M3");
  assert_true(set.value().has_prefix("q"));
  assert_false(set.value().has_prefix("ab"));
}

template <typename Stored>
float converted(Dtype dtype, Stored value) {
  // One byte off, so that reads are unaligned.
  alignas(8) std::byte buffer[1 + sizeof value];
  std::memcpy(buffer + 1, &value, sizeof value);
  const TensorView view{dtype, {1}, {buffer + 1, sizeof value}};
  float out = 0;
  to_float(view, &out);
  return out;
}

void converts_exactly(void **) {
  const auto half = [](uint16_t bits) { return converted(Dtype::f16, bits); };
  assert_true(half(0x3C00) == 1.0F);
  assert_true(half(0xC500) == -5.0F);
  assert_true(half(0x7BFF) == 65504.0F);
  assert_true(half(0x0001) == 0x1p-24F);
  assert_true(half(0x83FF) == -1023.0F * 0x1p-24F);
  assert_true(half(0x0400) == 0x1p-14F);
  assert_true(std::isinf(half(0xFC00)) && half(0xFC00) < 0);
  assert_true(std::isnan(half(0x7E00)));
  assert_true(std::signbit(half(0x8000)));
  assert_true(converted(Dtype::bf16, uint16_t{0x4049}) == 3.140625F);
  assert_true(converted(Dtype::f32, 1.5F) == 1.5F);
  assert_true(converted(Dtype::f64, -0.25) == -0.25F);
  assert_true(converted(Dtype::i64, int64_t{-7}) == -7.0F);
  assert_true(converted(Dtype::u8, uint8_t{200}) == 200.0F);
}

void refuses(void **) {
  const struct {
    const char *header;
    size_t data;
    const char *message;
  } cases[] = {
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4, "disagree"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
       R"("b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})", 6, "overlaps"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
       R"("b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4, "overlaps"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8, "hole"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 5, "after the last tensor"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
       R"("a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8, "twice"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"shape":[1]}})", 4, "twice"},
      {R"([])", 0, "begin with {"},
      {R"( {})", 0, "begin with {"},
  };
  for (const auto &entry : cases) {
    std::string file;
    const auto set = parse(entry.header, std::string(entry.data, '\0'), file);
    assert_false(set.ok());
    assert_int_equal(set.status().code(), TEMPER_E_FORMAT);
    if (set.status().message().find(entry.message) == std::string::npos)
      fail_msg("\"%s\" not in \"%s\"", entry.message, set.status().message().c_str());
  }
}

void any_cut_is_an_error(void **) {
  const tiny::Model model = tiny::gpt2();
  const std::string whole = tiny::safetensors_of(model.header, model.data);
  assert_true(parse_safetensors(bytes_of(whole), "test").ok());
  for (size_t size = 0; size < whole.size(); size += size < 2000 ? 1 : 37) {
    const std::string cut = whole.substr(0, size);
    assert_false(parse_safetensors(bytes_of(cut), "test").ok());
  }
}

void maps_files(void **) {
  const TemporaryFolder folder;
  folder.write("empty", "");
  folder.write("some", "abc");
  assert_int_equal(MappedFile::open(folder.path() + "/empty").value().bytes().size(), 0);
  MappedFile some = std::move(MappedFile::open(folder.path() + "/some").value());
  MappedFile moved = std::move(some);
  assert_int_equal(moved.bytes().size(), 3);
  assert_true(std::to_integer<char>(moved.bytes()[2]) == 'c');
  const auto missing = MappedFile::open(folder.path() + "/none");
  assert_int_equal(missing.status().code(), TEMPER_E_IO);
  assert_non_null(std::strstr(missing.status().message().c_str(), "/none: No such file"));
  assert_int_equal(MappedFile::open(folder.path()).status().code(), TEMPER_E_IO);
  assert_int_equal(MappedFile::open("/dev/null").status().code(), TEMPER_E_IO);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(reads_tensors), cmocka_unit_test(converts_exactly),
      cmocka_unit_test(refuses), cmocka_unit_test(any_cut_is_an_error),
      cmocka_unit_test(maps_files)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
