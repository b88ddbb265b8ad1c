// SPDX-License-Identifier: Apache-2.0
// Libraries that can't be loaded when address space is limited (ulimit -v) and don't say so.
#pragma once

#include "base/status.h"

#include <string>

namespace temper {

// OK unless the module at `path` brings a library that would try for ever to get more than there is. It is known by the
// name that our build gives the file; a link to it may have any.
Status check_address_space(const std::string &path);

}  // namespace temper
