// SPDX-License-Identifier: Apache-2.0
// The plain backend: float32, obvious loops, one thread, every operation of the table.
#pragma once

#include "backends/backend.h"

extern "C" const temper_backend *temper_backend_reference(uint32_t abi);
