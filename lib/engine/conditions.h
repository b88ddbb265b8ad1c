// SPDX-License-Identifier: Apache-2.0
// What rows are told about their noise: conditioning values (sigma or t, as the model's Spec wants it) and what the model
// makes of them, computed once a value and shared by all sessions of an engine.
#pragma once

#include "model/model.h"

#include <memory>
#include <span>
#include <vector>

namespace temper {

class Conditions {
 public:
  // Room for `capacity` values; hold() makes more when it has to. Projections are made `max_rows` at a time.
  static Result<Conditions> create(const std::shared_ptr<const Model> &model, int32_t capacity, int32_t max_rows);
  static int64_t estimate(const Spec &spec, int32_t capacity, int32_t max_rows);

  // The index of each value, for Row::condition; equal values have the same. They stay until release() was called as
  // often as hold(). Not while a call is run.
  Result<std::vector<int32_t>> hold(std::span<const double> values, temper_stream *stream);
  void release(std::span<const int32_t> indices) noexcept;
  // All that `from` holds, at the same indices; no more than there is room for.
  Status take_over(const Conditions &from, temper_stream *stream);

  int32_t capacity() const noexcept { return static_cast<int32_t>(entries_.size()); }
  double value(int32_t index) const noexcept { return entries_[static_cast<size_t>(index)].value; }
  // adaLN vectors of a layer: shift1 scale1 gate1 shift2 scale2 gate2, as these chunks. No base: the model has none.
  temper_modulation of_layer(size_t layer, int shift, int scale, int gate) const noexcept;
  temper_modulation of_head() const noexcept;
  // Shares of the token's own embedding (gamma models), or null.
  const float *mix() const noexcept { return mix_.data(); }

 private:
  struct Entry {
    double value = 0;
    int32_t holders = 0;
    bool known = false;  // its projections are in the tables
  };
  Status allocate(size_t capacity);
  Result<size_t> place_of(double value);
  Status compute_missing(temper_stream *stream);
  Status compute(size_t first, size_t count, temper_stream *stream);

  std::shared_ptr<const Model> model_;
  int32_t max_rows_ = 1;
  std::vector<Entry> entries_;
  std::vector<DeviceBuffer> tables_;  // per layer [capacity][6 width], then the head's [capacity][2 width]
  DeviceBuffer mix_;                  // [capacity]
  DeviceBuffer inputs_;               // [max_rows][condition_width]
};

}  // namespace temper
