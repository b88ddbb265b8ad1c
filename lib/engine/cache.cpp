// SPDX-License-Identifier: Apache-2.0
#include "engine/cache.h"

namespace temper {
namespace {

temper_lane_plan lane_plan(const Spec &spec, const CachePlan &plan) {
  return {.layers = static_cast<int32_t>(spec.layers),
          .slots = plan.slots,
          .kv_heads = static_cast<int32_t>(spec.kv_heads),
          .head_dim = static_cast<int32_t>(spec.head_dim),
          .type = plan.type};
}

}  // namespace

Result<int64_t> Cache::estimate(const Model &model, const CachePlan &plan) {
  const Device &device = *model.device();
  const temper_lane_plan lane = lane_plan(model.spec(), plan);
  int64_t bytes = 0;
  TEMPER_TRY(add_bytes(&bytes, device.ops().lane_bytes(device.handle(), &lane), plan.lanes));
  return bytes;
}

Result<Cache> Cache::create(const std::shared_ptr<const Model> &model, const CachePlan &plan) {
  const Device &device = *model->device();
  const temper_lane_plan wanted = lane_plan(model->spec(), plan);
  Cache cache;
  cache.plan_ = plan;
  cache.model_ = model;
  TEMPER_ASSIGN(cache.bytes_, estimate(*model, plan));
  cache.lanes_.reserve(static_cast<size_t>(plan.lanes));  // so that no lane is lost when memory runs out
  for (int32_t i = 0; i < plan.lanes; ++i) {
    temper_lane *lane = nullptr;
    TEMPER_TRY(device.check(device.ops().lane_create(device.handle(), &wanted, &lane)));
    cache.lanes_.emplace_back(model->device(), lane);
  }
  return cache;
}

Result<Cache> Cache::fork(const Cache &from, std::span<const int32_t> kept, std::span<const int32_t> lasting) {
  const Device &device = *from.model_->device();
  Cache cache;
  cache.plan_ = from.plan_;
  cache.model_ = from.model_;
  TEMPER_ASSIGN(cache.bytes_, estimate(*from.model_, from.plan_));
  cache.lanes_.reserve(from.lanes_.size());
  for (size_t i = 0; i < from.lanes_.size(); ++i) {
    temper_lane *lane = nullptr;
    size_t shared = 0;
    TEMPER_TRY(device.check(device.ops().lane_fork(device.handle(), from.lanes_[i].get(), kept[i], lasting[i], &lane,
                                                   &shared)));
    cache.lanes_.emplace_back(from.model_->device(), lane);
    cache.bytes_ -= static_cast<int64_t>(shared);
  }
  return cache;
}

}  // namespace temper
