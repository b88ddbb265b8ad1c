// SPDX-License-Identifier: Apache-2.0
// float32 weights: panels are [input][output].
#include "backends/cpu/formats/formats.h"

#include "backends/cpu/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/formats/f32.cpp"
#include <hwy/foreach_target.h>

#include "backends/cpu/formats/sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace temper::cpu::HWY_NAMESPACE {

struct F32 {
  using Word = float;
  static constexpr int inputs_of_word = 1;
  static constexpr int rows_of_tile = most_rows;

  template <int R, int P>
  static HWY_INLINE void add(const Operands<float> &o, int64_t from, int64_t to, Ahead ahead) {
    const Floats d;
    const float *x = o.x;
    const int64_t inputs = o.inputs;
    V sums[R][P * panel_vectors];
    load_tile<R, P>(o.tile, o.tile_stride, sums);
    for (int64_t k = from; k < to; ++k) {
#pragma GCC unroll 4
      for (int p = 0; p < P; ++p) {
        const float *panel = o.weights + static_cast<size_t>(p) * o.stride;
        const float *at = panel + k * panel_width;
        if constexpr (R > 2) hwy::Prefetch(panel + ahead.first + (k - from) * ahead.pace);
        V w[panel_vectors];
#pragma GCC unroll 8
        for (int v = 0; v < panel_vectors; ++v) w[v] = hn::Load(d, at + v * lanes);
#pragma GCC unroll 12
        for (int r = 0; r < R; ++r) {
          const V a = hn::Set(d, x[r * inputs + k]);
#pragma GCC unroll 8
          for (int v = 0; v < panel_vectors; ++v)
            sums[r][p * panel_vectors + v] = hn::MulAdd(a, w[v], sums[r][p * panel_vectors + v]);
        }
      }
    }
    store_tile<R, P>(o.tile, o.tile_stride, sums);
  }
};

void sum_f32(const Panels &panels, const float *x, int64_t rows, float *tile, int64_t tile_stride) {
  sums_of<F32>(panels, x, rows, tile, tile_stride);
}

}  // namespace temper::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace temper::cpu {
namespace {

constexpr const char *name = "float32";

int32_t check(const temper_linear_desc &desc) { return host::refuse_group(desc, name); }

size_t panel_bytes(int64_t inputs, int64_t) { return static_cast<size_t>(inputs * panel_width) * sizeof(float); }

void pack(std::byte *panel, int64_t column, const host::OutputWeights &weights, int64_t) {
  auto *to = reinterpret_cast<float *>(panel) + column;
  for (int64_t k = 0; k < weights.inputs; ++k) to[k * panel_width] = weights[k];
}

void unpack(const Panels &panel, float *to, int64_t stride) {
  const auto *from = reinterpret_cast<const float *>(panel.first);
  for (int64_t k = 0; k < panel.inputs; ++k) std::copy_n(from + k * panel_width, panel_width, to + k * stride);
}

SumFn sum(InstructionSet set) { return TEMPER_CHOOSE(sum_f32, set); }

}  // namespace

const Format format_f32{.number = TEMPER_FORMAT_F32,
                        .name = name,
                        .check = check,
                        .panel_bytes = panel_bytes,
                        .pack = pack,
                        .unpack = unpack,
                        .sum = sum};

}  // namespace temper::cpu
#endif
