// SPDX-License-Identifier: Apache-2.0
#include "api/guard.h"
#include "api/model.h"
#include "engine/evaluator.h"
#include "runtime/measure.h"

#include <temper/experimental.h>

using temper::guard;
using temper::Status;

struct temper_x_evaluator {
  std::unique_ptr<temper::Evaluator> impl;
};

extern "C" {

temper_status temper_x_evaluator_create(temper_model *model, int32_t sequences, int32_t max_rows, int32_t slots,
                                        temper_x_evaluator **out, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(out != nullptr, "out is NULL");
    *out = nullptr;
    TEMPER_REQUIRE(model != nullptr, "model is NULL");
    TEMPER_ASSIGN(std::unique_ptr<temper::Evaluator> evaluator,
                  temper::Evaluator::create(model->impl->network, sequences, max_rows, slots));
    *out = new temper_x_evaluator{std::move(evaluator)};
    return Status();
  });
}

void temper_x_evaluator_destroy(temper_x_evaluator *evaluator) { delete evaluator; }

temper_status temper_x_evaluator_run(temper_x_evaluator *evaluator, const temper_x_row *rows, size_t count,
                                     float *logits, size_t capacity, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(evaluator != nullptr, "evaluator is NULL");
    TEMPER_REQUIRE(rows != nullptr || count == 0, "rows is NULL");
    TEMPER_REQUIRE(logits != nullptr || capacity == 0, "logits is NULL");
    return evaluator->impl->run({rows, count}, logits, capacity);
  });
}

temper_status temper_x_evaluator_keep(temper_x_evaluator *evaluator, int32_t sequence, int32_t slots,
                                      temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(evaluator != nullptr, "evaluator is NULL");
    return evaluator->impl->keep(sequence, slots);
  });
}

temper_status temper_x_measure_machine(temper_model *model, double seconds, double *bytes_per_second,
                                       double *flops_per_second, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(model != nullptr, "model is NULL");
    TEMPER_REQUIRE(bytes_per_second != nullptr && flops_per_second != nullptr, "a result pointer is NULL");
    TEMPER_REQUIRE(seconds > 0.0 && seconds <= 60.0, "seconds must be in (0, 60]");
    TEMPER_ASSIGN(const temper::MachineRates rates,
                  temper::measure_machine(model->impl->network->device(), seconds));
    *bytes_per_second = rates.bytes_per_second;
    *flops_per_second = rates.flops_per_second;
    return Status();
  });
}

}  // extern "C"
