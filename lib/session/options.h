// SPDX-License-Identifier: Apache-2.0
// What may be chosen about a session before its first step. Options that are numbers of the C API stand in a table with
// their bounds (options.cpp), which setting and reading go by.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <vector>

namespace temper {

// How settled rows of models that see everything are kept (full context only).
enum class Approximation : int32_t {
  none = 0,    // every call computes every row: exact
  prefix = 1,  // settled rows are kept from the last full call
  dual = 2     // settled rows, and those behind the window
};

enum class Choice : int32_t { automatic = -1, off = 0, on = 1 };

struct SessionOptions {
  bool cache = true;
  bool ignore_end = false;
  bool skip_idle = false;
  int64_t look_back = 0;
  int64_t look_ahead = -1;      // fixed positions farther beyond the window aren't shown; -1: all are
  int32_t prefill_rows = 256;
  Choice canvas = Choice::automatic;  // undecided positions behind the window are rows too
  Choice align = Choice::automatic;   // the hyperschedule's blocks are those of absolute positions
  bool single_positions = false;      // some positions are fixed, drafted or weighted
  Approximation approximation = Approximation::none;
  int32_t refresh = 0;                // full calls every so many; 0: when the frontier moves
  bool measure = false;               // of the approximation, in every call
  bool guided = false;                // logits are those of two runs
  double guidance = 0;                // w of l_u + (w + 1)(l_c - l_u)
  int32_t candidates = 1;             // windows drawn per step and chosen from by value
  bool preview = false;               // they are judged by what the model would predict from them
  std::vector<int32_t> end_tokens;    // ascending, each once

  bool approximates() const noexcept { return approximation != Approximation::none; }
  // Candidates are looked at after a call of their own.
  bool previews() const noexcept { return preview && candidates > 1; }
};

struct OptionKey {
  int32_t key;  // TEMPER_SESSION_...
  int64_t low, high;
  void (*set)(SessionOptions &, int64_t);
  int64_t (*get)(const SessionOptions &);  // null: it can only be set
};

// `options` with one of them set. TEMPER_E_ARGUMENT for an unknown key or a value out of its bounds.
Result<SessionOptions> with_option(const SessionOptions &options, int32_t key, int64_t value);

// Null for keys that aren't options.
const OptionKey *find_option(int32_t key) noexcept;

}  // namespace temper
