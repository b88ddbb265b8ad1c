// SPDX-License-Identifier: Apache-2.0
// Softmax attention of a few queries over one head's keys and values. Queries share the range that
// all of them see; what only some see is done query by query. A query's own order never changes:
// scores one by one, sums and values from its first slot to its last.
#include "backends/cpu/kernels.h"

#include "backends/cpu/kernels_parts.h"

#include <algorithm>
#include <limits>

#include "backends/cpu/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels_attention.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace temper::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, 16>;
using V = hn::Vec<Floats>;
constexpr int64_t lanes = static_cast<int64_t>(hn::MaxLanes(Floats()));
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int score_queries = 4, value_queries = 4, value_vectors = 4;
#else
constexpr int score_queries = 2, value_queries = 4, value_vectors = 2;
#endif

// Scores of Q queries with K keys from slot j on, which stand at `first`.
template <int Q, int K>
HWY_INLINE void score_tile(const Query *queries, const float *first, int64_t j, int64_t size, float scale) {
  const Floats d;
  V sums[Q][K];
#pragma GCC unroll 4
  for (int q = 0; q < Q; ++q)
#pragma GCC unroll 4
    for (int k = 0; k < K; ++k) sums[q][k] = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) {
#pragma GCC unroll 4
    for (int k = 0; k < K; ++k) {
      const V key = hn::LoadU(d, first + k * size + i);
#pragma GCC unroll 4
      for (int q = 0; q < Q; ++q) sums[q][k] = hn::MulAdd(hn::LoadU(d, queries[q].query + i), key, sums[q][k]);
    }
  }
#pragma GCC unroll 4
  for (int q = 0; q < Q; ++q)
#pragma GCC unroll 4
    for (int k = 0; k < K; ++k) {
      float score = hn::GetLane(hn::SumOfLanes(d, sums[q][k]));
      for (int64_t t = i; t < size; ++t) score += queries[q].query[t] * first[k * size + t];
      queries[q].scores[j + k] = score * scale;
    }
}

template <int Q>
HWY_INLINE void score_range(const Query *queries, const KeyPages &keys, int64_t begin, int64_t end, int64_t size,
                            float scale) {
  for (int64_t stop = 0; begin < end; begin = stop) {
    stop = keys.stop(begin, end);
    const float *key = keys.key(begin, size);
    int64_t j = begin;
    for (; j + 4 <= stop; j += 4, key += 4 * size) score_tile<Q, 4>(queries, key, j, size, scale);
    for (; j < stop; ++j, key += size) score_tile<Q, 1>(queries, key, j, size, scale);
  }
}

// Turns scores into exp(score - highest) and returns 1 / their sum.
HWY_INLINE float softmax(const Query &query) {
  const Floats d;
  float *scores = query.scores + query.first_score();
  const int64_t count = query.stop_score() - query.first_score();
  float highest = -std::numeric_limits<float>::infinity();
  int64_t i = 0;
  if (count >= lanes) {
    V most = hn::LoadU(d, scores);
    for (i = lanes; i + lanes <= count; i += lanes) most = hn::Max(most, hn::LoadU(d, scores + i));
    highest = hn::GetLane(hn::MaxOfLanes(d, most));
  }
  for (; i < count; ++i) highest = std::max(highest, scores[i]);
  const V highest_v = hn::Set(d, highest);
  V sum = hn::Zero(d);
  for (i = 0; i + lanes <= count; i += lanes) {
    const V power = hn::Exp(d, hn::Sub(hn::LoadU(d, scores + i), highest_v));
    sum = hn::Add(sum, power);
    hn::StoreU(power, d, scores + i);
  }
  float total = hn::GetLane(hn::SumOfLanes(d, sum));
  if (i < count) {
    float tail[lanes];
    std::fill_n(tail, lanes, highest);
    std::copy_n(scores + i, count - i, tail);
    hn::StoreU(hn::Exp(d, hn::Sub(hn::LoadU(d, tail), highest_v)), d, tail);
    for (int64_t t = 0; t < count - i; ++t) total += scores[i + t] = tail[t];
  }
  return 1.0F / total;
}

// out[q][i..] += sum over [begin, end) of scores[q][j] * values[j - begin][i..], N vectors wide.
template <int Q, int N>
HWY_INLINE void value_tile(const Query *queries, const float *values, int64_t begin, int64_t end, int64_t size,
                           int64_t i) {
  const Floats d;
  V sums[Q][N];
#pragma GCC unroll 4
  for (int q = 0; q < Q; ++q)
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) sums[q][n] = hn::LoadU(d, queries[q].out + i + n * lanes);
  for (int64_t j = begin; j < end; ++j) {
    V value[N];
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) value[n] = hn::LoadU(d, values + (j - begin) * size + i + n * lanes);
#pragma GCC unroll 4
    for (int q = 0; q < Q; ++q) {
      const V weight = hn::Set(d, queries[q].scores[j]);
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) sums[q][n] = hn::MulAdd(weight, value[n], sums[q][n]);
    }
  }
