// SPDX-License-Identifier: Apache-2.0
#include "engine/conditions.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace temper {
namespace {

// No model has been shown so many, and looking for one of them takes a walk over all.
constexpr size_t most_conditions = 65536;

bool projects(const Spec &spec) { return spec.modulated_blocks || spec.modulated_head; }

bool same(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b); }

}  // namespace

int64_t Conditions::estimate(const Spec &spec, int32_t capacity, int32_t max_rows) {
  int64_t floats = 0;
  if (spec.modulated_blocks) floats += capacity * spec.layers * chunk_count * spec.width;
  if (spec.modulated_head) floats += capacity * head_chunk_count * spec.width;
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
  TEMPER_ASSIGN(conditions.tables_, conditions.make_tables(static_cast<size_t>(capacity)));
  conditions.entries_.resize(static_cast<size_t>(capacity));
  return conditions;
}

// Nothing is known in new tables.
Result<Conditions::Tables> Conditions::make_tables(size_t capacity) const {
  if (capacity > most_conditions)
    return fail(TEMPER_E_UNSUPPORTED, "the model would be told more than %zu levels of noise at a time",
                most_conditions);
  const Spec &spec = model_->spec();
  const std::shared_ptr<Device> &device = model_->device();
  const auto count = static_cast<int64_t>(capacity);
  Tables tables;
  for (int64_t layer = 0; spec.modulated_blocks && layer < spec.layers; ++layer) {
    TEMPER_ASSIGN(DeviceBuffer table, DeviceBuffer::floats(device, count * chunk_count * spec.width));
    tables.layers.push_back(std::move(table));
  }
  if (spec.modulated_head) {
    TEMPER_ASSIGN(tables.head, DeviceBuffer::floats(device, count * head_chunk_count * spec.width));
  }
  if (spec.mixed_embedding) {
    TEMPER_ASSIGN(tables.mix, DeviceBuffer::floats(device, count));
  }
  return tables;
}

// All that is held is there before the larger tables take the place of the old ones: without memory nothing changes.
Status Conditions::grow(temper_stream *stream) {
  std::vector<Entry> entries(entries_);
  for (Entry &entry : entries) entry.known = false;
  entries.resize(std::min(2 * entries.size(), std::max(entries.size() + 1, most_conditions)));  // at the most: refused
  TEMPER_ASSIGN(Tables tables, make_tables(entries.size()));
  TEMPER_TRY(compute_missing(entries, tables, stream));
  entries_ = std::move(entries);
  tables_ = std::move(tables);
  return Status();
}

// An entry that has the value already, or one that nobody holds.
Result<size_t> Conditions::place_of(double value, temper_stream *stream) {
  size_t free = entries_.size(), unused = entries_.size();
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry &entry = entries_[i];
    if ((entry.holders > 0 || entry.known) && same(entry.value, value)) return i;
    if (entry.holders > 0) continue;
    free = std::min(free, i);
    if (!entry.known) unused = std::min(unused, i);
  }
  if (unused < entries_.size()) return unused;
  if (free == entries_.size()) TEMPER_TRY(grow(stream));
  return free;
}

Result<std::vector<int32_t>> Conditions::hold(std::span<const double> values, temper_stream *stream) {
  // Lets go of what it has unless all went well, whether that ends by an error or by an exception.
  struct Held {
    Conditions *of;
    std::vector<int32_t> indices;
    ~Held() { of->release(indices); }
  } held{this, {}};
  held.indices.reserve(values.size());
  for (const double value : values) {
    TEMPER_ASSIGN(const size_t place, place_of(value, stream));
    Entry &entry = entries_[place];
    if (!same(entry.value, value)) entry.known = false;
    entry.value = value;
    ++entry.holders;
    held.indices.push_back(static_cast<int32_t>(place));
  }
  TEMPER_TRY(compute_missing(entries_, tables_, stream));
  return std::exchange(held.indices, {});
}

// In stretches: values of one session mostly stand side by side.
Status Conditions::compute_missing(std::span<Entry> entries, Tables &tables, temper_stream *stream) {
  const Device &device = *model_->device();
  const auto missing = [&](size_t i) { return i < entries.size() && entries[i].holders > 0 && !entries[i].known; };
  for (size_t first = 0; first < entries.size();) {
    size_t end = first;
    while (missing(end) && end - first < static_cast<size_t>(max_rows_)) ++end;
    if (end > first) {
      const std::span<Entry> stretch = entries.subspan(first, end - first);
      const Status computed = compute(stretch, first, tables, stream);
      const Status over = device.check(device.ops().sync(stream));  // after an error, too: the tables may be given up
      TEMPER_TRY(computed);
      TEMPER_TRY(over);
      for (Entry &entry : stretch) entry.known = true;
    }
    first = std::max(end, first + 1);
  }
  return Status();
}

Status Conditions::take_over(const Conditions &from, temper_stream *stream) {
  for (size_t i = 0; i < from.entries_.size(); ++i)
    entries_[i] = {.value = from.entries_[i].value, .holders = from.entries_[i].holders, .known = false};
  return compute_missing(entries_, tables_, stream);
}

void Conditions::release(std::span<const int32_t> indices) noexcept {
  for (const int32_t index : indices) --entries_[static_cast<size_t>(index)].holders;
}

Status Conditions::compute(std::span<const Entry> entries, size_t first, Tables &tables, temper_stream *stream) {
  const Spec &spec = model_->spec();
  const Device &device = *model_->device();
  const size_t count = entries.size();
  std::vector<double> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = entries[i].value;
  if (spec.mixed_embedding) {
    std::vector<float> mix(count);
    std::transform(values.begin(), values.end(), mix.begin(),
                   [&](double sigma) { return static_cast<float>(std::exp(-spec.path.mix * sigma)); });
    TEMPER_TRY(tables.mix.upload(mix.data(), count * sizeof(float), first * sizeof(float)));
  }
  if (!projects(spec)) return Status();
  std::vector<float> vectors(count * static_cast<size_t>(spec.condition_width));
  model_->condition_vectors(values, vectors.data());
  TEMPER_TRY(inputs_.upload(vectors.data(), vectors.size() * sizeof(float)));
  const auto project = [&](const Linear &linear, const DeviceBuffer &table, int64_t chunks) {
    return device.check(device.ops().linear(stream, table.data() + static_cast<int64_t>(first) * chunks * spec.width,
                                            inputs_.data(), static_cast<int32_t>(count), linear.get(),
                                            TEMPER_ACTIVATION_NONE, nullptr, nullptr));
  };
  for (size_t layer = 0; layer < tables.layers.size(); ++layer)
    TEMPER_TRY(project(model_->layers()[layer][Matrix::modulation], tables.layers[layer], chunk_count));
  return spec.modulated_head ? project(model_->head_modulation(), tables.head, head_chunk_count) : Status();
}

temper_modulation Conditions::of_layer(size_t layer, Chunk shift, Chunk scale, Chunk gate) const noexcept {
  const int64_t width = model_->spec().width;
  if (tables_.layers.empty()) return {};
  return {.base = tables_.layers[layer].data(),
          .stride = chunk_count * width,
          .shift_at = shift * width,
          .scale_at = scale * width,
          .gate_at = gate * width};
}

temper_modulation Conditions::of_head() const noexcept {
  const int64_t width = model_->spec().width;
  if (tables_.head.data() == nullptr) return {};
  return {.base = tables_.head.data(),
          .stride = head_chunk_count * width,
          .shift_at = head_shift * width,
          .scale_at = head_scale * width,
          .gate_at = 0};
}

}  // namespace temper
