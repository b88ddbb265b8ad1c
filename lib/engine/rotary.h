// SPDX-License-Identifier: Apache-2.0
// Angles of rotary positions in device memory. Rows of one call may be as far apart as their sequences are: a position
// has its place at position mod size, and when two positions of a call want the same place the later one gets a spare one.
#pragma once

#include "engine/call.h"
#include "model/model.h"
#include "runtime/memory.h"

#include <memory>
#include <vector>

namespace temper {

class Rotary {
 public:
  // Places for `span` positions, and spare ones for a call of `max_rows` rows. Learned positions need none of them.
  static Result<Rotary> create(const std::shared_ptr<const Model> &model, int64_t span, int32_t max_rows);
  static int64_t estimate(const Spec &spec, int64_t span, int32_t max_rows);

  // The places of a call's positions, their angles written; valid until the next call. Without rotary positions they
  // are the positions themselves.
  Result<const int32_t *> place(std::span<const int64_t> positions);

  const float *cosines() const noexcept { return cosines_.data(); }
  const float *sines() const noexcept { return sines_.data(); }

 private:
  Status write(size_t place, std::span<const int64_t> positions);

  std::shared_ptr<const Model> model_;
  DeviceBuffer cosines_, sines_;        // [size + max_rows][head_dim/2]
  std::vector<double> frequencies_;     // of the pairs
  HostArray<int64_t> held_;             // position whose angles a place has; -1: none
  HostArray<uint32_t> used_;            // the call that used a place last
  std::vector<int32_t> places_;         // of the call's rows
  std::vector<float> angles_;           // on their way to the device
  size_t size_ = 0;
  uint32_t call_ = 0;
};

}  // namespace temper
