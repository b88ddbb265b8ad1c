// SPDX-License-Identifier: Apache-2.0
// Runs cases through the library's evaluator, which is the code that generates. Rows that stand in the
// cache from the call before and that nothing outside them is read by are kept, as a session keeps
// settled ones; so a case that was made with a cache is checked with one.
#ifndef TEMPER_PROGRAM_REPLAY_H
#define TEMPER_PROGRAM_REPLAY_H

#include "cases.h"
#include "handles.h"
#include "plan.h"

#include <map>

namespace program {

/// Logits by input of a graph and sequence.
struct Logits {
  std::map<std::pair<int, size_t>, std::vector<float>> rows;

  const float *row(int input, size_t sequence) const { return rows.at({input, sequence}).data(); }
};

class Replay {
public:
  explicit Replay(temper_model *model);
  int columns() const { return columns_; }
  Logits run(const Case &item, const std::vector<Arrangement> &calls);

private:
  /// A slot as it is in the cache: what was put in and what it saw.
  struct Slot {
    Input input;
    int begin, end;
  };

  void make_room(int sequences, int slots);
  int reusable(const Case &item, const Arrangement &call) const;
  void one_call(const Case &item, const Arrangement &call, Logits &out);

  temper_model *model_;
  int columns_ = 0;
  Evaluator evaluator_;
  int sequences_ = 0, room_ = 0;
  std::vector<Slot> slots_;
};

} // namespace program

#endif
