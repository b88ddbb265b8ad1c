// SPDX-License-Identifier: Apache-2.0
// Matrix products of a few rows with packed panels. Each output is one chain of multiply-adds over
// the inputs in their order, whichever tile computes it: rows and batches can't change its bits.
#include "backends/cpu/kernels.h"

#include "backends/cpu/kernels_parts.h"

#include <algorithm>
#include <type_traits>

#include "backends/cpu/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels_linear.cpp"
#include <hwy/foreach_target.h>
#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace temper::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, 16>;
using Words = hn::Rebind<uint32_t, Floats>;
using V = hn::Vec<Floats>;
constexpr int lanes = static_cast<int>(hn::MaxLanes(Floats()));
constexpr int panel_vectors = static_cast<int>(panel_width) / lanes;

#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int registers = 32;
#else
constexpr int registers = 16;
#endif
// Accumulators of one tile: what leaves room for the weights and a broadcast input.
constexpr int accumulators = registers == 32 ? 24 : (panel_vectors > 2 ? 8 : 12);
constexpr int most_rows = std::max(1, std::min(6, accumulators / panel_vectors));
// Pairs of inputs need registers for both halves of the weights.
template <typename W>
constexpr int rows_of_tile = !std::is_same_v<W, float> && registers == 16
                                 ? std::min(most_rows, 5)
                                 : most_rows;
constexpr int most_panels(int rows) {
  const int fit = accumulators / (panel_vectors * rows);
  return fit >= 4 ? 4 : (fit >= 2 ? 2 : 1);
}

// Multiply-adds keep a few rows' tile from running ahead far enough for the hardware alone: a single
// tile asks for what it reads 32 inputs later; several tiles share a part of the panels, and each fetches
// its share of the next part while it computes, so that memory is busy all the time. (Past the last panel
// this touches an address that is never read.)
constexpr int64_t prefetch_words = 32 * panel_width;

// Words from the start of a tile's panel to the first that it fetches, and from one fetch to the next.
struct Ahead {
  int64_t first, pace;
};

template <int Count>
HWY_INLINE void load_weights(const float *row, V *out) {
#pragma GCC unroll 8
  for (int v = 0; v < Count; ++v) out[v] = hn::Load(Floats(), row + v * lanes);
}

// Adds inputs [from, to) of R rows with P neighbouring panels to the tile.
template <int R, int P>
HWY_INLINE void tile_f32(const float *weights, size_t stride, int64_t from, int64_t to, int64_t inputs,
                         const float *x, float *tile, int64_t tile_stride, Ahead ahead) {
  const Floats d;
  V sums[R][P * panel_vectors];
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
    for (int v = 0; v < P * panel_vectors; ++v) sums[r][v] = hn::LoadU(d, tile + r * tile_stride + v * lanes);
  for (int64_t k = from; k < to; ++k) {
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) {
      const float *panel = weights + static_cast<size_t>(p) * stride;
      const float *at = panel + k * panel_width;
      if constexpr (R > 2) hwy::Prefetch(panel + ahead.first + (k - from) * ahead.pace);
      V w[panel_vectors];
      load_weights<panel_vectors>(at, w);
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) {
        const V a = hn::Set(d, x[r * inputs + k]);
#pragma GCC unroll 8
        for (int v = 0; v < panel_vectors; ++v)
          sums[r][p * panel_vectors + v] = hn::MulAdd(a, w[v], sums[r][p * panel_vectors + v]);
      }
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
    for (int v = 0; v < P * panel_vectors; ++v) hn::StoreU(sums[r][v], d, tile + r * tile_stride + v * lanes);
}

template <int R, int P>
HWY_INLINE void tile_bf16(const uint32_t *weights, size_t stride, int64_t from, int64_t to, int64_t inputs,
                          const float *x, float *tile, int64_t tile_stride, Ahead ahead) {
  const Floats d;
  const Words dw;
  const auto high = hn::Set(dw, 0xFFFF0000U);
  V sums[R][P * panel_vectors];
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
    for (int v = 0; v < P * panel_vectors; ++v) sums[r][v] = hn::LoadU(d, tile + r * tile_stride + v * lanes);
  const int64_t pairs = to / 2;  // `from` is even
  for (int64_t k = from / 2; k < pairs; ++k) {
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) {
      const uint32_t *panel = weights + static_cast<size_t>(p) * stride;
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
      const uint32_t *at = weights + static_cast<size_t>(v / panel_vectors) * stride + pairs * panel_width +
                           (v % panel_vectors) * lanes;
      const V even = hn::BitCast(d, hn::ShiftLeft<16>(hn::Load(dw, at)));
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) sums[r][v] = hn::MulAdd(hn::Set(d, x[r * inputs + to - 1]), even, sums[r][v]);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
    for (int v = 0; v < P * panel_vectors; ++v) hn::StoreU(sums[r][v], d, tile + r * tile_stride + v * lanes);
}

