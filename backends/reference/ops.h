// SPDX-License-Identifier: Apache-2.0
// Objects and operations of the reference backend.
#pragma once

#include "backends/host/host.h"

namespace temper::reference {

struct Format;  // linear.cpp

// Weights as [inputs][outputs] in the elements of their format.
struct Linear : temper_linear {
  const Format *format = nullptr;
  host::Block weights;
  host::Block bias;  // empty when no part has one
};

struct Stream : temper_stream {
  host::Block scores;  // max_slots floats: one row's attention weights
};

int32_t linear_create(temper_device *device, const temper_linear_desc *desc, temper_linear **out);
void linear_destroy(temper_device *device, temper_linear *linear);
size_t linear_bytes(temper_device *device, const temper_linear_desc *desc);
int32_t linear(temper_stream *stream, float *out, const float *in, int32_t rows, const temper_linear *linear,
               int32_t activation, const float *residual, const temper_modulation *modulation);
int32_t embed(temper_stream *stream, float *out, const temper_embedding *embedding);
int32_t norm(temper_stream *stream, float *out, const float *in, const temper_norm *norm, const int32_t *index,
             int32_t count);
int32_t rotary_write(temper_stream *stream, float *qkv, const temper_attention *attention, int32_t layer);
int32_t attend(temper_stream *stream, float *out, const float *qkv, const temper_attention *attention, int32_t layer);

}  // namespace temper::reference
