// SPDX-License-Identifier: Apache-2.0
// The CPU backend whose large products are oneDNN's matmul, one thread to a tile.
#include "backends/cpu/entry.h"
#include "backends/cpu/one_thread.h"
#include "backends/onednn/dnnl_compat.h"
#include "backends/scores.h"

#include <cstdio>
#include <vector>

namespace temper::onednn {
namespace {

constexpr int64_t rows = cpu::library_rows, columns = cpu::library_columns;

struct Lane {  // what one worker needs, so that a tile allocates nothing
  dnnl::stream stream;
  dnnl::memory a, b, c, scratch;
};

struct Plan {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::matmul primitive;
  std::vector<Lane> lanes;
};

// oneDNN's C++ interface throws; nothing of that leaves these functions.
void *plan(int64_t inputs, int32_t workers) {
  const cpu::OneThread one;
  try {
    using dnnl::memory;
    auto made = std::make_unique<Plan>();
    const auto plain = [](int64_t m, int64_t n) {
      return memory::desc({m, n}, memory::data_type::f32, memory::format_tag::ab);
    };
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const auto a = plain(rows, inputs), b = plain(inputs, columns), c = plain(rows, columns);
    const auto desc = matmul_desc(made->engine, a, b, c, attributes);
    made->primitive = dnnl::matmul(desc);
    for (int32_t i = 0; i < workers; ++i)
      made->lanes.push_back({dnnl::stream(made->engine), memory(a, made->engine, nullptr),
                             memory(b, made->engine, nullptr), memory(c, made->engine, nullptr),
                             memory(desc.scratchpad_desc(), made->engine)});
    return made.release();
  } catch (...) {
    return nullptr;
  }
}

void unplan(void *plan) { delete static_cast<Plan *>(plan); }

bool multiply(void *plan, int32_t worker, const float *a, const float *b, float *c) {
  const cpu::OneThread one;
  const Plan &planned = *static_cast<Plan *>(plan);
  const Lane &lane = planned.lanes[static_cast<size_t>(worker)];
  // oneDNN takes its inputs through pointers that aren't const, and doesn't write to them.
  if (dnnl_memory_set_data_handle(lane.a.get(), const_cast<float *>(a)) != dnnl_success ||
      dnnl_memory_set_data_handle(lane.b.get(), const_cast<float *>(b)) != dnnl_success ||
      dnnl_memory_set_data_handle(lane.c.get(), c) != dnnl_success)
    return false;
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, lane.a.get()},
                                       {DNNL_ARG_WEIGHTS, lane.b.get()},
                                       {DNNL_ARG_DST, lane.c.get()},
                                       {DNNL_ARG_SCRATCHPAD, lane.scratch.get()}};
  return dnnl_primitive_execute(planned.primitive.get(), lane.stream.get(), 4, arguments) == dnnl_success &&
         dnnl_stream_wait(lane.stream.get()) == dnnl_success;
}

constexpr cpu::Library library{
    .plan = plan, .unplan = unplan, .multiply = multiply, .enter = nullptr, .leave = nullptr};

void describe(char *text, size_t capacity) {
  const dnnl_version_t *version = dnnl_version();
  (void)std::snprintf(text, capacity, "oneDNN %d.%d.%d, own kernels %s", version->major, version->minor,
                      version->patch, cpu::name_of(cpu::best_instruction_set()));
}

constexpr cpu::Description description{
    .name = "onednn", .score = scores::onednn, .library = &library, .describe = describe};

}  // namespace
}  // namespace temper::onednn

TEMPER_CPU_BACKEND(onednn, temper::onednn::description)
