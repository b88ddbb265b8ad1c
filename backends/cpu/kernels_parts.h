// SPDX-License-Identifier: Apache-2.0
// The parts of Kernels, one for each source of vector code: each fills in its functions for kernels->set.
#pragma once

#include "backends/cpu/kernels.h"

namespace temper::cpu {

void choose_rows(Kernels *kernels);
void choose_attention(Kernels *kernels);

}  // namespace temper::cpu
