// SPDX-License-Identifier: Apache-2.0
#include "model/forward.h"

#include <algorithm>
#include <cmath>

namespace temper {
namespace {

// Logits of this many rows are made and consumed at a time: 64 rows of a 50k vocabulary are 13 MB.
constexpr int32_t logit_chunk_rows = 64;

int64_t qkv_width(const Spec &spec) { return (spec.heads + 2 * spec.kv_heads) * spec.head_dim; }

int64_t mlp_in_width(const Spec &spec) {
  return spec.activation == Activation::swiglu ? 2 * spec.mlp_width : spec.mlp_width;
}

temper_stream_plan stream_plan(const Spec &spec, const ForwardPlan &plan) {
  const int64_t widest = std::max({spec.width, qkv_width(spec), mlp_in_width(spec),
                                   spec.heads * spec.head_dim, 6 * spec.width * (spec.modulated_blocks ? 1 : 0)});
  return {plan.max_rows, std::min(plan.max_rows, logit_chunk_rows), plan.slots, widest};
}

temper_lane_plan lane_plan(const Spec &spec, const ForwardPlan &plan) {
  return {.layers = static_cast<int32_t>(spec.layers),
          .slots = plan.slots,
          .kv_heads = static_cast<int32_t>(spec.kv_heads),
          .head_dim = static_cast<int32_t>(spec.head_dim),
          .type = TEMPER_KV_F32};
}

}  // namespace

int64_t Forward::estimate(const Model &model, const ForwardPlan &plan) {
  const Spec &spec = model.spec();
  const Device &device = *model.device();
  const temper_stream_plan streams = stream_plan(spec, plan);
  const temper_lane_plan cache = lane_plan(spec, plan);
  int64_t floats = plan.max_rows * (2 * spec.width + qkv_width(spec) + spec.heads * spec.head_dim + spec.mlp_width);
  floats += streams.max_logit_rows * spec.columns;
  if (spec.rotary) floats += plan.position_span * spec.head_dim;
  if (spec.modulated_blocks) floats += plan.conditions * spec.layers * 6 * spec.width;
  if (spec.modulated_head) floats += plan.conditions * 2 * spec.width;
  return floats * static_cast<int64_t>(sizeof(float)) +
         static_cast<int64_t>(device.ops().stream_bytes(device.handle(), &streams) +
                              static_cast<size_t>(plan.sequences) * device.ops().lane_bytes(device.handle(), &cache));
}

Result<std::unique_ptr<Forward>> Forward::create(std::shared_ptr<const Model> model, const ForwardPlan &plan) {
  const Device &device = *model->device();
  const temper_lane_plan cache = lane_plan(model->spec(), plan);
  std::vector<Lane> lanes;
  lanes.reserve(static_cast<size_t>(plan.sequences));
  for (int32_t s = 0; s < plan.sequences; ++s) {
    temper_lane *lane = nullptr;
    TEMPER_TRY(device.check(device.ops().lane_create(device.handle(), &cache, &lane)));
    lanes.emplace_back(model->device(), lane);
  }
  return make(std::move(model), plan, std::move(lanes), 0);
}

Result<std::unique_ptr<Forward>> Forward::fork(const Forward &from, std::span<const int32_t> kept,
                                               std::span<const int32_t> lasting) {
  const Device &device = *from.model_->device();
  std::vector<Lane> lanes;
  lanes.reserve(from.lanes_.size());
  int64_t all_shared = 0;
  for (size_t s = 0; s < from.lanes_.size(); ++s) {
    temper_lane *lane = nullptr;
    size_t shared = 0;
    TEMPER_TRY(device.check(
        device.ops().lane_fork(device.handle(), from.lanes_[s].get(), kept[s], lasting[s], &lane, &shared)));
    lanes.emplace_back(from.model_->device(), lane);
    all_shared += static_cast<int64_t>(shared);
  }
  return make(from.model_, from.plan_, std::move(lanes), all_shared);
}

Result<std::unique_ptr<Forward>> Forward::make(std::shared_ptr<const Model> model, const ForwardPlan &plan,
                                               std::vector<Lane> lanes, int64_t shared) {
  std::unique_ptr<Forward> forward(new Forward());
  forward->lanes_ = std::move(lanes);
  forward->model_ = std::move(model);
  forward->plan_ = plan;
  TEMPER_TRY(forward->allocate());
  forward->bytes_ = estimate(*forward->model_, plan) - shared;
  return forward;
}

Status Forward::allocate() {
  const Spec &spec = model_->spec();
  const std::shared_ptr<Device> &device = model_->device();
  const int64_t rows = plan_.max_rows;

  const temper_stream_plan streams = stream_plan(spec, plan_);
  const std::vector<temper_linear *> &linears = model_->linears();
  temper_stream *stream = nullptr;
  TEMPER_TRY(device->check(device->ops().stream_create(device->handle(), &streams, linears.data(),
                                                       static_cast<int32_t>(linears.size()), &stream)));
  stream_ = Stream(device, stream);

  logit_chunk_ = streams.max_logit_rows;
  TEMPER_ASSIGN(x_, DeviceBuffer::floats(device, rows * spec.width));
  TEMPER_ASSIGN(normed_, DeviceBuffer::floats(device, rows * spec.width));
  TEMPER_ASSIGN(qkv_, DeviceBuffer::floats(device, rows * qkv_width(spec)));
  TEMPER_ASSIGN(attended_, DeviceBuffer::floats(device, rows * spec.heads * spec.head_dim));
  TEMPER_ASSIGN(hidden_, DeviceBuffer::floats(device, rows * spec.mlp_width));
  TEMPER_ASSIGN(logits_, DeviceBuffer::floats(device, logit_chunk_ * spec.columns));
  if (spec.rotary) {
    rotary_span_ = plan_.position_span;
    TEMPER_ASSIGN(rotary_cos_, DeviceBuffer::floats(device, rotary_span_ * (spec.head_dim / 2)));
    TEMPER_ASSIGN(rotary_sin_, DeviceBuffer::floats(device, rotary_span_ * (spec.head_dim / 2)));
    TEMPER_TRY(fill_rotary(0));
  }
  if (spec.modulated_blocks) {
    for (int64_t layer = 0; layer < spec.layers; ++layer) {
      TEMPER_ASSIGN(DeviceBuffer table, DeviceBuffer::floats(device, plan_.conditions * 6 * spec.width));
      modulations_.push_back(std::move(table));
    }
  }
  if (spec.modulated_head) {
    TEMPER_ASSIGN(DeviceBuffer table, DeviceBuffer::floats(device, plan_.conditions * 2 * spec.width));
    modulations_.push_back(std::move(table));
  }
  if (spec.mixed_embedding) {
    TEMPER_ASSIGN(mix_, DeviceBuffer::floats(device, plan_.conditions));
  }
  if (spec.condition_width > 0) {
    TEMPER_ASSIGN(condition_in_, DeviceBuffer::floats(device, rows * spec.condition_width));
  }
  condition_values_.assign(static_cast<size_t>(plan_.conditions), 0.0);

  positions_.resize(static_cast<size_t>(rows));
  for (std::vector<int32_t> *column : {&tokens_, &relative_, &conditions_, &slots_, &begins_, &ends_})
    column->resize(static_cast<size_t>(rows));
  row_lanes_.resize(static_cast<size_t>(rows));
  return Status();
}

// Angles by absolute position, in double: position * theta^(-2j/d). The table covers positions
// [base, base + span); an endless generation moves it along.
Status Forward::fill_rotary(int64_t base) {
  const Spec &spec = model_->spec();
  const auto half = static_cast<size_t>(spec.head_dim / 2);
  constexpr size_t chunk = 256;  // pairs computed and uploaded at a time
  float cosines[chunk], sines[chunk];
  const auto total = static_cast<size_t>(rotary_span_) * half;
  for (size_t first = 0; first < total; first += chunk) {
    const size_t n = std::min(chunk, total - first);
    for (size_t i = 0; i < n; ++i) {
      const auto position = static_cast<double>(base + static_cast<int64_t>((first + i) / half));
      const auto pair = static_cast<double>((first + i) % half);
      const double angle = position * std::pow(spec.rotary_theta, -2.0 * pair / static_cast<double>(spec.head_dim));
      cosines[i] = static_cast<float>(std::cos(angle));
      sines[i] = static_cast<float>(std::sin(angle));
    }
    TEMPER_TRY(rotary_cos_.upload(cosines, n * sizeof(float), first * sizeof(float)));
    TEMPER_TRY(rotary_sin_.upload(sines, n * sizeof(float), first * sizeof(float)));
  }
  rotary_base_ = base;
  return Status();
}

Status Forward::set_conditions(std::span<const double> values) {
  const Spec &spec = model_->spec();
  const Device &device = *model_->device();
  if (values.size() > static_cast<size_t>(plan_.conditions))
    return Status(TEMPER_E_INTERNAL, "more conditioning values than planned");
  std::copy(values.begin(), values.end(), condition_values_.begin());
  if (spec.mixed_embedding) {
    std::vector<float> mix(values.size());
    std::transform(values.begin(), values.end(), mix.begin(),
                   [&](double sigma) { return static_cast<float>(std::exp(-spec.path.mix * sigma)); });
    TEMPER_TRY(mix_.upload(mix.data(), mix.size() * sizeof(float)));
  }
  if (!spec.modulated_blocks && !spec.modulated_head) return Status();

  const auto width = static_cast<size_t>(spec.condition_width);
  std::vector<float> vectors(values.size() * width);
  model_->condition_vectors(values, vectors.data());
  for (size_t first = 0; first < values.size();) {
    const size_t n = std::min(values.size() - first, static_cast<size_t>(plan_.max_rows));
    TEMPER_TRY(condition_in_.upload(vectors.data() + first * width, n * width * sizeof(float)));
    auto project = [&](const Linear &linear, size_t table, int64_t outputs) -> Status {
      float *out = modulations_[table].data() + static_cast<int64_t>(first) * outputs;
      return device.check(device.ops().linear(stream_.get(), out, condition_in_.data(), static_cast<int32_t>(n),
                                              linear.get(), TEMPER_ACTIVATION_NONE, nullptr, nullptr));
    };
    const std::vector<LayerObjects> &layers = model_->layers();
    if (spec.modulated_blocks)
      for (size_t layer = 0; layer < layers.size(); ++layer)
        TEMPER_TRY(project(layers[layer][Matrix::modulation], layer, 6 * spec.width));
    if (spec.modulated_head)
      TEMPER_TRY(project(model_->head_modulation(), modulations_.size() - 1, 2 * spec.width));
    first += n;
  }
  return Status();
}

bool Forward::add(const Row &row) noexcept {
  if (count_ >= plan_.max_rows) return false;
  const auto i = static_cast<size_t>(count_++);
  tokens_[i] = row.token;
  positions_[i] = row.position;
  conditions_[i] = row.condition;
  row_lanes_[i] = lanes_[static_cast<size_t>(row.sequence)].get();
  slots_[i] = row.slot;
  begins_[i] = row.visible_begin;
  ends_[i] = row.visible_end;
  if (i == 0) lowest_position_ = highest_position_ = row.position;
  lowest_position_ = std::min(lowest_position_, row.position);
  highest_position_ = std::max(highest_position_, row.position);
  return true;
}

temper_modulation Forward::modulation(size_t layer, int shift, int scale, int gate) const noexcept {
  const Spec &spec = model_->spec();
  if (!spec.modulated_blocks) return {};
  return {modulations_[layer].data(), 6 * spec.width, shift * spec.width, scale * spec.width, gate * spec.width};
}

Status Forward::run_layer(size_t index, bool keys_only) {
  const Spec &spec = model_->spec();
  const Device &device = *model_->device();
  const temper_backend &ops = device.ops();
  const LayerObjects &layer = model_->layers()[index];
  temper_stream *stream = stream_.get();

  auto norm_of = [&](const NormWeights &weights, const temper_modulation &modulation) {
    return temper_norm{spec.norm == Norm::rms ? TEMPER_NORM_RMS : TEMPER_NORM_LAYER, spec.norm_epsilon, spec.width,
                       weights.weight.data(), weights.bias.data(), modulation};
  };
  const temper_attention attention{static_cast<int32_t>(spec.heads),
                                   static_cast<int32_t>(spec.kv_heads),
                                   static_cast<int32_t>(spec.head_dim),
                                   static_cast<float>(1.0 / std::sqrt(static_cast<double>(spec.head_dim))),
                                   rotary_cos_.data(),
                                   rotary_sin_.data(),
                                   layer.q_norm.data(),
                                   layer.k_norm.data(),
                                   spec.norm_epsilon};

  // adaLN chunks: shift1 scale1 gate1 shift2 scale2 gate2.
  const temper_modulation first = modulation(index, 0, 1, 2), second = modulation(index, 3, 4, 5);
  const temper_norm norm1 = norm_of(layer.norm1, first), norm2 = norm_of(layer.norm2, second);
  const int32_t mlp_activation = spec.activation == Activation::swiglu     ? TEMPER_ACTIVATION_SWIGLU
                                 : spec.activation == Activation::gelu_erf ? TEMPER_ACTIVATION_GELU_ERF
                                                                           : TEMPER_ACTIVATION_GELU_TANH;
  const temper_modulation *gate1 = first.base != nullptr ? &first : nullptr;
  const temper_modulation *gate2 = second.base != nullptr ? &second : nullptr;

  TEMPER_TRY(device.check(ops.norm(stream, normed_.data(), x_.data(), &norm1, nullptr, count_)));
  TEMPER_TRY(device.check(ops.linear(stream, qkv_.data(), normed_.data(), count_, layer[Matrix::qkv].get(),
                                     TEMPER_ACTIVATION_NONE, nullptr, nullptr)));
  TEMPER_TRY(device.check(ops.rotary_write(stream, qkv_.data(), &attention, static_cast<int32_t>(index))));
  if (keys_only) return Status();
  TEMPER_TRY(device.check(
      ops.attend(stream, attended_.data(), qkv_.data(), &attention, static_cast<int32_t>(index))));
  TEMPER_TRY(device.check(ops.linear(stream, x_.data(), attended_.data(), count_, layer[Matrix::attention_out].get(),
                                     TEMPER_ACTIVATION_NONE, x_.data(), gate1)));
  TEMPER_TRY(device.check(ops.norm(stream, normed_.data(), x_.data(), &norm2, nullptr, count_)));
  TEMPER_TRY(device.check(ops.linear(stream, hidden_.data(), normed_.data(), count_, layer[Matrix::mlp_in].get(),
                                     mlp_activation, nullptr, nullptr)));
  return device.check(ops.linear(stream, x_.data(), hidden_.data(), count_, layer[Matrix::mlp_out].get(),
                                 TEMPER_ACTIVATION_NONE, x_.data(), gate2));
}

Status Forward::run_head(std::span<const int32_t> logit_rows, LogitSink &sink, const std::atomic<bool> *cancel) {
  const Spec &spec = model_->spec();
  const Device &device = *model_->device();
  temper_modulation modulation{};
  if (spec.modulated_head) modulation = {modulations_.back().data(), 2 * spec.width, 0, spec.width, 0};
  const temper_norm norm{spec.norm == Norm::rms ? TEMPER_NORM_RMS : TEMPER_NORM_LAYER, spec.norm_epsilon, spec.width,
                         model_->final_norm().weight.data(), model_->final_norm().bias.data(), modulation};
  for (size_t first = 0; first < logit_rows.size();) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed))
      return Status(TEMPER_E_CANCELLED, "cancelled");
    const size_t n = std::min(logit_rows.size() - first, static_cast<size_t>(logit_chunk_));
    const auto rows = static_cast<int32_t>(n);
    TEMPER_TRY(device.check(
        device.ops().norm(stream_.get(), normed_.data(), x_.data(), &norm, logit_rows.data() + first, rows)));
    TEMPER_TRY(device.check(device.ops().linear(stream_.get(), logits_.data(), normed_.data(), rows,
                                                model_->head().get(), TEMPER_ACTIVATION_NONE, nullptr, nullptr)));
    TEMPER_TRY(device.check(device.ops().sync(stream_.get())));
    if (spec.scale_by_sigma) {
      // log score = output - log(e^sigma - 1) - log(N) (MATH 2.2).
      for (size_t i = 0; i < n; ++i) {
        const double sigma =
            condition_values_[static_cast<size_t>(conditions_[static_cast<size_t>(logit_rows[first + i])])];
        const auto offset =
            static_cast<float>(std::log(std::expm1(sigma)) + std::log(static_cast<double>(spec.columns - 1)));
        float *row = logits_.data() + static_cast<int64_t>(i) * spec.columns;
        for (int64_t column = 0; column < spec.columns; ++column) row[column] -= offset;
      }
    }
    TEMPER_TRY(sink.consume(static_cast<int32_t>(first), rows, logits_.data()));
    first += n;
  }
  return Status();
}

