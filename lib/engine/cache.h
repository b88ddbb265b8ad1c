// SPDX-License-Identifier: Apache-2.0
// Keys and values of sequences: lanes of slots on a device. Lanes of many caches may take part in one call.
#pragma once

#include "model/model.h"

#include <memory>
#include <span>
#include <vector>

namespace temper {

struct CachePlan {
  int32_t lanes = 1;
  int32_t slots = 1;               // of a lane
  int32_t type = TEMPER_KV_F32;    // of an element

  bool operator==(const CachePlan &) const = default;
};

class Cache {
 public:
  static Result<Cache> create(const std::shared_ptr<const Model> &model, const CachePlan &plan);
  // A cache of the same plan whose lane l begins with the first kept[l] slots of lane l of `from`. Of these the first
  // lasting[l] will hardly be written again and are shared. Both may then be used on different threads.
  static Result<Cache> fork(const Cache &from, std::span<const int32_t> kept, std::span<const int32_t> lasting);
  static Result<int64_t> estimate(const Model &model, const CachePlan &plan);

  const CachePlan &plan() const noexcept { return plan_; }
  temper_lane *lane(int32_t index) const noexcept { return lanes_[static_cast<size_t>(index)].get(); }
  // What it took; a fork doesn't count what it shares.
  int64_t bytes() const noexcept { return bytes_; }

 private:
  CachePlan plan_;
  std::vector<Lane> lanes_;
  std::shared_ptr<const Model> model_;
  int64_t bytes_ = 0;
};

}  // namespace temper
