// SPDX-License-Identifier: Apache-2.0
// Training wrappers prefix tensor names ("module.", "model.transformer.", ...). Families know the
// names without them.
#pragma once

#include "format/safetensors.h"

namespace temper {

// TEMPER_E_FORMAT when two tensors differ only by such prefixes.
Result<TensorSet> strip_prefixes(TensorSet set);

}  // namespace temper