Status Forward::run(std::span<const int32_t> logit_rows, LogitSink *sink, const std::atomic<bool> *cancel) {
  if (count_ == 0) return Status();
  const Spec &spec = model_->spec();
  const Device &device = *model_->device();
  if (spec.rotary && (lowest_position_ < rotary_base_ || highest_position_ >= rotary_base_ + rotary_span_)) {
    if (highest_position_ - lowest_position_ >= rotary_span_)
      return Status(TEMPER_E_INTERNAL, "positions of one call span more than planned");
    TEMPER_TRY(fill_rotary(lowest_position_));
  }
  for (int32_t i = 0; i < count_; ++i) {
    const auto at = static_cast<size_t>(i);
    relative_[at] = static_cast<int32_t>(positions_[at] - (spec.rotary ? rotary_base_ : 0));
  }
  const temper_rows rows{.count = count_,
                         .token = tokens_.data(),
                         .position = relative_.data(),
                         .condition = conditions_.data(),
                         .lane = row_lanes_.data(),
                         .slot = slots_.data(),
                         .visible_begin = begins_.data(),
                         .visible_end = ends_.data(),
                         .sees_itself = nullptr};
  TEMPER_TRY(device.check(device.ops().begin(stream_.get(), &rows)));
  const temper_embedding embedding{model_->embedding().raw(), model_->embedding_dtype(), spec.width,
                                   model_->positions().data(), mix_.data(), spec.mask_token};
  TEMPER_TRY(device.check(device.ops().embed(stream_.get(), x_.data(), &embedding)));
  const size_t layers = model_->layers().size();
  for (size_t layer = 0; layer < layers; ++layer) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed))
      return Status(TEMPER_E_CANCELLED, "cancelled");
    // Without logits the last layer is only wanted for its keys and values.
    TEMPER_TRY(run_layer(layer, logit_rows.empty() && layer + 1 == layers));
  }
  if (logit_rows.empty()) return device.check(device.ops().sync(stream_.get()));
  return run_head(logit_rows, *sink, cancel);
}

Status Forward::move_slots(int32_t sequence, int32_t from, int32_t to, int32_t count) {
  const Device &device = *model_->device();
  temper_lane *lane = lanes_[static_cast<size_t>(sequence)].get();
  return device.check(device.ops().lane_move(stream_.get(), lane, from, to, count));
}

int32_t Forward::workers() const noexcept {
  return model_->device()->executor().workers;
}

Status Forward::parallel(temper_task_fn task, void *argument, int32_t count) {
  const temper_executor &executor = model_->device()->executor();
  if (count > 0) executor.run(executor.user, task, argument, count);
  return Status();
}

}  // namespace temper
