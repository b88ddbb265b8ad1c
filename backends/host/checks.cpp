// SPDX-License-Identifier: Apache-2.0
// Checks of arguments that would otherwise read or write out of bounds.
#include "backends/host/host.h"

#include <cstdio>

namespace temper::host {

int32_t begin(temper_stream *stream, const temper_rows *rows) {
  stream->rows = {};
  if (rows->count < 0 || rows->count > stream->plan.max_rows)
    return error(TEMPER_E_ARGUMENT, "%d rows in a stream planned for %d", rows->count, stream->plan.max_rows);
  stream->rows = *rows;
  return TEMPER_OK;
}

int32_t check_options(const temper_device_options *options, char *reason, size_t capacity) noexcept {
  const char *words = nullptr;
  if (options == nullptr || options->allocator == nullptr || options->allocator->alloc == nullptr ||
      options->allocator->release == nullptr)
    words = "no allocator";
  else if (options->executor == nullptr || options->executor->run == nullptr || options->executor->workers < 1)
    words = "no executor";
  else if (options->index != 0)
    words = "there is one CPU device, number 0";
  if (words == nullptr) return TEMPER_OK;
  if (reason != nullptr && capacity > 0) (void)std::snprintf(reason, capacity, "%s", words);
  return error(TEMPER_E_ARGUMENT, "%s", words);
}

int32_t check_linear(const temper_linear_desc *desc, int64_t *outputs) noexcept {
  *outputs = 0;
  if (desc->inputs < 1 || desc->inputs > INT32_MAX || desc->part_count < 1 || desc->part_count > 4)
    return error(TEMPER_E_ARGUMENT, "a linear layer needs inputs and 1 to 4 parts");
  for (int32_t i = 0; i < desc->part_count; ++i) {
    const temper_linear_part &part = desc->parts[i];
    if (part.outputs < 1 || part.outputs > INT32_MAX / 4)
      return error(TEMPER_E_ARGUMENT, "part %d of a linear layer has %lld outputs", i,
                   static_cast<long long>(part.outputs));
    if (part.dtype < TEMPER_DTYPE_F32 || part.dtype > TEMPER_DTYPE_BF16)
      return error(TEMPER_E_UNSUPPORTED, "unknown weight type %d", part.dtype);
    if (part.scales != nullptr || part.group != 0)
      return error(TEMPER_E_UNSUPPORTED, "part %d of a linear layer has scales, which weights of type %d don't have",
                   i, part.dtype);
    *outputs += part.outputs;
  }
  if (desc->activation < TEMPER_ACTIVATION_NONE || desc->activation > TEMPER_ACTIVATION_SWIGLU)
    return error(TEMPER_E_UNSUPPORTED, "unknown activation %d", desc->activation);
  if (desc->activation == TEMPER_ACTIVATION_SWIGLU && *outputs % 2 != 0)
    return error(TEMPER_E_ARGUMENT, "SwiGLU needs an even number of outputs");
  return TEMPER_OK;
}

int32_t unknown_format(const temper_linear_desc &desc) noexcept {
  return error(TEMPER_E_UNSUPPORTED, "weights can't be kept in format %d here", desc.format);
}

int32_t refuse_group(const temper_linear_desc &desc, const char *name) noexcept {
  if (desc.group == 0) return TEMPER_OK;
  return error(TEMPER_E_UNSUPPORTED, "%s weights have no scales, so no groups of %lld inputs", name,
               static_cast<long long>(desc.group));
}

int32_t check_linear_call(const temper_stream *stream, const float *out, const float *in, int32_t rows,
                          const temper_linear *linear, int32_t activation,
                          const temper_modulation *modulation) noexcept {
  if (out == nullptr || in == nullptr || linear == nullptr || rows < 0)
    return error(TEMPER_E_ARGUMENT, "a matrix product without operands");
  const bool gated = activation == TEMPER_ACTIVATION_SWIGLU;
  if (gated != (linear->activation == TEMPER_ACTIVATION_SWIGLU) || activation < 0 ||
      activation > TEMPER_ACTIVATION_SWIGLU)
    return error(TEMPER_E_ARGUMENT, "activation %d on weights packed for %d", activation, linear->activation);
  if (modulation != nullptr && modulation->base != nullptr && rows > stream->rows.count)
    return error(TEMPER_E_ARGUMENT, "modulation of %d rows in a call of %d", rows, stream->rows.count);
  return TEMPER_OK;
}

int32_t check_norm(const temper_stream *stream, const temper_norm *norm, const int32_t *index,
                   int32_t count) noexcept {
  const int32_t rows = stream->rows.count;
  if (norm->kind != TEMPER_NORM_LAYER && norm->kind != TEMPER_NORM_RMS)
    return error(TEMPER_E_UNSUPPORTED, "unknown normalisation %d", norm->kind);
  if (norm->width < 1 || count < 0 || (index == nullptr && count > rows))
    return error(TEMPER_E_ARGUMENT, "normalisation of %d rows in a call of %d", count, rows);
  if (index != nullptr)
    for (int32_t i = 0; i < count; ++i)
      if (index[i] < 0 || index[i] >= rows)
        return error(TEMPER_E_ARGUMENT, "row %d of a call of %d", index[i], rows);
  return TEMPER_OK;
}

int32_t check_embedding(const temper_embedding *embedding) noexcept {
  if (embedding->table == nullptr || embedding->width < 1 || embedding->dtype < TEMPER_DTYPE_F32 ||
      embedding->dtype > TEMPER_DTYPE_BF16)
    return error(TEMPER_E_ARGUMENT, "an embedding without a table");
  if (embedding->mix != nullptr && embedding->mask_row < 0)
    return error(TEMPER_E_ARGUMENT, "a mixed embedding without a row of the mask");
  return TEMPER_OK;
}

int32_t check_attention(const temper_stream *stream, const temper_attention *attention, int32_t layer) noexcept {
  if (attention->heads < 1 || attention->kv_heads < 1 || attention->heads % attention->kv_heads != 0)
    return error(TEMPER_E_ARGUMENT, "attention of %d heads over %d", attention->heads, attention->kv_heads);
  if (attention->rotary_cos != nullptr && attention->head_dim % 2 != 0)
    return error(TEMPER_E_ARGUMENT, "rotary positions need an even head size");
  const temper_rows &rows = stream->rows;
  for (int32_t r = 0; r < rows.count; ++r) {
    if (rows.lane == nullptr || rows.lane[r] == nullptr) return error(TEMPER_E_ARGUMENT, "row %d has no lane", r);
    const temper_lane_plan &plan = rows.lane[r]->plan;
    if (attention->kv_heads != plan.kv_heads || attention->head_dim != plan.head_dim || layer < 0 ||
        layer >= plan.layers)
      return error(TEMPER_E_ARGUMENT, "attention that doesn't fit the lane of row %d", r);
    const Seen seen = seen_by(rows, r);
    if (rows.slot[r] < 0 || rows.slot[r] >= plan.slots || seen.begin < 0 || seen.end > plan.slots ||
        seen.count() > stream->plan.max_slots)
      return error(TEMPER_E_ARGUMENT, "row %d uses slots outside its lane", r);
  }
  return TEMPER_OK;
}

}  // namespace temper::host
