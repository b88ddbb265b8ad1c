// SPDX-License-Identifier: Apache-2.0
// Watches a session step by step and compares the logits that its sampler is given with those of the plain
// model, run over all positions that exist in that step under the mask written down from the definitions.
#pragma once

#include "support/lab.h"
#include "support/masks.h"

#include <map>
#include <mutex>
#include <span>

namespace temper::test {

// What the tap sees of one step.
struct Watch {
  struct Seen {
    int64_t call = 0;
    std::vector<int32_t> tokens;                   // of all positions, as they were in this call
    std::map<int64_t, std::vector<float>> logits;  // by predicted position
  };
  const Session *session = nullptr;
  std::mutex mutex;
  std::map<int32_t, Seen> rows;

  static void tap(void *user, int32_t row, int64_t position, std::span<const float> logits);
};

struct Tally {
  int64_t compared = 0;
  double worst = 0.0;
};

// Levels of a row's positions, where they aren't the hyperschedule's.
using RowLevelOf = std::function<int32_t(int32_t row, int64_t call, int64_t position)>;

void compare_step(const Subject &subject, const Hyperschedule &schedule, const Watch &watch, int64_t look_back,
                  const std::string &what, Tally &tally, const RowLevelOf &level_of = {});

// To the end; the tokens of each row.
std::vector<std::vector<int32_t>> run_and_compare(const Subject &subject, const Hyperschedule &schedule,
                                                  Session &session, const std::string &what, Tally &tally,
                                                  const RowLevelOf &level_of = {});
std::vector<std::vector<int32_t>> run_and_compare(const Subject &subject, const Hyperschedule &schedule,
                                                  const SessionChoice &choice, const std::string &what, Tally &tally);

}  // namespace temper::test
