// SPDX-License-Identifier: Apache-2.0
// An engine's memory.
#include "engine/engine.h"

#include "engine/sizes.h"
#include "runtime/runtime.h"

#include <algorithm>

namespace temper {
namespace {

// The threads of a runtime, or the caller's.
class ExecutorThreads final : public Threads {
 public:
  explicit ExecutorThreads(std::shared_ptr<Device> device) : device_(std::move(device)) {}
  int32_t workers() const noexcept override { return device_->executor().workers; }

 protected:
  void run(temper_task_fn task, void *argument, int32_t count) const override {
    const temper_executor &executor = device_->executor();
    if (count > 0) executor.run(executor.user, task, argument, count);
  }

 private:
  std::shared_ptr<Device> device_;
};

EnginePlan larger_of(const EnginePlan &a, const EnginePlan &b) {
  return {.max_rows = std::max(a.max_rows, b.max_rows),
          .max_wanted = std::max(a.max_wanted, b.max_wanted),
          .max_questions = std::max(a.max_questions, b.max_questions),
          .max_slots = std::max(a.max_slots, b.max_slots),
          .conditions = std::max(a.conditions, b.conditions),
          .position_span = std::max(a.position_span, b.position_span)};
}

// A chunk of logits goes through the same buffers as the rows of a call.
EnginePlan with_chunk(EnginePlan plan) {
  plan.max_rows = std::max(plan.max_rows, logit_chunk(plan.max_wanted));
  return plan;
}

temper_stream_plan stream_plan(const Spec &spec, const EnginePlan &plan) {
  const int64_t widest = std::max({spec.width, qkv_width(spec), mlp_in_width(spec), spec.heads * spec.head_dim,
                                   spec.condition_width, chunk_count * spec.width * (spec.modulated_blocks ? 1 : 0),
                                   head_chunk_count * spec.width * (spec.modulated_head ? 1 : 0)});
  return {.max_rows = plan.max_rows,
          .max_logit_rows = logit_chunk(plan.max_wanted),
          .max_slots = plan.max_slots,
          .max_width = widest};
}

// Of scratch memory for questions.
int64_t workspace_count(const Device &device, const EnginePlan &plan) {
  return plan.max_questions > 0 ? device.executor().workers : 0;
}

bool on_host(const Model &model) { return (model.device()->ops().flags & TEMPER_BACKEND_HOST_MEMORY) != 0; }

}  // namespace

Result<int64_t> Engine::estimate(const Model &model, const EnginePlan &wanted) {
  const EnginePlan plan = with_chunk(wanted);
  const Spec &spec = model.spec();
  const Device &device = *model.device();
  const temper_stream_plan stream = stream_plan(spec, plan);
  int64_t floats = plan.max_rows * (2 * spec.width + qkv_width(spec) + spec.heads * spec.head_dim + spec.mlp_width);
  floats += stream.max_logit_rows * spec.columns * (on_host(model) ? 1 : 2);
  int64_t bytes = floats * static_cast<int64_t>(sizeof(float)) +
                  Rotary::estimate(spec, plan.position_span, plan.max_rows) +
                  Conditions::estimate(spec, plan.conditions, plan.max_rows);
  TEMPER_TRY(add_bytes(&bytes, Workspace::bytes(static_cast<int32_t>(spec.columns)), workspace_count(device, plan)));
  TEMPER_TRY(add_bytes(&bytes, device.ops().stream_bytes(device.handle(), &stream)));
  return bytes;
}

int64_t Engine::bytes() const {
  EnginePlan plan = plan_;
  plan.conditions = parts_.conditions.capacity();  // they grow by themselves
  return estimate(*model_, plan).value();          // what is there can be counted
}

Result<Engine::Parts> Engine::make_parts(const std::shared_ptr<const Model> &model, const EnginePlan &plan) {
  const Spec &spec = model->spec();
  const std::shared_ptr<Device> &device = model->device();
  Parts parts;
  const temper_stream_plan streams = stream_plan(spec, plan);
  const std::vector<temper_linear *> &linears = model->linears();
  temper_stream *stream = nullptr;
  TEMPER_TRY(device->check(device->ops().stream_create(device->handle(), &streams, linears.data(),
                                                       static_cast<int32_t>(linears.size()), &stream)));
  parts.stream = Stream(device, stream);
  const int64_t rows = plan.max_rows;
  TEMPER_ASSIGN(parts.x, DeviceBuffer::floats(device, rows * spec.width));
  TEMPER_ASSIGN(parts.normed, DeviceBuffer::floats(device, rows * spec.width));
  TEMPER_ASSIGN(parts.qkv, DeviceBuffer::floats(device, rows * qkv_width(spec)));
  TEMPER_ASSIGN(parts.attended, DeviceBuffer::floats(device, rows * spec.heads * spec.head_dim));
  TEMPER_ASSIGN(parts.hidden, DeviceBuffer::floats(device, rows * spec.mlp_width));
  TEMPER_ASSIGN(parts.logits, DeviceBuffer::floats(device, streams.max_logit_rows * spec.columns));
  const temper_allocator &host = device->runtime().allocator();
  if (!on_host(*model)) {
    TEMPER_ASSIGN(parts.host_logits,
                  HostArray<float>::create(host, static_cast<size_t>(streams.max_logit_rows * spec.columns)));
  }
  for (int64_t worker = 0; worker < workspace_count(*device, plan); ++worker) {
    TEMPER_ASSIGN(Workspace workspace, Workspace::create(static_cast<int32_t>(spec.columns), host));
    parts.workspaces.push_back(std::move(workspace));
  }
  parts.questions.reserve(static_cast<size_t>(streams.max_logit_rows) * static_cast<size_t>(plan.max_questions));
  TEMPER_ASSIGN(parts.rotary, Rotary::create(model, plan.position_span, plan.max_rows));
  TEMPER_ASSIGN(parts.conditions, Conditions::create(model, plan.conditions, plan.max_rows));
  return parts;
}

Result<std::shared_ptr<Engine>> Engine::create(std::shared_ptr<const Model> model, const EnginePlan &wanted) {
  const EnginePlan plan = with_chunk(wanted);
  std::shared_ptr<Engine> engine(new Engine());
  engine->model_ = std::move(model);
  TEMPER_ASSIGN(engine->parts_, make_parts(engine->model_, plan));
  engine->plan_ = plan;
  engine->call_.reserve(plan.max_rows, plan.max_wanted);
  engine->threads_ = std::make_unique<ExecutorThreads>(engine->model_->device());
  return engine;
}

Status Engine::reserve(const EnginePlan &plan) {
  EnginePlan wanted = with_chunk(larger_of(plan, plan_));
  if (wanted == plan_) return Status();
  // Values that are held stay where they are.
  wanted.conditions = std::max(wanted.conditions, parts_.conditions.capacity());
  TEMPER_ASSIGN(Parts parts, make_parts(model_, wanted));
  TEMPER_TRY(parts.conditions.take_over(parts_.conditions, parts.stream.get()));
  Call call;
  call.reserve(wanted.max_rows, wanted.max_wanted);
  parts_ = std::move(parts);
  call_ = std::move(call);
  plan_ = wanted;
  return Status();
}

const Threads &Engine::threads() const noexcept { return *threads_; }

Result<std::vector<int32_t>> Engine::hold_conditions(std::span<const double> values) {
  return parts_.conditions.hold(values, parts_.stream.get());
}

Status Engine::move_slots(temper_lane *lane, int32_t from, int32_t to, int32_t count) {
  const Device &device = *model_->device();
  return device.check(device.ops().lane_move(parts_.stream.get(), lane, from, to, count));
}

}  // namespace temper
