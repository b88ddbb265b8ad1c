// SPDX-License-Identifier: Apache-2.0
// The one place that executes a model: the rows of a call go in, keys and values go to their slots, logits come out in
// chunks, so that a long window never needs them all in memory at once.
#include "engine/engine.h"
#include "engine/sizes.h"

#include <algorithm>
#include <cmath>

namespace temper {
namespace {

bool cancelled(const std::atomic<bool> *cancel) {
  return cancel != nullptr && cancel->load(std::memory_order_relaxed);
}

Status cancellation() { return Status(TEMPER_E_CANCELLED, "cancelled"); }

temper_norm norm_of(const Spec &spec, const NormWeights &weights, const temper_modulation &modulation) {
  return {.kind = spec.norm == Norm::rms ? TEMPER_NORM_RMS : TEMPER_NORM_LAYER,
          .epsilon = spec.norm_epsilon,
          .width = spec.width,
          .weight = weights.weight.data(),
          .bias = weights.bias.data(),
          .modulation = modulation};
}

}  // namespace

Status Engine::run_layer(size_t index, bool keys_only) {
  const Spec &spec = model_->spec();
  const Device &device = *model_->device();
  const temper_backend &ops = device.ops();
  const LayerObjects &layer = model_->layers()[index];
  temper_stream *stream = parts_.stream.get();
  const int32_t rows = call_.count(), at = static_cast<int32_t>(index);
  float *x = parts_.x.data(), *normed = parts_.normed.data(), *qkv = parts_.qkv.data();
  float *attended = parts_.attended.data(), *hidden = parts_.hidden.data();

  const temper_attention attention{
      .heads = static_cast<int32_t>(spec.heads),
      .kv_heads = static_cast<int32_t>(spec.kv_heads),
      .head_dim = static_cast<int32_t>(spec.head_dim),
      .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(spec.head_dim))),
      .rotary_cos = parts_.rotary.cosines(),
      .rotary_sin = parts_.rotary.sines(),
      .q_norm = layer.q_norm.data(),
      .k_norm = layer.k_norm.data(),
      .norm_epsilon = spec.norm_epsilon};
  const temper_modulation first = parts_.conditions.of_layer(index, shift1, scale1, gate1);
  const temper_modulation second = parts_.conditions.of_layer(index, shift2, scale2, gate2);
  const temper_norm norm1 = norm_of(spec, layer.norm1, first), norm2 = norm_of(spec, layer.norm2, second);
  const temper_modulation *first_gate = first.base != nullptr ? &first : nullptr;
  const temper_modulation *second_gate = second.base != nullptr ? &second : nullptr;
  const auto product = [&](float *out, const float *in, const Linear &matrix, int32_t activation, const float *residual,
                           const temper_modulation *gate) {
    return device.check(ops.linear(stream, out, in, rows, matrix.get(), activation, residual, gate));
  };

  TEMPER_TRY(device.check(ops.norm(stream, normed, x, &norm1, nullptr, rows)));
  TEMPER_TRY(product(qkv, normed, layer[Matrix::qkv], TEMPER_ACTIVATION_NONE, nullptr, nullptr));
  TEMPER_TRY(device.check(ops.rotary_write(stream, qkv, &attention, at)));
  if (keys_only) return Status();
  TEMPER_TRY(device.check(ops.attend(stream, attended, qkv, &attention, at)));
  TEMPER_TRY(product(x, attended, layer[Matrix::attention_out], TEMPER_ACTIVATION_NONE, x, first_gate));
  TEMPER_TRY(device.check(ops.norm(stream, normed, x, &norm2, nullptr, rows)));
  TEMPER_TRY(product(hidden, normed, layer[Matrix::mlp_in], backend_activation(spec.activation), nullptr, nullptr));
  return product(x, hidden, layer[Matrix::mlp_out], TEMPER_ACTIVATION_NONE, x, second_gate);
}

// The logits of some rows, into the chunk.
Status Engine::run_head(std::span<const int32_t> rows) {
  const Device &device = *model_->device();
  const temper_backend &ops = device.ops();
  temper_stream *stream = parts_.stream.get();
  const temper_norm norm = norm_of(model_->spec(), model_->final_norm(), parts_.conditions.of_head());
  const auto count = static_cast<int32_t>(rows.size());
  TEMPER_TRY(device.check(ops.norm(stream, parts_.normed.data(), parts_.x.data(), &norm, rows.data(), count)));
  return device.check(ops.linear(stream, parts_.logits.data(), parts_.normed.data(), count, model_->head().get(),
                                 TEMPER_ACTIVATION_NONE, nullptr, nullptr));
}

// Score heads: log score = output - log(e^sigma - 1) - log(N) (MATH 2.2); this is what is subtracted.
float Engine::offset_of(size_t wanted) const noexcept {
  const Spec &spec = model_->spec();
  if (!spec.scale_by_sigma) return 0;
  const double sigma = parts_.conditions.value(call_.condition(call_.wanted()[wanted]));
  return static_cast<float>(std::log(std::expm1(sigma)) + std::log(static_cast<double>(spec.columns - 1)));
}