template <int R, int P>
HWY_INLINE void tile_of(const float *w, size_t stride, int64_t from, int64_t to, int64_t inputs, const float *x,
                        float *tile, int64_t tile_stride, Ahead ahead) {
  tile_f32<R, P>(w, stride, from, to, inputs, x, tile, tile_stride, ahead);
}
template <int R, int P>
HWY_INLINE void tile_of(const uint32_t *w, size_t stride, int64_t from, int64_t to, int64_t inputs,
                        const float *x, float *tile, int64_t tile_stride, Ahead ahead) {
  tile_bf16<R, P>(w, stride, from, to, inputs, x, tile, tile_stride, ahead);
}

// R rows with all panels of the group, inputs [from, to).
template <int R, typename W>
HWY_NOINLINE void rows_of(const W *weights, size_t stride, int32_t panels, int64_t from, int64_t to,
                          int64_t inputs, const float *x, float *tile, int64_t tile_stride, Ahead ahead) {
  constexpr int P = most_panels(R);
  int32_t p = 0;
  for (; p + P <= panels; p += P)
    tile_of<R, P>(weights + static_cast<size_t>(p) * stride, stride, from, to, inputs, x,
                  tile + p * panel_width, tile_stride, ahead);
  for (; p < panels; ++p)
    tile_of<R, 1>(weights + static_cast<size_t>(p) * stride, stride, from, to, inputs, x,
                  tile + p * panel_width, tile_stride, ahead);
}

template <int R, typename W>
HWY_INLINE void rows_up_to(int64_t rows, const W *weights, size_t stride, int32_t panels, int64_t from, int64_t to,
                        int64_t inputs, const float *x, float *tile, int64_t tile_stride, Ahead ahead) {
  if (rows == R) {
    rows_of<R>(weights, stride, panels, from, to, inputs, x, tile, tile_stride, ahead);
  } else if constexpr (R > 1) {
    rows_up_to<R - 1>(rows, weights, stride, panels, from, to, inputs, x, tile, tile_stride, ahead);
  }
}

template <typename W>
HWY_INLINE void sums_of(const W *weights, size_t stride, int32_t panels, int64_t inputs, const float *x,
                        int64_t rows, float *tile, int64_t tile_stride) {
  constexpr int most = rows_of_tile<W>;
  for (int64_t r = 0; r < rows; ++r) std::fill_n(tile + r * tile_stride, panels * panel_width, 0.0F);
  // One pass streams the panels; more rows than a tile come back to a part while it is in L1.
  const int64_t block = rows <= most ? inputs : input_block;
  const int32_t together = rows <= most ? panels : most_panels(most);
  const auto group = [&](int32_t p, int32_t count, int64_t from, int64_t to) {
    const W *w = weights + static_cast<size_t>(p) * stride;
    float *to_tile = tile + p * panel_width;
    // Tiles of like size: eight rows are four and four, as each tile reads the weights again.
    const int64_t tiles = (rows + most - 1) / most;
    // Inputs, or pairs of them, stand `panel_width` words apart.
    constexpr int64_t inputs_of_word = std::is_same_v<W, float> ? 1 : 2;
    const int64_t begin = from / inputs_of_word * panel_width;
    const int64_t share = (to - from) / inputs_of_word * panel_width / tiles;
    for (int64_t t = 0; t < tiles; ++t) {
      const int64_t r = rows * t / tiles;
      const Ahead ahead = tiles == 1 ? Ahead{begin + prefetch_words, panel_width}
                                     : Ahead{together * static_cast<int64_t>(stride) + begin + t * share,
                                             panel_width / tiles};
      rows_up_to<most>(rows * (t + 1) / tiles - r, w, stride, count, from, to, inputs, x + r * inputs,
                         to_tile + r * tile_stride, tile_stride, ahead);
    }
  };
  for (int64_t from = 0; from < inputs; from += block)
    for (int32_t p = 0; p < panels; p += together)
      group(p, std::min(together, panels - p), from, std::min(inputs, from + block));
}

void sum_f32(const float *weights, size_t stride, int32_t panels, int64_t inputs, const float *x, int64_t rows,
             float *tile, int64_t tile_stride) {
  sums_of(weights, stride, panels, inputs, x, rows, tile, tile_stride);
}

void sum_bf16(const uint32_t *weights, size_t stride, int32_t panels, int64_t inputs, const float *x,
              int64_t rows, float *tile, int64_t tile_stride) {
  sums_of(weights, stride, panels, inputs, x, rows, tile, tile_stride);
}

const char *target_name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace temper::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace temper::cpu {
HWY_EXPORT(target_name);
HWY_EXPORT(sum_f32);
HWY_EXPORT(sum_bf16);

void choose_linear(Kernels *kernels) {
  kernels->sum_f32 = &HWY_DYNAMIC_DISPATCH(sum_f32);
  kernels->sum_bf16 = &HWY_DYNAMIC_DISPATCH(sum_bf16);
}

Kernels choose_kernels() {
  // Before this the tables point to functions that choose anew at every call.
  if (!hwy::GetChosenTarget().IsInitialized()) hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  Kernels kernels{};
  choose_linear(&kernels);
  choose_rows(&kernels);
  choose_attention(&kernels);
  return kernels;
}

const char *instruction_set() {
  (void)choose_kernels();
  return HWY_DYNAMIC_DISPATCH(target_name)();
}
}  // namespace temper::cpu
#endif
