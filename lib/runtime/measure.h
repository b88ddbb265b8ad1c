// SPDX-License-Identifier: Apache-2.0
// What the machine can do right now, measured on the runtime's threads: the roofline that a benchmark
// divides by. Memory bandwidth changes with other tenants, so it is measured beside what it judges.
#pragma once

#include "runtime/device.h"

namespace temper {

struct MachineRates {
  double bytes_per_second = 0.0;  // streaming read of memory far larger than the caches
  double flops_per_second = 0.0;  // float32 multiply-adds in registers, two operations each
};

Result<MachineRates> measure_machine(const std::shared_ptr<Device> &device, double seconds);

}  // namespace temper
