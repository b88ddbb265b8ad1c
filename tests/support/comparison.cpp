// SPDX-License-Identifier: Apache-2.0
#include "support/comparison.h"

#include "session/defaults.h"

#include <algorithm>
#include <cmath>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
extern "C" {
#include <cmocka.h>
}

namespace temper::test {
namespace {

constexpr double tolerance = 2e-4;

double condition_of(const Subject &subject, const Noise &noise, int32_t level, int32_t levels) {
  const Spec &spec = subject.spec();
  if (spec.conditioning != Conditioning::sigma && spec.conditioning != Conditioning::time) return 0.0;
  const double t = level == 0 ? spec.settled_time : noise.time(level, levels);
  return spec.conditioning == Conditioning::time ? t : std::min(20.0, noise.sigma(t));
}

}  // namespace

void Watch::tap(void *user, int32_t row, int64_t position, std::span<const float> logits) {
  auto &self = *static_cast<Watch *>(user);
  const std::scoped_lock lock(self.mutex);
  Seen &seen = self.rows[row];
  if (seen.logits.empty()) {
    const Sequence &sequence = self.session->row(row);
    seen.call = sequence.call;
    seen.tokens = sequence.tokens;
  }
  seen.logits[position].assign(logits.begin(), logits.end());
}

void compare_step(const Subject &subject, const Hyperschedule &schedule, const Watch &watch, int64_t look_back,
                  const std::string &what, Tally &tally, const RowLevelOf &level_of) {
  Definition definition = definition_of(subject.spec(), look_back);
  definition.canvas = watch.session->frame().plan.canvas;
  definition.block_canvas = watch.session->frame().plan.block_canvas;
  const Noise noise = require(Noise::create(default_noise(subject.spec())), "noise");
  const int32_t levels = schedule.levels();
  for (const auto &[row, seen] : watch.rows) {
    const Sequence &sequence = watch.session->row(row);
    const auto level = [&, row = row](int64_t call, int64_t position) {
      if (level_of) return level_of(row, call, position);
      const int64_t align = watch.session->frame().plan.align;
      return schedule.level(call, align > 0 ? position + sequence.prompt % align : position);
    };
    std::vector<Present> present =
        present_positions(level, levels, definition, seen.call, sequence.prompt, sequence.length);
    const int64_t frontier = std::count_if(present.begin(), present.end(), [](const Present &p) { return p.settled; });
    // Two layers reach back twice over the sliding context: what lies further can't matter.
    if (look_back > 0)
      std::erase_if(present, [&](const Present &p) { return p.position < frontier - 2 * look_back - 2; });
    int32_t highest = 0;
    for (const Present &p : present) highest = std::max(highest, p.level);
    PlainInput input;
    for (const Present &p : present) {
      input.tokens.push_back(seen.tokens[static_cast<size_t>(p.position - sequence.first_token)]);
      input.positions.push_back(p.position);
      const bool shared = subject.spec().shared_conditioning && definition.context == Context::full;
      input.conditions.push_back(condition_of(subject, noise, shared && p.level == 0 ? highest : p.level, levels));
      std::vector<bool> row_sees;
      for (const Present &key : present) row_sees.push_back(sees(definition, p, key, frontier, levels));
      input.sees.push_back(std::move(row_sees));
    }
    const std::vector<std::vector<double>> expected = subject.plain->run(input);
    for (const auto &[position, logits] : seen.logits) {
      const int64_t reads = definition.shifted ? position - 1 : position;
      const auto at = std::find_if(present.begin(), present.end(), [&](const Present &p) { return p.position == reads; });
      if (at == present.end()) fail_msg("%s: no row predicts position %d", what.c_str(), static_cast<int>(position));
      const std::vector<double> &right = expected[static_cast<size_t>(at - present.begin())];
      assert_int_equal(right.size(), logits.size());
      for (size_t c = 0; c < right.size(); ++c) {
        const double difference = std::fabs(right[c] - static_cast<double>(logits[c]));
        tally.worst = std::max(tally.worst, difference);
        if (!(difference < tolerance))
          fail_msg("%s: row %d, call %d, position %d, column %d: %g instead of %g", what.c_str(), row,
                   static_cast<int>(seen.call), static_cast<int>(position), static_cast<int>(c),
                   static_cast<double>(logits[c]), right[c]);
        ++tally.compared;
      }
    }
  }
}

std::vector<std::vector<int32_t>> run_and_compare(const Subject &subject, const Hyperschedule &schedule,
                                                  Session &session, const std::string &what, Tally &tally,
                                                  const RowLevelOf &level_of) {
  Watch watch;
  watch.session = &session;
  session.hooks().tap = {Watch::tap, &watch};
  StepReport report;
  for (;;) {
    watch.rows.clear();
    require(session.step(report), what.c_str());
    if (report.done) break;
    compare_step(subject, schedule, watch, session.frame().options.look_back, what, tally, level_of);
  }
  std::vector<std::vector<int32_t>> tokens;
  for (int32_t row = 0; row < session.rows(); ++row) tokens.push_back(emitted(session, row));
  return tokens;
}

std::vector<std::vector<int32_t>> run_and_compare(const Subject &subject, const Hyperschedule &schedule,
                                                  const SessionChoice &choice, const std::string &what, Tally &tally) {
  const std::unique_ptr<Session> session = make_session(subject, schedule, choice);
  return run_and_compare(subject, schedule, *session, what, tally);
}

}  // namespace temper::test