// The chunk where the host can touch it.
Result<float *> Engine::logits_on_host(size_t first, size_t count) {
  const Spec &spec = model_->spec();
  const Device &device = *model_->device();
  TEMPER_TRY(device.check(device.ops().sync(parts_.stream.get())));
  float *logits = parts_.logits.data();
  if (parts_.host_logits.size() > 0) {
    const size_t bytes = count * static_cast<size_t>(spec.columns) * sizeof(float);
    TEMPER_TRY(device.check(device.ops().download(device.handle(), parts_.host_logits.data(), logits, bytes)));
    logits = parts_.host_logits.data();
  }
  if (spec.scale_by_sigma)
    for (size_t i = 0; i < count; ++i) {
      const float offset = offset_of(first + i);
      float *row = logits + i * static_cast<size_t>(spec.columns);
      for (int64_t column = 0; column < spec.columns; ++column) row[column] -= offset;
    }
  return logits;
}

// Where the logits are.
Status Engine::answer_there(size_t first) {
  const Device &device = *model_->device();
  Questions &questions = parts_.questions;
  for (size_t q = 0; q < questions.list().size(); ++q)
    questions.list()[q].offset = offset_of(first + static_cast<size_t>(questions.rows()[q]));
  return device.check(device.ops().answer(parts_.stream.get(), parts_.logits.data(), model_->spec().columns,
                                          questions.rows().data(), questions.list().data(),
                                          static_cast<int32_t>(questions.list().size()), questions.answers().data()));
}

// On the host's threads; the offset is taken off already.
void Engine::answer_here(const float *logits) {
  const auto columns = static_cast<size_t>(model_->spec().columns);
  Questions &questions = parts_.questions;
  threads_->each(static_cast<int32_t>(questions.list().size()), [&](int32_t index, int32_t worker) {
    const auto q = static_cast<size_t>(index), row = static_cast<size_t>(questions.rows()[q]);
    questions.answers()[q] = answer_row(questions.list()[q], {logits + row * columns, columns}, workspace(worker));
  });
}

// What is asked about a chunk's rows, and who is told.
Status Engine::interview(size_t first, size_t count) {
  Questions &questions = parts_.questions;
  questions.clear();
  if (call_.interviewer() == nullptr) return Status();
  for (size_t i = 0; i < count; ++i) {
    questions.begin_row(static_cast<int32_t>(i));
    TEMPER_TRY(call_.interviewer()->ask(first + i, questions));
  }
  return Status();
}

// A chunk of logits is there: whole rows are read if somebody wants to, then questions are answered.
Status Engine::take_logits(size_t first, size_t count) {
  TEMPER_TRY(interview(first, count));
  Questions &questions = parts_.questions;
  if (call_.reader() == nullptr && model_->device()->ops().answer != nullptr) {
    TEMPER_TRY(answer_there(first));
  } else {
    TEMPER_ASSIGN(float *logits, logits_on_host(first, count));
    if (call_.reader() != nullptr)
      TEMPER_TRY(call_.reader()->read(static_cast<int32_t>(first), static_cast<int32_t>(count), logits, *threads_));
    answer_here(logits);
  }
  if (call_.interviewer() == nullptr) return Status();
  for (size_t i = 0, q = 0; i < count; ++i) {
    const size_t begin = q;
    while (q < questions.rows().size() && questions.rows()[q] == static_cast<int32_t>(i)) ++q;
    TEMPER_TRY(call_.interviewer()->take(first + i, questions.answers().subspan(begin, q - begin)));
  }
  return Status();
}

Status Engine::run(const std::atomic<bool> *cancel) {
  if (call_.count() == 0) return Status();
  const Status status = run_rows(cancel);
  // What a backend has begun is over before anybody writes or ends what it uses.
  if (!status.ok()) (void)model_->device()->ops().sync(parts_.stream.get());
  return status;
}

Status Engine::run_rows(const std::atomic<bool> *cancel) {
  const Spec &spec = model_->spec();
  const Device &device = *model_->device();
  const temper_backend &ops = device.ops();
  TEMPER_ASSIGN(const int32_t *places, parts_.rotary.place(call_.positions()));
  const temper_rows rows = call_.rows(places);
  TEMPER_TRY(device.check(ops.begin(parts_.stream.get(), &rows)));
  const temper_embedding embedding{.table = model_->embedding().raw(),
                                   .dtype = model_->embedding_dtype(),
                                   .width = spec.width,
                                   .positions = model_->positions().data(),
                                   .mix = parts_.conditions.mix(),
                                   .mask_row = spec.mask_token};
  TEMPER_TRY(device.check(ops.embed(parts_.stream.get(), parts_.x.data(), &embedding)));
  const size_t layers = model_->layers().size();
  for (size_t layer = 0; layer < layers; ++layer) {
    if (cancelled(cancel)) return cancellation();
    // Without logits the last layer is only wanted for its keys and values.
    TEMPER_TRY(run_layer(layer, call_.wanted().empty() && layer + 1 == layers));
  }
  if (call_.wanted().empty()) return device.check(ops.sync(parts_.stream.get()));
  const auto chunk = static_cast<size_t>(logit_chunk(plan_.max_wanted));
  for (size_t first = 0; first < call_.wanted().size(); first += chunk) {
    if (cancelled(cancel)) return cancellation();
    const std::span<const int32_t> part =
        call_.wanted().subspan(first, std::min(chunk, call_.wanted().size() - first));
    TEMPER_TRY(run_head(part));
    TEMPER_TRY(take_logits(first, part.size()));
  }
  return Status();
}

}  // namespace temper
