// SPDX-License-Identifier: Apache-2.0
// What the sums of all formats share, compiled for each instruction set: how many rows and panels a tile of
// registers has, and in which order tiles go over the inputs. Each output is one chain of multiply-adds over
// the inputs in their order, whichever tile computes it: other rows of a call can't change its bits.
//
// A format brings a struct `Kind` with
//   Word            what its panels are made of
//   inputs_of_word  inputs that stand together in panel_width words
//   rows_of_tile    rows of the largest tile, at most most_rows
//   add<R, P>(...)  adds inputs [from, to) of R rows with P neighbouring panels to a tile; `from` is a multiple
//                   of input_block
#include "backends/cpu/formats/formats.h"

#include <algorithm>

// Each instruction set's pass includes this once.
#if defined(TEMPER_CPU_FORMATS_SUMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TEMPER_CPU_FORMATS_SUMS_INL_H
#undef TEMPER_CPU_FORMATS_SUMS_INL_H
#else
#define TEMPER_CPU_FORMATS_SUMS_INL_H
#endif

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

// A tile's operands: neighbouring panels, `stride` words apart; rows of x `inputs` apart.
template <typename Word>
struct Operands {
  const Word *weights;
  size_t stride;
  int64_t inputs;
  const float *x;
  float *tile;
  int64_t tile_stride;

  Operands at(int32_t panel) const {
    return {weights + static_cast<size_t>(panel) * stride, stride, inputs, x, tile + panel * panel_width, tile_stride};
  }
  Operands row(int64_t r) const {
    return {weights, stride, inputs, x + r * inputs, tile + r * tile_stride, tile_stride};
  }
};

template <int R, int P>
HWY_INLINE void load_tile(const float *tile, int64_t stride, V (&sums)[R][P * panel_vectors]) {
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
    for (int v = 0; v < P * panel_vectors; ++v) sums[r][v] = hn::LoadU(Floats(), tile + r * stride + v * lanes);
}

template <int R, int P>
HWY_INLINE void store_tile(float *tile, int64_t stride, const V (&sums)[R][P * panel_vectors]) {
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
    for (int v = 0; v < P * panel_vectors; ++v) hn::StoreU(sums[r][v], Floats(), tile + r * stride + v * lanes);
}

// R rows with `panels` panels, inputs [from, to).
template <typename Kind, int R>
HWY_NOINLINE void rows_of(const Operands<typename Kind::Word> &all, int32_t panels, int64_t from, int64_t to,
                          Ahead ahead) {
  constexpr int P = most_panels(R);
  int32_t p = 0;
  for (; p + P <= panels; p += P) Kind::template add<R, P>(all.at(p), from, to, ahead);
  for (; p < panels; ++p) Kind::template add<R, 1>(all.at(p), from, to, ahead);
}

template <typename Kind, int R>
HWY_INLINE void rows_up_to(int64_t rows, const Operands<typename Kind::Word> &all, int32_t panels, int64_t from,
                           int64_t to, Ahead ahead) {
  if (rows == R) {
    rows_of<Kind, R>(all, panels, from, to, ahead);
  } else if constexpr (R > 1) {
    rows_up_to<Kind, R - 1>(rows, all, panels, from, to, ahead);
  }
}

// A SumFn.
template <typename Kind>
HWY_INLINE void sums_of(const Panels &panels, const float *x, int64_t rows, float *tile, int64_t tile_stride) {
  using Word = typename Kind::Word;
  constexpr int most = Kind::rows_of_tile;
  const int64_t inputs = panels.inputs;
  const Operands<Word> all{reinterpret_cast<const Word *>(panels.first), panels.stride / sizeof(Word), inputs, x, tile,
                           tile_stride};
  for (int64_t r = 0; r < rows; ++r) std::fill_n(tile + r * tile_stride, panels.count * panel_width, 0.0F);
  // One pass streams the panels; more rows than a tile come back to a part while it is in L1.
  const int64_t block = rows <= most ? inputs : input_block;
  const int32_t together = rows <= most ? panels.count : most_panels(most);
  // Tiles of like size: eight rows are four and four, as each tile reads the weights again.
  const int64_t tiles = (rows + most - 1) / most;
  for (int64_t from = 0; from < inputs; from += block)
    for (int32_t p = 0; p < panels.count; p += together) {
      const int64_t to = std::min(inputs, from + block);
      const int64_t begin = from / Kind::inputs_of_word * panel_width;
      const int64_t share = (to - from) / Kind::inputs_of_word * panel_width / tiles;
      for (int64_t t = 0; t < tiles; ++t) {
        const int64_t r = rows * t / tiles;
        const Ahead ahead = tiles == 1 ? Ahead{begin + prefetch_words, panel_width}
                                       : Ahead{together * static_cast<int64_t>(all.stride) + begin + t * share,
                                               panel_width / tiles};
        rows_up_to<Kind, most>(rows * (t + 1) / tiles - r, all.at(p).row(r), std::min(together, panels.count - p), from,
                               to, ahead);
      }
    }
}

}  // namespace temper::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