#pragma GCC unroll 4
  for (int q = 0; q < Q; ++q)
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) hn::StoreU(sums[q][n], d, queries[q].out + i + n * lanes);
}

// Adds the values at `values`, which belong to scores [begin, end).
template <int Q, int N>
HWY_INLINE void value_run(const Query *queries, const float *values, int64_t begin, int64_t end, int64_t size) {
  int64_t i = 0;
  for (; i + N * lanes <= size; i += N * lanes) value_tile<Q, N>(queries, values, begin, end, size, i);
  for (; i + lanes <= size; i += lanes) value_tile<Q, 1>(queries, values, begin, end, size, i);
  for (; i < size; ++i)
    for (int q = 0; q < Q; ++q) {
      float sum = queries[q].out[i];
      for (int64_t j = begin; j < end; ++j) sum += queries[q].scores[j] * values[(j - begin) * size + i];
      queries[q].out[i] = sum;
    }
}

template <int Q, int N>
HWY_INLINE void value_range(const Query *queries, const KeyPages &keys, int64_t begin, int64_t end, int64_t size) {
  for (int64_t stop = 0; begin < end; begin = stop) {
    stop = keys.stop(begin, end);
    value_run<Q, N>(queries, keys.value(begin, size), begin, stop, size);
  }
}

HWY_INLINE void own_value(const Query &query, const KeyPages &keys, int64_t size) {
  const int64_t at = query.own_score();
  value_run<1, 8>(&query, keys.value(query.own, size), at, at + 1, size);
}

template <int Q>
HWY_INLINE void score_group(const Query *queries, const KeyPages &keys, int64_t begin, int64_t end, int64_t size,
                            float scale) {
  for (int q = 0; q < Q; ++q) score_range<1>(queries + q, keys, queries[q].begin, begin, size, scale);
  score_range<Q>(queries, keys, begin, end, size, scale);
  for (int q = 0; q < Q; ++q) score_range<1>(queries + q, keys, end, queries[q].end, size, scale);
}

template <int Q>
HWY_INLINE void value_group(const Query *queries, const KeyPages &keys, int64_t begin, int64_t end, int64_t size) {
  for (int q = 0; q < Q; ++q) {
    if (queries[q].own >= 0 && queries[q].own < queries[q].begin) own_value(queries[q], keys, size);
    value_range<1, 8>(queries + q, keys, queries[q].begin, begin, size);
  }
  value_range<Q, Q == 1 ? 8 : value_vectors>(queries, keys, begin, end, size);
  for (int q = 0; q < Q; ++q) {
    value_range<1, 8>(queries + q, keys, end, queries[q].end, size);
    if (queries[q].own >= 0 && queries[q].own > queries[q].end) own_value(queries[q], keys, size);
  }
}

void attend(const Query *queries, int32_t count, const KeyPages &keys, int32_t size, float scale) {
  int64_t begin = queries[0].begin, end = queries[0].end;
  for (int32_t q = 1; q < count; ++q) {
    begin = std::max<int64_t>(begin, queries[q].begin);
    end = std::min<int64_t>(end, queries[q].end);
  }
  if (end < begin) {  // nothing in common: one by one
    for (int32_t q = 0; q < count; ++q) attend(queries + q, 1, keys, size, scale);
    return;
  }
  const Floats d;
  int32_t q = 0;
  for (; q + score_queries <= count; q += score_queries)
    score_group<score_queries>(queries + q, keys, begin, end, size, scale);
  for (; q < count; ++q) score_group<1>(queries + q, keys, begin, end, size, scale);
  float inverse[tile_queries];
  for (q = 0; q < count; ++q) {
    if (queries[q].own >= 0)
      score_tile<1, 1>(queries + q, keys.key(queries[q].own, size), queries[q].own_score(), size, scale);
    inverse[q] = softmax(queries[q]);
    std::fill_n(queries[q].out, size, 0.0F);
  }
  for (q = 0; q + value_queries <= count; q += value_queries)
    value_group<value_queries>(queries + q, keys, begin, end, size);
  for (; q < count; ++q) value_group<1>(queries + q, keys, begin, end, size);
  for (q = 0; q < count; ++q) {
    const V factor = hn::Set(d, inverse[q]);
    int32_t i = 0;
    for (; i + lanes <= size; i += static_cast<int32_t>(lanes))
      hn::StoreU(hn::Mul(hn::LoadU(d, queries[q].out + i), factor), d, queries[q].out + i);
    for (; i < size; ++i) queries[q].out[i] *= inverse[q];
  }
}

}  // namespace temper::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace temper::cpu {
void choose_attention(Kernels *kernels) { kernels->attend = TEMPER_CHOOSE(attend, kernels->set); }
}  // namespace temper::cpu
#endif
