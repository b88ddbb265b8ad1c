// SPDX-License-Identifier: Apache-2.0
// Where tokens come from, as a table.
#ifndef TEMPER_PROGRAM_PROVENANCE_H
#define TEMPER_PROGRAM_PROVENANCE_H

#include "generation.h"
#include "text.h"

namespace program {

/// A line for each token of each row: position, the calls that set and settled it, its probability then, how
/// often it changed, and the token.
void print_provenance(const Generation &generation, const Words &words);

} // namespace program

#endif
