// SPDX-License-Identifier: Apache-2.0
// Going on from a state: of bytes that were saved, or of another session (a fork). Caches aren't part of a
// state: they are computed again, or, for a fork, shared.
#include "session/saved.h"
#include "session/session.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace temper {
namespace {

// FNV-1a over the levels of the first positions and the clocks of the first levels.
uint64_t digest(const SessionParts &parts) {
  uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&hash](uint64_t value) {
    for (int byte = 0; byte < 8; ++byte) hash = (hash ^ ((value >> (8 * byte)) & 0xff)) * 0x100000001b3;
  };
  const int32_t levels = parts.schedule.levels();
  for (int32_t level = 0; level <= std::min(levels, 64); ++level) {
    const Clocks clocks = parts.noise.at_level(level, levels);
    add(std::bit_cast<uint64_t>(clocks.mu));
    add(std::bit_cast<uint64_t>(clocks.lam));
  }
  if (parts.schedule.kind() == ScheduleKind::table)
    for (int64_t step = 0; step < 32; ++step)
      for (int64_t position = 0; position < 64; ++position)
        add(static_cast<uint64_t>(parts.schedule.level(step, position)));
  return hash;
}

Fingerprint fingerprint_of(const SessionParts &parts, int32_t rows, int64_t length) {
  const Spec &spec = parts.model->spec();
  Fingerprint print;
  print.rows = rows;
  print.length = length;
  print.vocabulary = spec.vocabulary;
  print.columns = spec.columns;
  print.schedule = static_cast<int64_t>(parts.schedule.kind());
  print.width = parts.schedule.width();
  print.levels = parts.schedule.levels();
  print.path = static_cast<int64_t>(parts.noise.parameters().path);
  print.sampler = static_cast<int64_t>(parts.sampler.kind());
  print.numbers = digest(parts);
  return print;
}

SavedRow saved_row(const Sequence &s) {
  SavedRow row;
  row.state = {s.id, s.finished, s.corrupt_draft, s.companion.has_prompt, s.prompt, s.length, s.call, s.held,
               s.first_token, s.settled, s.settled_before, s.materialized, s.window_end, s.emitted, s.changed,
               s.calls_done};
  row.window = s.window;
  row.starts = s.levels.starts();
  row.weights = s.levels.weights();
  row.allowed = s.allowed;
  row.allowed_ids = s.allowed_ids;
  row.unconditional = s.companion.prompt;
  const int64_t end = std::max(s.materialized, s.prompt + static_cast<int64_t>(row.starts.size()));
  const auto count = static_cast<std::ptrdiff_t>(
      std::min(end - s.first_token, static_cast<int64_t>(s.tokens.size())));
  row.tokens.assign(s.tokens.begin(), s.tokens.begin() + count);
  row.records.assign(s.records.begin(), s.records.begin() + count);
  row.memories.assign(s.memories.begin(), s.memories.begin() + count);
  return row;
}

