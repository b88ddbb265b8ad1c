// SPDX-License-Identifier: Apache-2.0
// bfloat16 weights: panels are pairs of inputs [input/2][output], the even input in the low half of a 32-bit
// word, so that widening is one instruction a vector.
#include "backends/cpu/formats/formats.h"

#include "backends/cpu/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/formats/bf16.cpp"
#include <hwy/foreach_target.h>

#include "backends/cpu/formats/sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace temper::cpu::HWY_NAMESPACE {

struct Bf16 {
  using Word = uint32_t;
  static constexpr int inputs_of_word = 2;
  // Pairs of inputs need registers for both halves of the weights.
  static constexpr int rows_of_tile = registers == 16 ? std::min(most_rows, 5) : most_rows;

  template <int R, int P>
  static HWY_INLINE void add(const Operands<uint32_t> &o, int64_t from, int64_t to, Ahead ahead) {
    const Floats d;
    const hn::Rebind<uint32_t, Floats> dw;
    const auto high = hn::Set(dw, 0xFFFF0000U);
    const float *x = o.x;
    const int64_t inputs = o.inputs;
    V sums[R][P * panel_vectors];
    load_tile<R, P>(o.tile, o.tile_stride, sums);
    const int64_t pairs = to / 2;  // `from` is even
    for (int64_t k = from / 2; k < pairs; ++k) {
#pragma GCC unroll 4
      for (int p = 0; p < P; ++p) {
        const uint32_t *panel = o.weights + static_cast<size_t>(p) * o.stride;
        const uint32_t *at = panel + k * panel_width;
        if constexpr (R > 2) hwy::Prefetch(panel + ahead.first + (k - from / 2) * ahead.pace);
        V even[panel_vectors], odd[panel_vectors];
#pragma GCC unroll 8
        for (int v = 0; v < panel_vectors; ++v) {
          const auto words = hn::Load(dw, at + v * lanes);
          even[v] = hn::BitCast(d, hn::ShiftLeft<16>(words));
          odd[v] = hn::BitCast(d, hn::And(words, high));
        }
#pragma GCC unroll 12
        for (int r = 0; r < R; ++r) {
          const V a = hn::Set(d, x[r * inputs + 2 * k]), b = hn::Set(d, x[r * inputs + 2 * k + 1]);
#pragma GCC unroll 8
          for (int v = 0; v < panel_vectors; ++v) {
            V &sum = sums[r][p * panel_vectors + v];
            sum = hn::MulAdd(b, odd[v], hn::MulAdd(a, even[v], sum));
          }
        }
      }
    }
    if (to % 2 != 0) {  // the last input of an odd number
#pragma GCC unroll 16
      for (int v = 0; v < P * panel_vectors; ++v) {
        const uint32_t *at = o.weights + static_cast<size_t>(v / panel_vectors) * o.stride + pairs * panel_width +
                             (v % panel_vectors) * lanes;
        const V even = hn::BitCast(d, hn::ShiftLeft<16>(hn::Load(dw, at)));
#pragma GCC unroll 12
        for (int r = 0; r < R; ++r) sums[r][v] = hn::MulAdd(hn::Set(d, x[r * inputs + to - 1]), even, sums[r][v]);
      }
    }
    store_tile<R, P>(o.tile, o.tile_stride, sums);
  }
};

void sum_bf16(const Panels &panels, const float *x, int64_t rows, float *tile, int64_t tile_stride) {
  sums_of<Bf16>(panels, x, rows, tile, tile_stride);
}

}  // namespace temper::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace temper::cpu {
namespace {

constexpr const char *name = "bfloat16";

int32_t check(const temper_linear_desc &desc) { return host::refuse_group(desc, name); }

size_t panel_bytes(int64_t inputs, int64_t) {
  return static_cast<size_t>((inputs + 1) / 2 * panel_width) * sizeof(uint32_t);
}

void pack(std::byte *panel, int64_t column, const host::OutputWeights &weights, int64_t) {
  auto *to = reinterpret_cast<uint32_t *>(panel) + column;
  for (int64_t k = 0; k < weights.inputs; ++k) {
    const auto bits = static_cast<uint32_t>(host::float_to_bfloat(weights[k]));
    to[k / 2 * panel_width] |= k % 2 == 0 ? bits : bits << 16;
  }
}

void unpack(const Panels &panel, float *to, int64_t stride) {
  const auto *words = reinterpret_cast<const uint32_t *>(panel.first);
  for (int64_t k = 0; k < panel.inputs; ++k)
    for (int64_t c = 0; c < panel_width; ++c) {
      const uint32_t word = words[k / 2 * panel_width + c];
      to[k * stride + c] = __builtin_bit_cast(float, k % 2 == 0 ? word << 16 : word & 0xFFFF0000U);
    }
}

SumFn sum(InstructionSet set) { return TEMPER_CHOOSE(sum_bf16, set); }

}  // namespace

const Format format_bf16{.number = TEMPER_FORMAT_BF16,
                         .name = name,
                         .check = check,
                         .panel_bytes = panel_bytes,
                         .pack = pack,
                         .unpack = unpack,
                         .sum = sum};

}  // namespace temper::cpu
#endif
