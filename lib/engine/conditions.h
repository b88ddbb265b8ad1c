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
  // Room for `capacity` values, at most 65,536; hold() makes more when it has to. Projections are made `max_rows` at a
  // time.
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
  // adaLN vectors of a layer by their chunks (matrices.h). No base: the model has none.
  temper_modulation of_layer(size_t layer, Chunk shift, Chunk scale, Chunk gate) const noexcept;
  temper_modulation of_head() const noexcept;
  // Shares of the token's own embedding (gamma models), or null.
  const float *mix() const noexcept { return tables_.mix.data(); }

 private:
  struct Entry {
    double value = 0;
    int32_t holders = 0;
    bool known = false;  // its projections are in the tables
  };
  struct Tables {
    std::vector<DeviceBuffer> layers;  // [capacity][chunk_count][width] each
    DeviceBuffer head;                 // [capacity][head_chunk_count][width]
    DeviceBuffer mix;                  // [capacity]
  };
  Result<Tables> make_tables(size_t capacity) const;
  Status grow(temper_stream *stream);
  Result<size_t> place_of(double value, temper_stream *stream);
  // What is held and not known yet.
  Status compute_missing(std::span<Entry> entries, Tables &tables, temper_stream *stream);
  // `first`: the place of the first of these.
  Status compute(std::span<const Entry> entries, size_t first, Tables &tables, temper_stream *stream);

  std::shared_ptr<const Model> model_;
  int32_t max_rows_ = 1;
  std::vector<Entry> entries_;
  Tables tables_;
  DeviceBuffer inputs_;  // [max_rows][condition_width]
};

}  // namespace temper