// Does it hang together? Everything that is later used as an index or a size is looked at.
Status check_row(const SavedRow &row, const SessionPlan &plan, const Spec &spec, const Hyperschedule &schedule,
                 bool begun) {
  const int32_t levels = schedule.levels();
  const RowState &s = row.state;
  const auto bad = [](const char *what) { return fail(TEMPER_E_FORMAT, "a saved session is wrong: %s", what); };
  constexpr int64_t most = int64_t{1} << 40;
  for (const int64_t number : {s.id, s.finished, s.corrupt_draft, s.has_prompt, s.prompt, s.call, s.held, s.first_token,
                               s.settled, s.settled_before, s.materialized, s.window_end, s.emitted, s.changed,
                               s.calls_done})
    if (number < 0 || number > most) return bad("a count");
  const int64_t room = plan.token_room, end = s.first_token + room;
  const int64_t count = static_cast<int64_t>(row.tokens.size());
  if (s.id > UINT32_MAX || s.finished > TEMPER_ROW_MODEL_LIMIT || s.corrupt_draft > 1 || s.has_prompt > 1 ||
      count > room || row.records.size() != row.tokens.size() || row.memories.size() != row.tokens.size() ||
      s.prompt > (plan.capacity >= 0 ? plan.capacity : room))
    return bad("its sizes");
  if (begun) {
    if (s.length != (plan.capacity < 0 ? -1 : plan.capacity - s.prompt)) return bad("its length");
    if (s.settled > s.materialized || s.settled_before > s.settled || s.emitted > s.settled || s.prompt > s.settled ||
        s.window_end > s.materialized || s.window_end < s.settled || s.materialized > end ||
        s.first_token + count < s.materialized || s.first_token > s.settled || s.emitted < s.first_token)
      return bad("its frontier");
    if (plan.capacity >= 0 && (s.first_token != 0 || s.materialized > plan.capacity)) return bad("its positions");
  } else {
    for (const int64_t number : {s.finished, s.call, s.held, s.first_token, s.settled, s.settled_before, s.materialized,
                                 s.window_end, s.emitted, s.changed, s.calls_done})
      if (number != 0) return bad("what it did before its first step");
    if (s.prompt > count) return bad("its prompt");
  }
  if (static_cast<int64_t>(row.starts.size()) > room - s.prompt ||
      static_cast<int64_t>(row.weights.size()) > room - s.prompt ||
      (!row.starts.empty() && plan.capacity < 0) || static_cast<int64_t>(row.unconditional.size()) > s.prompt)
    return bad("its single positions");
  for (const int32_t level : row.starts)
    if (level < 0 || level > levels) return bad("a level");
  for (const float weight : row.weights)
    if (!(weight > 0) || std::isinf(weight)) return bad("a weight");
  for (const int32_t token : row.tokens)
    if (token < -1 || token >= spec.vocabulary) return bad("a token");
  const int64_t known = begun ? s.settled : s.prompt;
  for (int64_t p = s.first_token; p < known; ++p)
    if (row.tokens[static_cast<size_t>(p - s.first_token)] < 0) return bad("a settled token");
  for (const std::vector<int32_t> *list : {&row.allowed_ids, &row.unconditional})
    for (const int32_t token : *list)
      if (token < 0 || token >= spec.vocabulary) return bad("a token");
  int64_t last = -1;
  for (const AllowedTokens &allowed : row.allowed) {
    if (allowed.position <= last || allowed.count == 0 || allowed.first > row.allowed_ids.size() ||
        allowed.count > row.allowed_ids.size() - allowed.first)
      return bad("allowed tokens");
    last = allowed.position;
  }
  if (!begun || s.finished != TEMPER_ROW_RUNNING) return Status();
  RowLevels bent;
  for (size_t i = 0; i < row.starts.size(); ++i) bent.set_start(static_cast<int64_t>(i), row.starts[i], levels);
  bent.set_weights(row.weights);
  const int64_t skip = plan.align > 0 ? s.prompt % plan.align : 0;
  TEMPER_TRY(schedule.validate(s.length < 0 ? s.length : s.length + skip));
  bent.begin(schedule, s.length, skip);
  if (s.settled != s.prompt + bent.settled_end(s.call)) return bad("its place in the hyperschedule");
  return Status();
}

void take_over(Sequence &to, const SavedRow &row, const Hyperschedule &schedule, int64_t skip) {
  const RowState &s = row.state;
  to.clear();
  to.id = static_cast<uint32_t>(s.id);
  to.finished = static_cast<int32_t>(s.finished);
  to.corrupt_draft = s.corrupt_draft != 0;
  to.companion.has_prompt = s.has_prompt != 0;
  to.companion.prompt = row.unconditional;
  to.prompt = s.prompt;
  to.length = s.length;
  to.call = s.call;
  to.held = s.held;
  to.first_token = s.first_token;
  to.settled = s.settled;
  to.settled_before = s.settled_before;
  to.materialized = s.materialized;
  to.window_end = s.window_end;
  to.emitted = s.emitted;
  to.changed = s.changed;
  to.calls_done = s.calls_done;
  to.window = row.window;
  for (size_t i = 0; i < row.starts.size(); ++i)
    to.levels.set_start(static_cast<int64_t>(i), row.starts[i], schedule.levels());
  to.levels.set_weights(row.weights);
  to.levels.begin(schedule, s.length, skip);
  to.allowed = row.allowed;
  to.allowed_ids = row.allowed_ids;
  std::copy(row.tokens.begin(), row.tokens.end(), to.tokens.begin());
  std::copy(row.records.begin(), row.records.end(), to.records.begin());
  std::copy(row.memories.begin(), row.memories.end(), to.memories.begin());
}

}  // namespace

