// SPDX-License-Identifier: Apache-2.0
// The two large header-only libraries, parsed once instead of in every file.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
