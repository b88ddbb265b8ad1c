// SPDX-License-Identifier: Apache-2.0
// The caller's functions.
#pragma once

#include "world.h"

#include <cmath>

namespace fuzz {

// What the caller's functions do and look at.
struct Hook {
  temper_session *session = nullptr;
  int32_t rows = 0, vocabulary = 0, kind = 0, calls_left = 0;

  static int32_t logits(void *user, temper_logits *given) {
    Hook &hook = *static_cast<Hook *>(user);
    CHECK(given->struct_size == sizeof *given && given->row >= 0 && given->row < hook.rows && given->columns > 0);
    CHECK(given->next_level <= given->level && given->next_level >= 0 && given->call >= 0 && given->count >= 0);
    for (int64_t i = 0; i < given->count; ++i) CHECK(given->tokens[i] >= -1 && given->tokens[i] < hook.vocabulary);
    const bool now = hook.calls_left-- <= 0;
    switch (hook.kind) {
      case 0: given->logits[given->position % given->columns] += 3; break;
      case 1: return now ? 1 : 0;
      case 2:
        if (now) given->logits[0] = NAN;
        break;
      case 3:
        if (now) std::fill_n(given->logits, given->columns, -HUGE_VALF);
        break;
      case 4:
        if (now) given->logits[given->columns - 1] = HUGE_VALF;
        break;
      case 5: std::fill_n(given->logits + 1, given->columns - 1, -HUGE_VALF); break;
      default:
        if (now) temper_session_cancel(hook.session);
    }
    return 0;
  }
  static int32_t value(void *user, const temper_candidates *given, double *values) {
    Hook &hook = *static_cast<Hook *>(user);
    CHECK(given->struct_size == sizeof *given && given->row >= 0 && given->row < hook.rows && given->width >= 0);
    for (int64_t i = 0; i < given->settled_count; ++i)
      CHECK(given->settled[i] >= -1 && given->settled[i] < hook.vocabulary);
    const bool now = hook.calls_left-- <= 0;
    for (int32_t m = 0; m < given->count; ++m) {
      double sum = 0;
      for (int64_t i = 0; i < given->width; ++i) {
        const int32_t token = given->tokens[m * given->width + i];
        CHECK(token >= -1 && token < hook.vocabulary);
        sum += token % 5;
      }
      values[m] = hook.kind == 1 && now ? NAN : hook.kind == 2 && m == 0 ? -HUGE_VAL : hook.kind == 3 ? -HUGE_VAL : sum;
    }
    return hook.kind == 4 && now ? 1 : 0;
  }
};

}  // namespace fuzz