SavedSession Session::capture() const {
  SavedSession saved;
  saved.fingerprint = fingerprint_of(parts_, rows(), length_);
  saved.counts = {seed_, begun_, options_.single_positions, steps_done_, rows_computed_, calls_made_};
  for (const Sequence &sequence : sequences_) saved.rows.push_back(saved_row(sequence));
  return saved;
}

Status Session::adopt(const SavedSession &saved) {
  TEMPER_TRY(check_ready());
  if (!(saved.fingerprint == fingerprint_of(parts_, rows(), length_)))
    return Status(TEMPER_E_ARGUMENT, "the saved session had another model, hyperschedule, noise, sampler or size");
  const SavedCounts &counts = saved.counts;
  if (counts.begun < 0 || counts.begun > 1 || counts.single_positions < 0 || counts.single_positions > 1 ||
      counts.steps_done < 0 || counts.rows_computed < 0 || counts.calls_made < 0)
    return Status(TEMPER_E_FORMAT, "a saved session is wrong: its counts");
  for (const SavedRow &row : saved.rows)
    TEMPER_TRY(check_row(row, plan_, parts_.model->spec(), parts_.schedule, counts.begun != 0));
  if (counts.single_positions != 0 && !options_.single_positions) {
    if (begun_) return Status(TEMPER_E_STATE, "a row with single positions can only be restored before the first step");
    SessionOptions wanted = options_;
    wanted.single_positions = true;
    TEMPER_TRY(set_options(wanted));
  }
  seed_ = counts.seed;
  begun_ = counts.begun != 0;
  steps_done_ = counts.steps_done;
  rows_computed_ = counts.rows_computed;
  calls_made_ = counts.calls_made;
  for (size_t i = 0; i < saved.rows.size(); ++i)
    take_over(sequences_[i], saved.rows[i], parts_.schedule, skipped(saved.rows[i].state.prompt));
  return Status();
}

Result<std::vector<std::byte>> Session::save() const {
  // What a sliding row has forgotten would be needed to compute its cache again.
  if (options_.look_back > 0)
    return Status(TEMPER_E_UNSUPPORTED, "a session with a sliding context can be forked, not saved");
  return encode(capture());
}

Status Session::restore(std::span<const std::byte> bytes) {
  if (options_.look_back > 0)
    return Status(TEMPER_E_UNSUPPORTED, "a session with a sliding context can be forked, not saved");
  TEMPER_ASSIGN(const SavedSession saved, decode(bytes));
  return adopt(saved);
}

// What is frozen stays as it is for both. An approximate cache also keeps slots behind, and computes all of
// them again now and then.
Result<std::unique_ptr<Forward>> Session::forked_cache(const SessionPlan &plan) const {
  if (!(plan.forward == plan_.forward)) return Status(TEMPER_E_INTERNAL, "a fork of another size");
  std::vector<int32_t> kept, lasting;
  for (const Sequence &sequence : sequences_) {
    const bool exact = options_.approximation == Approximation::none;
    const auto frozen = static_cast<int32_t>(sequence.frozen - sequence.slot_base);
    kept.push_back(exact ? frozen : sequence.refreshed_at < 0 ? 0 : plan_.forward.slots);
    lasting.push_back(exact ? frozen : 0);
  }
  if (plan_.paired)
    for (const Sequence &sequence : sequences_) {
      kept.push_back(static_cast<int32_t>(sequence.companion.frozen));
      lasting.push_back(kept.back());
    }
  return Forward::fork(*forward_, kept, lasting);
}

Result<std::unique_ptr<Session>> Session::fork(uint64_t seed) const {
  TEMPER_TRY(check_ready());
  std::unique_ptr<Session> copy(new Session(parts_));
  copy->length_ = length_;
  copy->options_ = options_;
  copy->options_.candidates = 1;  // the caller's functions stay behind
  copy->sequences_.resize(sequences_.size());
  TEMPER_TRY(copy->allocate(this));
  TEMPER_TRY(copy->adopt(capture()));
  copy->seed_ = seed;
  for (size_t i = 0; i < sequences_.size(); ++i) {
    const Sequence &from = sequences_[i];
    Sequence &to = copy->sequences_[i];
    to.frozen = from.frozen;
    to.slot_base = from.slot_base;
    to.stale_calls = from.stale_calls;
    to.refreshed_at = from.refreshed_at;
    to.companion.frozen = from.companion.frozen;
  }
  return copy;
}

}  // namespace temper
