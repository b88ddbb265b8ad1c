// SPDX-License-Identifier: Apache-2.0
// The cases of a reference folder: what was put into the model, and the logits that came out.
//
// A case is every tensor of cases.safetensors whose name ends in "logits"; the rest of the name is the
// case. Fields of a case are looked up under its name and then under the names it begins with, so that
// cases may share inputs.
#ifndef TEMPER_PROGRAM_CASES_H
#define TEMPER_PROGRAM_CASES_H

#include "plan.h"
#include "safetensors.h"

#include <string>
#include <vector>

namespace program {

/// One input of the model in all sequences of the batch.
struct Input {
  std::vector<int32_t> tokens;     ///< by sequence
  int32_t position = 0;
  std::vector<double> conditions;  ///< by sequence: sigma, or t

  bool operator==(const Input &other) const = default;
};

/// Everything a case's logits depend on.
struct Graph {
  std::vector<Input> inputs;
  Visibility sees;
  std::vector<int> keys;  ///< the inputs that stand in the cache afterwards, in order
};

struct Case {
  std::string name;
  std::string skip;               ///< why it can't be run; empty when it can
  int sequences = 0;
  int rows = 0;                   ///< rows of the logits
  int columns = 0;
  Graph graph;
  std::vector<int> own;           ///< inputs of the graph that are this case's rows
  std::vector<bool> compare;      ///< by row: settled or active
  std::vector<double> expected;   ///< [sequences][rows][columns]
  std::vector<double> shifted;    ///< the same as a shifted sampler reads it, or empty
};

/// All cases of a file, by name, and what has no logits as skipped ones. A case without a mask is
/// unrestricted, except where no case of the file has one: then the mask was left to the model, and
/// @p causal says that this one lets a row read only those before it.
std::vector<Case> read_cases(const Arrays &arrays, bool causal);

} // namespace program

#endif
