// SPDX-License-Identifier: Apache-2.0
// Rotary positions, cache writes and softmax attention, row by row and head by head.
#include "backends/reference/ops.h"

#include <algorithm>
#include <cmath>

namespace temper::reference {
namespace {

void prepare_head(float *head, const temper_attention &attention, const float *weight, int64_t position) {
  const int64_t size = attention.head_dim;
  if (weight != nullptr) {
    float squares = 0.0F;
    for (int64_t d = 0; d < size; ++d) squares += head[d] * head[d];
    const float inverse = 1.0F / std::sqrt(squares / static_cast<float>(size) + attention.norm_epsilon);
    for (int64_t d = 0; d < size; ++d) head[d] *= inverse * weight[d];
  }
  if (attention.rotary_cos == nullptr) return;
  const int64_t half = size / 2;
  const float *cosines = attention.rotary_cos + position * half;
  const float *sines = attention.rotary_sin + position * half;
  for (int64_t d = 0; d < half; ++d) {
    const float a = head[d], b = head[d + half];
    head[d] = a * cosines[d] - b * sines[d];
    head[d + half] = b * cosines[d] + a * sines[d];
  }
}

}  // namespace

int32_t rotary_write(temper_stream *stream, float *qkv, const temper_attention *attention, int32_t layer) {
  if (const int32_t code = host::check_attention(stream, attention, layer); code != TEMPER_OK) return code;
  const temper_rows &rows = stream->rows;
  const int64_t heads = attention->heads, kv_heads = attention->kv_heads, size = attention->head_dim;
  for (int32_t r = 0; r < rows.count; ++r) {
    if (const int32_t code = host::own_page(stream, rows.lane[r], rows.slot[r]); code != TEMPER_OK) return code;
    const temper_lane &lane = *rows.lane[r];
    float *q = qkv + r * (heads + 2 * kv_heads) * size;
    float *k = q + heads * size;
    float *v = k + kv_heads * size;
    for (int64_t h = 0; h < heads; ++h) prepare_head(q + h * size, *attention, attention->q_norm, rows.position[r]);
    for (int32_t h = 0; h < kv_heads; ++h) {
      prepare_head(k + h * size, *attention, attention->k_norm, rows.position[r]);
      std::copy(k + h * size, k + (h + 1) * size, lane.key(layer, h, rows.slot[r]));
      std::copy(v + h * size, v + (h + 1) * size, lane.value(layer, h, rows.slot[r]));
    }
  }
  return TEMPER_OK;
}

int32_t attend(temper_stream *stream, float *out, const float *qkv, const temper_attention *attention,
               int32_t layer) {
  if (const int32_t code = host::check_attention(stream, attention, layer); code != TEMPER_OK) return code;
  const temper_rows &rows = stream->rows;
  const int64_t heads = attention->heads, kv_heads = attention->kv_heads, size = attention->head_dim;
  float *scores = static_cast<Stream *>(stream)->scores.as<float>();
  for (int32_t r = 0; r < rows.count; ++r) {
    const temper_lane &lane = *rows.lane[r];
    const host::Seen seen = host::seen_by(rows, r);
    const int32_t visible = seen.count();
    const bool own_first = seen.own >= 0 && seen.own < seen.begin;
    const auto slot_of = [&](int32_t j) {  // the j-th that it sees
      if (own_first) return j == 0 ? seen.own : seen.begin + j - 1;
      return seen.begin + j < seen.end ? seen.begin + j : seen.own;
    };
    for (int64_t h = 0; h < heads; ++h) {
      const float *q = qkv + r * (heads + 2 * kv_heads) * size + h * size;
      float *to = out + (r * heads + h) * size;
      std::fill(to, to + size, 0.0F);
      if (visible == 0) continue;
      const auto kv_head = static_cast<int32_t>(h / (heads / kv_heads));
      float highest = -INFINITY;
      for (int32_t j = 0; j < visible; ++j) {
        const float *key = lane.key(layer, kv_head, slot_of(j));
        float score = 0.0F;
        for (int64_t d = 0; d < size; ++d) score += q[d] * key[d];
        scores[j] = score * attention->scale;
        highest = std::max(highest, scores[j]);
      }
      float total = 0.0F;
      for (int32_t j = 0; j < visible; ++j) total += scores[j] = std::exp(scores[j] - highest);
      for (int32_t j = 0; j < visible; ++j) {
        const float *value = lane.value(layer, kv_head, slot_of(j));
        const float weight = scores[j] / total;
        for (int64_t d = 0; d < size; ++d) to[d] += weight * value[d];
      }
    }
  }
  return TEMPER_OK;
}

}  // namespace temper::reference
