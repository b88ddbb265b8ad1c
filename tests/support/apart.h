// SPDX-License-Identifier: Apache-2.0
// A backend whose memory isn't the host's: the reference, with all its pointers moved to where no process has
// memory. Whoever reads or writes there instead of asking the backend gets a fault, as does the backend when it
// is given memory of the host. Called "apart"; also a module for temper_runtime_load_backend (apart_module in
// meson.build), which "auto" takes last of all.
#pragma once

#include "backends/backend.h"

extern "C" const temper_backend *temper_backend_apart(uint32_t abi);
