// SPDX-License-Identifier: Apache-2.0
#include "engine/conditions.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace temper {
namespace {

bool projects(const Spec &spec) { return spec.modulated_blocks || spec.modulated_head; }

bool same(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b); }

}  // namespace

int64_t Conditions::estimate(const Spec &spec, int32_t capacity, int32_t max_rows) {
  int64_t floats = 0;
  if (spec.modulated_blocks) floats += capacity * spec.layers * 6 * spec.width;
  if (spec.modulated_head) floats += capacity * 2 * spec.width;
  if (spec.mixed_embedding) floats += capacity;
  if (projects(spec)) floats += max_rows * spec.condition_width;
  return floats * static_cast<int64_t>(sizeof(float));
}

Result<Conditions> Conditions::create(const std::shared_ptr<const Model> &model, int32_t capacity, int32_t max_rows) {
  Conditions conditions;
  conditions.model_ = model;
  conditions.max_rows_ = max_rows;
  const Spec &spec = model->spec();
  if (projects(spec)) {
    TEMPER_ASSIGN(conditions.inputs_, DeviceBuffer::floats(model->device(), max_rows * spec.condition_width));
  }
  TEMPER_TRY(conditions.allocate(static_cast<size_t>(capacity)));
  return conditions;
}

// Nothing is known in new tables.
Status Conditions::allocate(size_t capacity) {
  const Spec &spec = model_->spec();
  const auto count = static_cast<int64_t>(capacity);
  std::vector<DeviceBuffer> tables;
  const auto add = [&](int64_t width) -> Status {
    TEMPER_ASSIGN(DeviceBuffer table, DeviceBuffer::floats(model_->device(), count * width));
    tables.push_back(std::move(table));
    return Status();
  };
  if (spec.modulated_blocks)
    for (int64_t layer = 0; layer < spec.layers; ++layer) TEMPER_TRY(add(6 * spec.width));
  if (spec.modulated_head) TEMPER_TRY(add(2 * spec.width));
  DeviceBuffer mix;
  if (spec.mixed_embedding) {
    TEMPER_ASSIGN(mix, DeviceBuffer::floats(model_->device(), count));
  }
  entries_.resize(capacity);
  for (Entry &entry : entries_) entry.known = false;
  tables_ = std::move(tables);
  mix_ = std::move(mix);
  return Status();
}

// An entry that has the value already, or one that nobody holds.
Result<size_t> Conditions::place_of(double value) {
  size_t free = entries_.size(), unused = entries_.size();
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry &entry = entries_[i];
    if ((entry.holders > 0 || entry.known) && same(entry.value, value)) return i;
    if (entry.holders > 0) continue;
    free = std::min(free, i);
    if (!entry.known) unused = std::min(unused, i);
  }
  if (unused < entries_.size()) return unused;
  if (free < entries_.size()) return free;
  TEMPER_TRY(allocate(entries_.size() * 2));
  return free;
}

Result<std::vector<int32_t>> Conditions::hold(std::span<const double> values, temper_stream *stream) {
  std::vector<int32_t> indices;
  indices.reserve(values.size());
  for (const double value : values) {
    const Result<size_t> place = place_of(value);
    if (!place.ok()) {
      release(indices);
      return place.status();
    }
    Entry &entry = entries_[place.value()];
    if (!same(entry.value, value)) entry.known = false;
    entry.value = value;
    ++entry.holders;
    indices.push_back(static_cast<int32_t>(place.value()));
  }
  const Status status = compute_missing(stream);
  if (status.ok()) return indices;
  release(indices);
  return status;
}

// In stretches: values of one session mostly stand side by side.
Status Conditions::compute_missing(temper_stream *stream) {
  const auto missing = [&](size_t i) {
    return i < entries_.size() && entries_[i].holders > 0 && !entries_[i].known;
  };
  for (size_t first = 0; first < entries_.size();) {
    size_t end = first;
    while (missing(end) && end - first < static_cast<size_t>(max_rows_)) ++end;
    if (end > first) TEMPER_TRY(compute(first, end - first, stream));
    first = std::max(end, first + 1);
  }
  return Status();
}

Status Conditions::take_over(const Conditions &from, temper_stream *stream) {
  for (size_t i = 0; i < from.entries_.size(); ++i)
    entries_[i] = {.value = from.entries_[i].value, .holders = from.entries_[i].holders, .known = false};
  return compute_missing(stream);
}

void Conditions::release(std::span<const int32_t> indices) noexcept {
  for (const int32_t index : indices) --entries_[static_cast<size_t>(index)].holders;
}

Status Conditions::compute(size_t first, size_t count, temper_stream *stream) {
  const Spec &spec = model_->spec();
  const Device &device = *model_->device();
  std::vector<double> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = entries_[first + i].value;
  if (spec.mixed_embedding) {
    std::vector<float> mix(count);
    std::transform(values.begin(), values.end(), mix.begin(),
                   [&](double sigma) { return static_cast<float>(std::exp(-spec.path.mix * sigma)); });
    TEMPER_TRY(mix_.upload(mix.data(), count * sizeof(float), first * sizeof(float)));
  }
  if (projects(spec)) {
    std::vector<float> vectors(count * static_cast<size_t>(spec.condition_width));
    model_->condition_vectors(values, vectors.data());
    TEMPER_TRY(inputs_.upload(vectors.data(), vectors.size() * sizeof(float)));
    const auto project = [&](const Linear &linear, const DeviceBuffer &table, int64_t outputs) {
      return device.check(device.ops().linear(stream, table.data() + static_cast<int64_t>(first) * outputs,
                                              inputs_.data(), static_cast<int32_t>(count), linear.get(),
                                              TEMPER_ACTIVATION_NONE, nullptr, nullptr));
    };
    const std::vector<LayerObjects> &layers = model_->layers();
    if (spec.modulated_blocks)
      for (size_t layer = 0; layer < layers.size(); ++layer)
        TEMPER_TRY(project(layers[layer][Matrix::modulation], tables_[layer], 6 * spec.width));
    if (spec.modulated_head) TEMPER_TRY(project(model_->head_modulation(), tables_.back(), 2 * spec.width));
    TEMPER_TRY(device.check(device.ops().sync(stream)));
  }
  for (size_t i = 0; i < count; ++i) entries_[first + i].known = true;
  return Status();
}

temper_modulation Conditions::of_layer(size_t layer, int shift, int scale, int gate) const noexcept {
  const Spec &spec = model_->spec();
  if (!spec.modulated_blocks) return {};
  return {.base = tables_[layer].data(),
          .stride = 6 * spec.width,
          .shift_at = shift * spec.width,
          .scale_at = scale * spec.width,
          .gate_at = gate * spec.width};
}

temper_modulation Conditions::of_head() const noexcept {
  const Spec &spec = model_->spec();
  if (!spec.modulated_head) return {};
  return {.base = tables_.back().data(), .stride = 2 * spec.width, .shift_at = 0, .scale_at = spec.width, .gate_at = 0};
}

}  // namespace temper
