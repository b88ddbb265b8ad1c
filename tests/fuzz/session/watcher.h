// SPDX-License-Identifier: Apache-2.0
// Sessions under observation: what has settled stays, what is reported adds up.
#pragma once

#include "parts.h"

#include <array>

namespace fuzz {

struct Row {
  int64_t prompt = 0;
  int64_t end = 0;                // of what has settled
  std::vector<int32_t> settled;   // the last of them
  int64_t unread = -1;            // the first position that wasn't read; -1: nobody knows
};

// A session and what is known of it.
struct Live {
  temper_session *session = nullptr;
  uint64_t seed = 0;
  bool fresh = true;       // no step was done
  bool foreign = false;    // goes on from bytes that weren't saved
  bool logits = false, value = false, cancelled = false;
  std::vector<Row> rows;
};

class Watcher : protected Parts {
 protected:
  using Parts::Parts;

  temper_row_info row_info(const Live &live, int32_t row) {
    temper_row_info info{};
    info.struct_size = sizeof info;
    CHECK(ok(temper_session_row(live.session, row, &info, error())));
    CHECK(info.settled_end >= 0 && info.window_end >= info.settled_end && info.cached >= 0 && info.step >= 0);
    CHECK(info.finished >= TEMPER_ROW_RUNNING && info.finished <= TEMPER_ROW_MODEL_LIMIT);
    return info;
  }
  template <typename Copy>
  std::vector<int32_t> copied(const Live &live, int32_t row, Copy copy) {
    size_t count = 0;
    if (!ok(copy(live.session, row, buffer_.data(), buffer_.size(), &count, error())))
      CHECK(error_.status == TEMPER_E_CAPACITY && count > buffer_.size());
    CHECK(count <= size_t{1} << 16);
    count = std::min(count, buffer_.size());
    const std::vector<int32_t> tokens(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(count));
    for (const int32_t token : tokens) CHECK(token >= -1 && token < model_.vocabulary);
    return tokens;
  }

  // What has settled by now, and, unless the caller changed it, that it begins as before.
  void look(Live &live, bool changed = false) {
    for (int32_t r = 0; r < rows_; ++r) {
      Row &row = live.rows[static_cast<size_t>(r)];
      const temper_row_info info = row_info(live, r);
      std::vector<int32_t> tokens = copied(live, r, temper_session_tokens);
      const int64_t end = info.settled_end, first = end - static_cast<int64_t>(tokens.size());
      CHECK(first >= 0);
      for (const int32_t token : tokens) CHECK(token >= 0);
      if (!changed && !live.fresh) {
        CHECK(end >= row.end);
        const int64_t before = row.end - static_cast<int64_t>(row.settled.size());
        CHECK(first >= before);
        for (int64_t p = first; p < row.end; ++p)
          CHECK(tokens[static_cast<size_t>(p - first)] == row.settled[static_cast<size_t>(p - before)]);
      }
      if (info.finished != TEMPER_ROW_RUNNING && masks_end_ && model_.mask >= 0 && !live.foreign)
        for (int64_t p = std::max(first, row.prompt); p < end; ++p)
          CHECK(tokens[static_cast<size_t>(p - first)] != model_.mask);
      row.end = end;
      row.settled = std::move(tokens);
    }
  }

  temper_status step(Live &live) {
    --steps_;
    std::vector<temper_row_info> before;
    const bool first = live.fresh;
    for (int32_t r = 0; r < rows_; ++r) {
      Row &row = live.rows[static_cast<size_t>(r)];
      if (first) row.prompt = std::max<int64_t>(row.prompt, model_.shifted ? 1 : 0);
      if (row.unread < 0) row.unread = row.prompt;
      before.push_back(row_info(live, r));
    }
    temper_step_info info{};
    info.struct_size = sizeof info;
    const temper_status status = temper_session_step(live.session, &info, error());
    const bool done = ok(status);
    live.fresh = first && !done;
    look(live, first);
    int64_t settled = 0;
    bool finished = true;
    for (int32_t r = 0; r < rows_; ++r) {
      const temper_row_info now = row_info(live, r), &then = before[static_cast<size_t>(r)];
      settled += now.settled_end - then.settled_end;
      finished = finished && now.finished != TEMPER_ROW_RUNNING;
      if (!done && !first)
        CHECK(now.settled_end == then.settled_end && now.window_end == then.window_end && now.step == then.step &&
              now.finished == then.finished);
    }
    if (status == TEMPER_DONE) CHECK(finished);
    if (done && !first && status != TEMPER_DONE) CHECK(info.settled == settled);
    if (done && status != TEMPER_DONE) CHECK((info.rows_running == 0) == finished);
    if (status != TEMPER_DONE) live.cancelled = false;
    return status;
  }

  int steps_ = 60;  // left
  std::array<int32_t, 2048> buffer_;
};

}  // namespace fuzz
