// SPDX-License-Identifier: Apache-2.0
// Embedding and normalisation, row by row.
#include "backends/reference/ops.h"

#include <cmath>

namespace temper::reference {

int32_t embed(temper_stream *stream, float *out, const temper_embedding *embedding) {
  if (const int32_t code = host::check_embedding(embedding); code != TEMPER_OK) return code;
  const temper_rows &rows = stream->rows;
  const int64_t width = embedding->width;
  for (int64_t r = 0; r < rows.count; ++r) {
    float *to = out + r * width;
    const int64_t token = rows.token[r];
    const float keep = embedding->mix != nullptr ? embedding->mix[rows.condition[r]] : 1.0F;
    for (int64_t i = 0; i < width; ++i) {
      float x = 0.0F;
      if (token >= 0) x = host::element(embedding->table, embedding->dtype, static_cast<size_t>(token * width + i));
      if (embedding->mix != nullptr && token >= 0) {
        const auto mask = static_cast<size_t>(embedding->mask_row * width + i);
        x = keep * x + (1.0F - keep) * host::element(embedding->table, embedding->dtype, mask);
      }
      if (embedding->positions != nullptr) x += embedding->positions[rows.position[r] * width + i];
      to[i] = x;
    }
  }
  return TEMPER_OK;
}

int32_t norm(temper_stream *stream, float *out, const float *in, const temper_norm *norm, const int32_t *index,
             int32_t count) {
  if (const int32_t code = host::check_norm(stream, norm, index, count); code != TEMPER_OK) return code;
  const int64_t width = norm->width;
  const auto divisor = static_cast<float>(width);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t row = index != nullptr ? index[i] : i;
    const float *from = in + row * width;
    float *to = out + i * width;
    float mean = 0.0F;
    if (norm->kind == TEMPER_NORM_LAYER) {
      for (int64_t k = 0; k < width; ++k) mean += from[k];
      mean /= divisor;
    }
    float variance = 0.0F;
    for (int64_t k = 0; k < width; ++k) variance += (from[k] - mean) * (from[k] - mean);
    const float inverse = 1.0F / std::sqrt(variance / divisor + norm->epsilon);
    const temper_modulation &modulation = norm->modulation;
    const float *vectors =
        modulation.base != nullptr ? modulation.base + stream->rows.condition[row] * modulation.stride : nullptr;
    for (int64_t k = 0; k < width; ++k) {
      float y = (from[k] - mean) * inverse;
      if (norm->weight != nullptr) y *= norm->weight[k];
      if (norm->bias != nullptr) y += norm->bias[k];
      if (vectors != nullptr) y = y * (1.0F + vectors[modulation.scale_at + k]) + vectors[modulation.shift_at + k];
      to[k] = y;
    }
  }
  return TEMPER_OK;
}

}  // namespace temper::reference
