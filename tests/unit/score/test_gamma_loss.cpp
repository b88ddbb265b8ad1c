// SPDX-License-Identifier: Apache-2.0
// The published training loss of the gamma-hybrid (shared reference: loss, gamma_loss) from what our model says of the
// published noised tokens: score entropy over the window with the published targets (MATH 7, D4), cross entropy over
// what is settled.
#include "engine/evaluator.h"
#include "engine/rows.h"
#include "support/lab.h"
#include "support/shared.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
extern "C" {
#include <cmocka.h>
}

using namespace temper;
using namespace temper::test;

namespace {

ReferenceCases cases;
std::shared_ptr<Runtime> runtime;

// The rows of logits of a call.
struct Logits {
  size_t columns;
  std::vector<float> values;
  std::span<const float> row(size_t index) const { return std::span(values).subspan(index * columns, columns); }
};

// s - r log s + r (log r - 1), from log s.
double entropy(double log_score, double ratio) {
  return std::exp(log_score) - ratio * log_score + (ratio > 0 ? ratio * (std::log(ratio) - 1) : 0);
}

// Of a position with token y and clean token x: targets of the pure processes at the whole sigma, weighed by gamma.
double score_entropy(std::span<const float> log_score, int32_t y, int32_t x, double gamma, double sigma) {
  const auto real = static_cast<int32_t>(log_score.size()) - 1;  // the mask is the last
  const double n = real, e = std::expm1(sigma), kept = 1 - n / (e + n);
  double sum = 0;
  for (int32_t z = 0; z < real; ++z) {
    if (z == y) continue;
    const double h = static_cast<double>(log_score[static_cast<size_t>(z)]);
    if (y == real) sum += (1 - gamma) * entropy(h, z == x ? 1 / e : 0);
    else sum += gamma / n * entropy(h, y == x ? kept : z == x ? 1 / kept : 1);
  }
  return sum;
}

double cross_entropy(std::span<const float> row, int32_t x) {
  double top = -1e300, sum = 0;
  for (const float value : row) top = std::max(top, static_cast<double>(value));
  for (const float value : row) sum += std::exp(static_cast<double>(value) - top);
  return std::log(sum) + top - static_cast<double>(row[static_cast<size_t>(x)]);
}

void test_gamma_loss(void **) {
  Checkpoint checkpoint = require(open_checkpoint(reference_folder("hdlm_gamma"), {}), "hdlm_gamma");
  std::shared_ptr<Device> device = require(runtime->open_device("reference"), "reference");
  const std::shared_ptr<const Model> model = require(Model::create(std::move(device), std::move(checkpoint), Storage::f32), "model");
  const Spec &spec = model->spec();
  const double gamma = spec.path.mix, kept = 1 - spec.path.e0;
  int count = 0;
  for (std::string name = "gamma_loss.0"; cases.has(name + ".sigma"); name = "gamma_loss." + std::to_string(++count)) {
    const std::vector<int64_t> shape = cases.shape(name + ".perturbed");
    const auto batch = static_cast<size_t>(shape[0]), length = static_cast<size_t>(shape[1]);
    const std::vector<int32_t> clean = cases.integers(name + ".input_ids"), noisy = cases.integers(name + ".perturbed");
    const std::vector<double> sigmas = cases.numbers(name + ".sigma"), diffusion = cases.numbers(name + ".diffusion"),
                              settled_loss = cases.numbers(name + ".cross_entropy");
    for (size_t b = 0; b < batch; ++b) {
      const double *sigma = sigmas.data() + b * length;
      // Sigma names the parts of the call: least where settled, largest where nothing has started.
      const double least = *std::min_element(sigma, sigma + length), most = *std::max_element(sigma, sigma + length);
      const auto eps = 1e-3;  // of t = 10 eps, the least of a window
      int64_t settled = 0, end = 0;
      for (size_t i = 0; i < length; ++i) {
        if (sigma[i] == least && least < eps / 2) settled = static_cast<int64_t>(i) + 1;
        if (sigma[i] != most) end = static_cast<int64_t>(i) + 1;
      }
      const Rules rules{spec.context, spec.window, spec.block, false, true, false, 0};
      std::vector<ActivePosition> active;
      for (int64_t p = settled; p < end; ++p)
        active.push_back({p, noisy[b * length + static_cast<size_t>(p)], 1, 0, false, true});
      RowPlan plan;
      plan.build(rules, {0, settled, 0}, std::span(noisy).subspan(b * length, length), 0, active);
      const auto rows = static_cast<int32_t>(plan.rows().size());
      const auto evaluator = require(Evaluator::create(model, 1, rows, rows), "evaluator");
      const double conditions[] = {least, sigma[static_cast<size_t>(settled)]};
      std::vector<temper_x_row> asked;
      for (const PlannedRow &row : plan.rows())
        asked.push_back({.token = row.token,
                         .position = static_cast<int32_t>(row.position),
                         .sequence = 0,
                         .visible_begin = row.visible_begin,
                         .visible_end = row.visible_end,
                         .want_logits = 1,
                         .condition = conditions[row.level]});
      Logits logits{static_cast<size_t>(spec.columns), std::vector<float>(asked.size() * static_cast<size_t>(spec.columns))};
      require(evaluator->run(asked, logits.values.data(), logits.values.size()), "run");
      double sum = 0, settled_sum = 0;
      for (int64_t p = settled; p < end; ++p) {
        const size_t at = b * length + static_cast<size_t>(p);
        sum += kept * std::exp(sigma[p]) * score_entropy(logits.row(static_cast<size_t>(p)), noisy[at], clean[at], gamma, sigma[p]);
      }
      // The mask takes part where the next position hasn't settled.
      for (int64_t p = 0; p < settled; ++p) {
        std::span<const float> row = logits.row(static_cast<size_t>(p));
        if (p + 1 < settled) row = row.first(row.size() - 1);
        settled_sum += cross_entropy(row, clean[b * length + static_cast<size_t>(p)]) / static_cast<double>(settled);
      }
      if (!(std::abs(settled_sum - settled_loss[b]) <= 2e-5 * (1 + settled_loss[b])))
        fail_msg("%s, row %zu: cross entropy %.6g instead of %.6g", name.c_str(), b, settled_sum, settled_loss[b]);
      // A thousandth of what hasn't started counts as well there, from rows that no call of ours computes.
      const double rest = diffusion[b] - sum;
      if (!(rest > 0 && rest < 0.012 * static_cast<double>(static_cast<int64_t>(length) - end)))
        fail_msg("%s, row %zu: score entropy %.6g of %.6g", name.c_str(), b, sum, diffusion[b]);
    }
  }
  assert_true(count > 0);
}

}  // namespace

int main() {
  if (!cases.open("loss") || reference_folder("hdlm_gamma").empty()) {
    std::printf("skipped: no shared/reference/loss or hdlm_gamma (set TEMPER_SHARED)\n");
    return 77;
  }
  runtime = make_runtime();
  const CMUnitTest tests[] = {cmocka_unit_test(test_gamma_loss)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
