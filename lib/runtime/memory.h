// SPDX-License-Identifier: Apache-2.0
// Memory for weights, caches and work buffers where the caller brings no allocator: small blocks from the C heap,
// large ones from the system, in large pages where it has them. Weights are read front to back once a step, which
// large pages make 10 to 30 % faster. The advice goes with the block: nothing of it stays in the program's heap.
#pragma once

#include <temper/types.h>

namespace temper {

temper_allocator default_allocator() noexcept;

}  // namespace temper
