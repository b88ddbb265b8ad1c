// SPDX-License-Identifier: Apache-2.0
// From attention masks to rows, slots and visibility.
//
// The library's rows see an interval of slots. A boolean mask says freely who sees whom. This finds an
// order of the rows in which every row's visible set is an interval; where one order can't do it for
// all, it splits the rows into closed groups (a row together with all it reads, directly or not), each
// of which is a call of its own. Rows that nobody asked for and nobody reads are left out.
#ifndef TEMPER_PROGRAM_PLAN_H
#define TEMPER_PROGRAM_PLAN_H

#include <vector>

namespace program {

/// Who reads whom: sees[i] holds the indices that row i attends to, itself included where it does.
using Visibility = std::vector<std::vector<int>>;

/// One call: rows in slot order, with the slots each sees.
struct Arrangement {
  std::vector<int> order;        ///< row of each slot
  std::vector<int> begin, end;   ///< by slot: attends to slots [begin, end)
  std::vector<bool> deliver;     ///< by slot: this call gives the row's result
};

/// Calls that give the results of all @p wanted rows, each once; empty when the mask can't be expressed.
std::vector<Arrangement> arrange(const Visibility &sees, const std::vector<int> &wanted);

} // namespace program

#endif
