// SPDX-License-Identifier: Apache-2.0
// Embedding and normalisation of every backend against the reference.
#include "harness.h"

#include <algorithm>

using namespace temper::test;

namespace {

std::vector<float> embed(const temper_backend *table, const temper_embedding &embedding, Rows rows) {
  const Opened on(table, 2);
  const temper_rows view = rows.view();
  StreamOf stream(on, view.count, 8, embedding.width);
  check(on, table->begin(stream.stream, &view));
  // The tables of the test have 40 rows.
  const auto floats = static_cast<size_t>(40 * embedding.width);
  const OnDevice rows_of(on, embedding.table, floats * (embedding.dtype == TEMPER_DTYPE_F32 ? 4 : 2));
  const auto optional = [&](const float *values, size_t count) {
    return values != nullptr ? std::make_unique<OnDevice>(on, values, count * sizeof(float)) : nullptr;
  };
  const auto positions = optional(embedding.positions, floats), mix = optional(embedding.mix, 2);
  temper_embedding there = embedding;
  there.table = rows_of.raw();
  if (positions != nullptr) there.positions = positions->floats();
  if (mix != nullptr) there.mix = mix->floats();
  const OnDevice out(on, std::vector<float>(static_cast<size_t>(view.count * embedding.width)));
  check(on, table->embed(stream.stream, out.floats(), &there));
  return out.read();
}

void embeddings_are_looked_up(void **) {
  Random random(4);
  for (const int64_t width : {1, 17, 64}) {
    const auto table32 = randoms(random, static_cast<size_t>(40 * width));
    std::vector<uint16_t> table16(table32.size());
    for (uint16_t &half : table16) half = static_cast<uint16_t>((random() & 0x83FFU) | 0x3000U);
    const auto positions = randoms(random, static_cast<size_t>(40 * width));
    const float mix[2] = {0.25F, 1.0F};
    Rows rows;
    for (int32_t r = 0; r < 33; ++r) rows.add(r % 7 == 3 ? -1 : (r * 5) % 40, 39 - r, r % 2, 0, 0, 0, 0);
    for (int32_t dtype = 0; dtype < 3; ++dtype)
      for (int variant = 0; variant < 4; ++variant) {
        const void *data = dtype == TEMPER_DTYPE_F32 ? static_cast<const void *>(table32.data()) : table16.data();
        const temper_embedding embedding{data, dtype, width, variant % 2 != 0 ? positions.data() : nullptr,
                                         variant / 2 != 0 ? mix : nullptr, 39};
        std::vector<std::vector<float>> found;
        for (const temper_backend *table : usable()) found.push_back(embed(table, embedding, rows));
        const auto want = embed(reference(), embedding, rows);
        for (const auto &other : found) assert_close(other, want, 1e-6F, "embedding");
        // The definition itself, on a plain float32 table.
        if (dtype == TEMPER_DTYPE_F32 && variant == 2)
          assert_true(std::abs(found[0][0] - (0.25F * table32[0] + 0.75F * table32[static_cast<size_t>(39 * width)])) < 1e-6F);
        if (variant == 0) assert_true(found[0][static_cast<size_t>(3 * width)] == 0.0F);
      }
  }
}

void a_mixed_embedding_needs_a_mask(void **) {
  for (const temper_backend *table : usable()) {
    const Opened on(table, 1);
    Rows rows;
    rows.add(0, 0, 0, 0, 0, 0, 0);
    const temper_rows view = rows.view();
    StreamOf stream(on, 1, 8, 4);
    check(on, table->begin(stream.stream, &view));
    const OnDevice values(on, std::vector<float>(8)), out(on, std::vector<float>(4));
    const temper_embedding embedding{values.raw(), TEMPER_DTYPE_F32, 4, nullptr, values.floats(), -1};
    assert_int_equal(table->embed(stream.stream, out.floats(), &embedding), TEMPER_E_ARGUMENT);
    assert_non_null(std::strstr(table->last_error(on.device), "mask"));
  }
}

std::vector<float> norm(const temper_backend *table, int32_t threads, const temper_norm &norm, Rows rows,
                        const std::vector<float> &in, const std::vector<int32_t> *index) {
  const Opened on(table, threads);
  const temper_rows view = rows.view();
  StreamOf stream(on, view.count, 8, norm.width);
  check(on, table->begin(stream.stream, &view));
  const int32_t count = index != nullptr ? static_cast<int32_t>(index->size()) : view.count;
  const auto width = static_cast<size_t>(norm.width);
  const auto there = [&](const float *values, size_t floats) {
    return values != nullptr ? std::make_unique<OnDevice>(on, values, floats * sizeof(float)) : nullptr;
  };
  const auto weight = there(norm.weight, width), bias = there(norm.bias, width);
  const auto vectors = there(norm.modulation.base, 2 * 3 * width);
  temper_norm moved = norm;
  if (weight != nullptr) moved.weight = weight->floats();
  if (bias != nullptr) moved.bias = bias->floats();
  if (vectors != nullptr) moved.modulation.base = vectors->floats();
  const OnDevice from(on, in), out(on, std::vector<float>(static_cast<size_t>(count) * width));
  check(on, table->norm(stream.stream, out.floats(), from.floats(), &moved, index != nullptr ? index->data() : nullptr,
                        count));
  return out.read();
}

void norms_agree(void **) {
  Random random(5);
  const std::vector<int32_t> index{5, 0, 5, 31};
  for (const int64_t width : {1, 3, 16, 67, 768, 1025})
    for (int variant = 0; variant < 16; ++variant) {
      const auto in = randoms(random, static_cast<size_t>(32 * width), 3.0F);
      const auto weight = randoms(random, static_cast<size_t>(width)), bias = randoms(random, static_cast<size_t>(width));
      const auto vectors = randoms(random, static_cast<size_t>(2 * 3 * width));
      Rows rows;
      for (int32_t r = 0; r < 32; ++r) rows.add(0, 0, r % 2, 0, 0, 0, 0);
      temper_norm what{variant & 1, 1e-5F, width, nullptr, nullptr, {}};
      if ((variant & 2) != 0) what.weight = weight.data();
      if ((variant & 2) != 0) what.bias = bias.data();
      if ((variant & 4) != 0) what.modulation = {vectors.data(), 3 * width, 0, 2 * width, 0};
      const auto *gather = (variant & 8) != 0 ? &index : nullptr;
      const auto want = norm(reference(), 1, what, rows, in, gather);
      for (const temper_backend *table : usable()) {
        const auto got = norm(table, 1, what, rows, in, gather);
        assert_close(got, want, 3e-5F, table->name);
        assert_same(norm(table, 3, what, rows, in, gather).data(), got.data(), got.size(), "3 threads");
      }
    }
}

void rows_are_checked(void **) {
  for (const temper_backend *table : usable()) {
    const Opened on(table, 1);
    StreamOf stream(on, 2, 8, 4);
    Rows many = plain_rows(3), two = plain_rows(2);
    const temper_rows too_many = many.view(), good = two.view();
    assert_int_equal(table->begin(stream.stream, &too_many), TEMPER_E_ARGUMENT);
    check(on, table->begin(stream.stream, &good));
    const temper_norm what{TEMPER_NORM_RMS, 1e-5F, 4, nullptr, nullptr, {}};
    const OnDevice in(on, std::vector<float>(8)), out(on, std::vector<float>(8));
    const int32_t outside = 2;
    assert_int_equal(table->norm(stream.stream, out.floats(), in.floats(), &what, &outside, 1), TEMPER_E_ARGUMENT);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(embeddings_are_looked_up),
      cmocka_unit_test(a_mixed_embedding_needs_a_mask),
      cmocka_unit_test(norms_agree),
      cmocka_unit_test(rows_are_checked),
  };
  return cmocka_run_group_tests_name("backend rows", tests, nullptr, nullptr);
}
