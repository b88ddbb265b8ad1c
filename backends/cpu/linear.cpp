// SPDX-License-Identifier: Apache-2.0
// Matrix products: cut into groups of panels and blocks of rows, shared out over the host's threads.
#include "backends/cpu/device.h"

#include <algorithm>

namespace temper::cpu {
namespace {

struct Call {
  const Device &device;
  const Stream &stream;
  const Linear &linear;
  float *out;
  const float *in;
  const float *residual;
  const temper_modulation *modulation;
  int32_t activation;
  int64_t width;  // columns of out
};

// Columns of out that `panels` panels make.
int64_t columns_of(const Call &call, int64_t panels) {
  return (call.activation == TEMPER_ACTIVATION_SWIGLU ? panels / 2 : panels) * panel_width;
}

// Rows [first, first+rows), outputs of `panels` panels from `panel` on, from their sums.
void finish(const Call &call, int32_t panel, int32_t panels, int64_t first, int64_t rows, const float *sums,
            int64_t stride) {
  const int64_t column = columns_of(call, panel);
  const int64_t count = std::min(columns_of(call, panels), call.width - column);
  for (int64_t r = 0; r < rows; ++r) {
    Finish finish;
    finish.activation = call.activation;
    if (const float *bias = call.linear.bias.as<const float>()) finish.bias = bias + panel * panel_width;
    const int64_t at = (first + r) * call.width + column;
    if (call.modulation != nullptr && call.modulation->base != nullptr)
      finish.gate = call.modulation->base +
                    call.stream.rows.condition[first + r] * call.modulation->stride + call.modulation->gate_at + column;
    if (call.residual != nullptr) finish.residual = call.residual + at;
    call.device.kernels.finish(finish, sums + r * stride, call.out + at, count);
  }
}

void panel_unit(const Call &call, int32_t panel, int32_t panels, int64_t first, int64_t rows, int32_t worker) {
  float *sums = call.stream.sums.as<float>() + worker * sums_rows * sums_columns;
  const Linear &linear = call.linear;
  linear.sum(linear.panels.part(panel, panels), call.in + first * linear.inputs, rows, sums, sums_columns);
  finish(call, panel, panels, first, rows, sums, sums_columns);
}

// All rows by the panel kernels.
void panel_rows(const Call &call, int64_t rows) {
  if (rows <= 0) return;
  const int32_t panels = call.linear.panels.count;
  const int32_t least = call.activation == TEMPER_ACTIVATION_SWIGLU ? 2 : 1;
  const auto blocks = static_cast<int32_t>((rows + sums_rows - 1) / sums_rows);
  // Small enough groups that every thread finds several, large enough that claiming costs nothing.
  int32_t group = sums_panels;
  while (group > least && (panels / group) * blocks < 4 * call.device.executor->workers) group /= 2;
  const int32_t groups = (panels + group - 1) / group;
  const auto unit = [&](int32_t index, int32_t worker) {
    const int32_t panel = index / blocks * group;
    const int64_t block = (index % blocks) * sums_rows;
    panel_unit(call, panel, std::min(group, panels - panel), block, std::min(sums_rows, rows - block), worker);
  };
  const double work = static_cast<double>(call.linear.inputs) * static_cast<double>(panels * panel_width) *
                      static_cast<double>(rows);
  if (work < 50e3 || call.device.executor->workers == 1) {  // less than a few microseconds
    for (int32_t i = 0; i < groups * blocks; ++i) unit(i, 0);
    return;
  }
  host::each(call.device, groups * blocks, unit);
}

// Panels as the plain matrix B [inputs][library_columns] of a library tile, padded with zeros.
void unpack(const Linear &linear, int32_t panel, int32_t panels, float *to) {
  const Panels &all = linear.panels;
  for (int32_t p = 0; p < library_panels; ++p) {
    float *column = to + p * panel_width;
    if (p < panels)
      linear.format->unpack(all.part(panel + p, 1), column, library_columns);
    else
      for (int64_t k = 0; k < all.inputs; ++k) std::fill_n(column + k * library_columns, panel_width, 0.0F);
  }
}

// The library's plan for a call that is the library's, or nullptr.
const Plan *library_plan(const Call &call, int64_t rows) {
  if (rows <= library_above) return nullptr;
  const Plan *plans = call.stream.plans.get();
  const Plan *end = plans + call.stream.plan_count;
  const Plan *plan = std::find_if(plans, end, [&](const Plan &p) { return p.inputs == call.linear.inputs; });
  return plan == end ? nullptr : plan;
}

// All rows by the library; false when it failed. Every tile has library_rows rows: the last one ends with the
// call's last row, and what its first rows have in common with the tile before is done already.
bool library_call(const Call &call, const Plan &plan, int64_t rows) {
  const Library &library = *call.device.library;
  const int32_t panels = call.linear.panels.count;
  std::atomic<bool> good{true};
  if (library.enter != nullptr) library.enter();
  host::each(call.device, (panels + library_panels - 1) / library_panels, [&](int32_t index, int32_t worker) {
    float *b = call.stream.library.as<float>() + static_cast<size_t>(worker) * call.stream.library_floats;
    float *c = b + call.linear.inputs * library_columns;
    const int32_t panel = index * library_panels;
    const int32_t count = std::min(library_panels, panels - panel);
    unpack(call.linear, panel, count, b);
    for (int64_t done = 0; done < rows; done += library_rows) {
      const int64_t first = std::min(done, rows - library_rows);
      if (!library.multiply(plan.plan, worker, call.in + first * call.linear.inputs, b, c)) {
        good.store(false);
        return;
      }
      finish(call, panel, count, done, first + library_rows - done, c + (done - first) * library_columns,
             library_columns);
    }
  });
  if (library.leave != nullptr) library.leave();
  return good.load();
}

}  // namespace

int32_t linear(temper_stream *stream, float *out, const float *in, int32_t rows, const temper_linear *weights,
               int32_t activation, const float *residual, const temper_modulation *modulation) {
  if (const int32_t code = host::check_linear_call(stream, out, in, rows, weights, activation, modulation);
      code != TEMPER_OK)
    return code;
  const Linear &matrix = *static_cast<const Linear *>(weights);
  const int64_t width = activation == TEMPER_ACTIVATION_SWIGLU ? matrix.outputs / 2 : matrix.outputs;
  const Call call{device_of(stream), *static_cast<Stream *>(stream), matrix, out, in, residual, modulation,
                  activation, width};
  if (const Plan *plan = library_plan(call, rows)) {
    if (!library_call(call, *plan, rows)) return host::error(TEMPER_E_BACKEND, "the matrix library failed");
  } else {
    panel_rows(call, rows);
  }
  return TEMPER_OK;
}

}  // namespace temper::cpu
