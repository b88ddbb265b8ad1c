// SPDX-License-Identifier: Apache-2.0
// Matrix products: every backend against the reference, and the same bits for a row in any company.
#include "linear_case.h"

#include <algorithm>

using namespace temper::test;

namespace {

void agrees_with_reference(void **) {
  Random random(1);
  const Opened plain(reference(), 1);
  for (const temper_backend *table : usable()) {
    const Opened fast(table, 2);
    for (int round = 0; round < 120; ++round) {
      const int32_t activation = between(random, 0, 3);
      std::vector<int64_t> sizes;
      const int32_t part_count = between(random, 1, 4);
      for (int32_t i = 0; i < part_count; ++i) sizes.push_back(between(random, 1, 70));
      if (activation == TEMPER_ACTIVATION_SWIGLU) sizes = {sizes[0], sizes[0]};
      const LinearCase linear(random, between(random, 1, round % 10 == 0 ? 1100 : 90), sizes, between(random, 0, 1),
                              activation, between(random, 0, 1), between(random, 0, 2), between(random, 0, 1) != 0);
      const int32_t rows = round % 20 == 0 ? 110 : between(random, 1, 20);
      const auto in = randoms(random, static_cast<size_t>(rows * linear.inputs));
      const auto residual = randoms(random, static_cast<size_t>(rows * linear.width));
      const auto gates = randoms(random, static_cast<size_t>(2 * (linear.width + 3)));
      const float *added = between(random, 0, 1) != 0 ? residual.data() : nullptr;
      const auto *gated = between(random, 0, 1) != 0 ? &gates : nullptr;
      temper_linear *a = linear.make(plain), *b = linear.make(fast);
      assert_close(linear.run(fast, b, in, 0, rows, added, gated), linear.run(plain, a, in, 0, rows, added, gated),
                   2e-5F, table->name);
      plain.ops->linear_destroy(plain.device, a);
      fast.ops->linear_destroy(fast.device, b);
    }
  }
}

void large_calls_agree(void **) {
  Random random(2);
  const Opened plain(reference(), 1);
  for (const temper_backend *table : usable()) {
    const Opened fast(table, 2);
    for (const int32_t format : {TEMPER_FORMAT_F32, TEMPER_FORMAT_BF16})
      for (const int32_t activation : {TEMPER_ACTIVATION_NONE, TEMPER_ACTIVATION_SWIGLU}) {
        const LinearCase linear(random, 67, {83, 83}, format, activation, 0, TEMPER_DTYPE_F32, true);
        const int32_t rows = activation == TEMPER_ACTIVATION_NONE ? 539 : 1091;
        const auto in = randoms(random, static_cast<size_t>(rows * linear.inputs));
        const auto residual = randoms(random, static_cast<size_t>(rows * linear.width));
        temper_linear *a = linear.make(plain), *b = linear.make(fast);
        assert_close(linear.run(fast, b, in, 0, rows, residual.data(), nullptr),
                     linear.run(plain, a, in, 0, rows, residual.data(), nullptr), 2e-5F, table->name);
        plain.ops->linear_destroy(plain.device, a);
        fast.ops->linear_destroy(fast.device, b);
      }
  }
}

void rows_dont_depend_on_company(void **) {
  Random random(3);
  for (const temper_backend *table : usable()) {
    const Opened one(table, 1), two(table, 2), three(table, 3);
    for (const int32_t format : {TEMPER_FORMAT_F32, TEMPER_FORMAT_BF16})
      for (const int64_t inputs : {1, 7, 64, 515, 1301}) {
        const LinearCase linear(random, inputs, {57, 40}, format, TEMPER_ACTIVATION_GELU_TANH, 0, TEMPER_DTYPE_F32,
                                true);
        const int32_t rows = 103;
        const auto in = randoms(random, static_cast<size_t>(rows * inputs));
        temper_linear *on_one = linear.make(one), *on_two = linear.make(two), *on_three = linear.make(three);
        const auto all = linear.run(one, on_one, in, 0, rows, nullptr, nullptr);
        assert_same(linear.run(two, on_two, in, 0, rows, nullptr, nullptr).data(), all.data(), all.size(), "2 threads");
        assert_same(linear.run(three, on_three, in, 0, rows, nullptr, nullptr).data(), all.data(), all.size(),
                    "3 threads");
        for (int32_t count : {1, 2, 3, 4, 5, 6, 7, 12, 13, 48, 97})
          for (int32_t first : {0, rows - count}) {
            const auto some = linear.run(two, on_two, in, first, count, nullptr, nullptr);
            assert_same(some.data(), all.data() + first * linear.width, some.size(), "rows alone");
          }
        one.ops->linear_destroy(one.device, on_one);
        two.ops->linear_destroy(two.device, on_two);
        three.ops->linear_destroy(three.device, on_three);
      }
  }
}

// What backends/README.md says of bits: a call of up to 1,024 rows is computed by the own kernels, and each row has
// the same bits in any such call; a larger call may go to a library, but then whole. Without a library there is no
// such border; with oneDNN the rows of larger calls have their own bits, again the same ones in any call; with
// OpenBLAS these depend on the row's place.
void bits_are_promised(void **) {
  constexpr int32_t border = 1024, most = 1700;
  Random random(4);
  for (const temper_backend *table : usable()) {
    const std::string name = table->name;
    const bool library = name == "onednn" || name == "openblas";
    const Opened on(table, 2);
    for (const int32_t format : {TEMPER_FORMAT_F32, TEMPER_FORMAT_BF16})
      for (const auto &[inputs, outputs] : {std::pair<int64_t, int64_t>{67, 150}, {768, 33}}) {
        const LinearCase linear(random, inputs, {outputs}, format, TEMPER_ACTIVATION_NONE, 0, TEMPER_DTYPE_F32, true);
        const auto in = randoms(random, static_cast<size_t>(most * inputs));
        temper_linear *made = linear.make(on);
        // Every row as it comes out of calls of at most 256 rows, and of one call of all rows.
        std::vector<float> small;
        for (int32_t first = 0; first < most; first += 256) {
          const auto some = linear.run(on, made, in, first, std::min(256, most - first), nullptr, nullptr);
          small.insert(small.end(), some.begin(), some.end());
        }
        const auto large = linear.run(on, made, in, 0, most, nullptr, nullptr);
        if (!library) assert_same(large.data(), small.data(), small.size(), table->name);
        assert_close(large, small, 2e-5F, table->name);
        for (const int32_t rows : {1, 7, 256, 257, 300, 600, border, border + 1, 1300})
          for (const int32_t first : {0, 5, 131, most - rows}) {
            if (rows > border && name == "openblas") continue;
            // In a stream for large calls: what is planned must not matter, only what is called.
            const auto some = linear.run(on, made, in, first, rows, nullptr, nullptr, most);
            const float *want = (rows > border ? large : small).data() + first * linear.width;
            assert_same(some.data(), want, some.size(), table->name);
          }
        table->linear_destroy(on.device, made);
      }
  }
}

void refuses_nonsense(void **) {
  for (const temper_backend *table : usable()) {
    const Opened on(table, 2);
    const float weight[4] = {1, 2, 3, 4};
    const temper_linear_part good{weight, TEMPER_DTYPE_F32, 2, nullptr, nullptr, 0};
    const temper_linear_part scaled{weight, TEMPER_DTYPE_F32, 2, nullptr, weight, 1};
    const temper_linear_desc plain{.inputs = 2,
                                   .part_count = 1,
                                   .parts = &good,
                                   .input_major = 0,
                                   .format = TEMPER_FORMAT_F32,
                                   .group = 0,
                                   .activation = TEMPER_ACTIVATION_NONE};
    temper_linear *linear = nullptr;
    const auto refused = [&](int32_t code, void (*spoil)(temper_linear_desc &)) {
      temper_linear_desc desc = plain;
      spoil(desc);
      assert_int_equal(table->linear_create(on.device, &desc, &linear), code);
      assert_null(linear);
    };
    refused(TEMPER_E_ARGUMENT, [](temper_linear_desc &desc) { desc.inputs = 0; });
    refused(TEMPER_E_ARGUMENT, [](temper_linear_desc &desc) { desc.part_count = 5; });
    refused(TEMPER_E_UNSUPPORTED, [](temper_linear_desc &desc) { desc.format = 17; });
    assert_non_null(std::strstr(table->last_error(on.device), "17"));
    // Neither format has scales.
    refused(TEMPER_E_UNSUPPORTED, [](temper_linear_desc &desc) { desc.group = 32; });
    assert_non_null(std::strstr(table->last_error(on.device), "32"));
    temper_linear_desc desc = plain;
    desc.parts = &scaled;
    assert_int_equal(table->linear_create(on.device, &desc, &linear), TEMPER_E_UNSUPPORTED);
    assert_non_null(std::strstr(table->last_error(on.device), "scales"));
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(agrees_with_reference),
      cmocka_unit_test(large_calls_agree),
      cmocka_unit_test(rows_dont_depend_on_company),
      cmocka_unit_test(bits_are_promised),
      cmocka_unit_test(refuses_nonsense),
  };
  return cmocka_run_group_tests_name("backend linear", tests, nullptr, nullptr);
}
