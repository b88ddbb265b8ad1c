// SPDX-License-Identifier: Apache-2.0
#include "session/snapshot.h"

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
  if (parts.excluded != nullptr)
    for (const int32_t id : *parts.excluded) add(static_cast<uint64_t>(id));
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

// Tokens and what stands beside them as far as there are any.
SequenceState saved_state(const Sequence &sequence) {
  SequenceState state = sequence;
  const int64_t end =
      std::max(state.materialized, state.prompt + static_cast<int64_t>(state.wishes.starts.size()));
  const auto count =
      static_cast<size_t>(std::min(end - state.first_token, static_cast<int64_t>(state.tokens.size())));
  state.tokens.resize(count);
  state.records.resize(count);
  state.memories.resize(count);
  return state;
}

// Does it hang together? Everything that is later used as an index or a size is looked at.
Status check_state(const SequenceState &s, const Frame &frame, bool begun) {
  const SessionPlan &plan = frame.plan;
  const Spec &spec = *frame.spec;
  const Hyperschedule &schedule = frame.parts.schedule;
  const int32_t levels = schedule.levels();
  const auto bad = [](const char *what) { return fail(TEMPER_E_FORMAT, "a saved session is wrong: %s", what); };
  constexpr int64_t most = int64_t{1} << 40;
  for (const int64_t number : {s.prompt, s.call, s.held, s.first_token, s.settled, s.settled_before, s.materialized,
                               s.window_end, s.emitted, s.changed, s.calls_done})
    if (number < 0 || number > most) return bad("a count");
  const int64_t room = plan.token_room, end = s.first_token + room;
  const int64_t count = static_cast<int64_t>(s.tokens.size());
  const auto is_flag = [](int32_t value) { return value == 0 || value == 1; };
  if (s.finished < 0 || s.finished > TEMPER_ROW_MODEL_LIMIT || !is_flag(s.corrupt_draft) ||
      !is_flag(s.has_unconditional) || count > room || s.records.size() != s.tokens.size() || s.memories.size() != s.tokens.size() ||
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
    for (const int64_t number : {int64_t{s.finished}, s.call, s.held, s.first_token, s.settled, s.settled_before, s.materialized,
                                 s.window_end, s.emitted, s.changed, s.calls_done})
      if (number != 0) return bad("what it did before its first step");
    if (s.prompt > count) return bad("its prompt");
  }
  if (static_cast<int64_t>(s.wishes.starts.size()) > room - s.prompt ||
      static_cast<int64_t>(s.wishes.weights.size()) > room - s.prompt ||
      (!s.wishes.starts.empty() && plan.capacity < 0) || static_cast<int64_t>(s.unconditional.size()) > s.prompt)
    return bad("its single positions");
  for (const int32_t level : s.wishes.starts)
    if (level < 0 || level > levels) return bad("a level");
  for (const float weight : s.wishes.weights)
    if (!(weight > 0) || std::isinf(weight)) return bad("a weight");
  for (const int32_t token : s.tokens)
    if (token < -1 || token >= spec.vocabulary) return bad("a token");
  const int64_t known = begun ? s.settled : s.prompt;
  for (int64_t p = s.first_token; p < known; ++p)
    if (s.tokens[static_cast<size_t>(p - s.first_token)] < 0) return bad("a settled token");
  for (const std::vector<int32_t> *list : {&s.allowed_ids, &s.unconditional})
    for (const int32_t token : *list)
      if (token < 0 || token >= spec.vocabulary) return bad("a token");
  int64_t last = -1;
  for (const AllowedTokens &allowed : s.allowed) {
    if (allowed.position <= last || allowed.count == 0 || allowed.first > s.allowed_ids.size() ||
        allowed.count > s.allowed_ids.size() - allowed.first)
      return bad("allowed tokens");
    last = allowed.position;
  }
  if (!begun || !s.running()) return Status();
  LevelWishes wishes;
  wishes.starts = s.wishes.starts;
  wishes.set_weights(s.wishes.weights);
  RowLevels bent;
  const int64_t skip = plan.skipped(s.prompt);
  TEMPER_TRY(schedule.validate(s.length < 0 ? s.length : s.length + skip));
  bent.begin(schedule, s.length, skip, wishes);
  if (s.settled != s.prompt + bent.settled_end(s.call)) return bad("its place in the hyperschedule");
  return Status();
}

// The state, in a sequence that has room for more tokens.
void take_over(const Frame &frame, const SequenceState &state, Sequence &to) {
  const size_t room = to.tokens.size();
  to.clear();
  static_cast<SequenceState &>(to) = state;
  to.wishes.set_weights(state.wishes.weights);
  to.tokens.resize(room, -1);
  to.records.resize(room);
  to.memories.resize(room);
  to.levels.begin(frame.parts.schedule, to.length, frame.plan.skipped(to.prompt), to.wishes);
}

}  // namespace

SavedSession Snapshot::capture(const Session &session) {
  SavedSession saved;
  saved.fingerprint = fingerprint_of(session.frame_.parts, session.rows(), session.frame_.length);
  saved.counts = session.counts_;
  saved.counts.seed = session.frame_.seed;
  saved.counts.single_positions = session.frame_.options.single_positions ? 1 : 0;
  for (const Sequence &sequence : session.sequences_) saved.sequences.push_back(saved_state(sequence));
  return saved;
}

Status Snapshot::adopt(Session &session, const SavedSession &saved) {
  TEMPER_TRY(session.setup(0).check_ready());
  const Frame &frame = session.frame_;
  if (!(saved.fingerprint == fingerprint_of(frame.parts, session.rows(), frame.length)))
    return Status(TEMPER_E_ARGUMENT, "the saved session had another model, hyperschedule, noise, sampler or size");
  const SessionCounts &counts = saved.counts;
  if (counts.begun < 0 || counts.begun > 1 || counts.single_positions < 0 || counts.single_positions > 1 ||
      counts.steps < 0 || counts.rows_computed < 0 || counts.calls < 0)
    return Status(TEMPER_E_FORMAT, "a saved session is wrong: its counts");
  for (const SequenceState &state : saved.sequences) TEMPER_TRY(check_state(state, frame, counts.begun != 0));
  if (counts.single_positions != 0 && !frame.options.single_positions) {
    if (session.counts_.begun != 0)
      return Status(TEMPER_E_STATE, "a row with single positions can only be restored before the first step");
    SessionOptions wanted = frame.options;
    wanted.single_positions = true;
    TEMPER_TRY(session.set_options(wanted));
  }
  session.counts_ = counts;
  session.frame_.seed = counts.seed;
  for (size_t i = 0; i < saved.sequences.size(); ++i) take_over(frame, saved.sequences[i], session.sequences_[i]);
  return Status();
}

Result<std::vector<std::byte>> Snapshot::save(const Session &session) {
  // What a sliding row has forgotten would be needed to compute its cache again.
  if (session.frame_.options.look_back > 0)
    return Status(TEMPER_E_UNSUPPORTED, "a session with a sliding context can be forked, not saved");
  return encode(capture(session));
}

Status Snapshot::restore(Session &session, std::span<const std::byte> bytes) {
  if (session.frame_.options.look_back > 0)
    return Status(TEMPER_E_UNSUPPORTED, "a session with a sliding context can be forked, not saved");
  TEMPER_ASSIGN(const SavedSession saved, decode(bytes));
  return adopt(session, saved);
}

// What is frozen stays as it is for both. An approximate cache also keeps slots behind, and computes all of
// them again now and then.
Result<Cache> Snapshot::forked_cache(const Session &session, const SessionPlan &plan) {
  const Frame &frame = session.frame_;
  if (!(plan.cache == frame.plan.cache)) return Status(TEMPER_E_INTERNAL, "a fork of another size");
  std::vector<int32_t> kept, lasting;
  for (const Sequence &sequence : session.sequences_) {
    const bool exact = !frame.options.approximates();
    const auto frozen = static_cast<int32_t>(sequence.frozen - sequence.slot_base);
    kept.push_back(exact ? frozen : sequence.staleness.refreshed_at < 0 ? 0 : plan.cache.slots);
    lasting.push_back(exact ? frozen : 0);
  }
  if (plan.paired)
    for (const Sequence &sequence : session.sequences_) {
      kept.push_back(static_cast<int32_t>(sequence.companion.frozen));
      lasting.push_back(kept.back());
    }
  return Cache::fork(*session.cache_, kept, lasting);
}

Result<std::unique_ptr<Session>> Snapshot::fork(const Session &session, uint64_t seed) {
  if (!session.ready()) return Status(TEMPER_E_STATE, "an unbounded row needs a sliding context first");
  std::unique_ptr<Session> copy(new Session(session.frame_.parts));
  copy->frame_.length = session.frame_.length;
  copy->frame_.options = session.frame_.options;
  copy->frame_.options.candidates = 1;  // the caller's functions stay behind
  copy->sequences_.resize(session.sequences_.size());
  TEMPER_TRY(copy->allocate(&session));
  TEMPER_TRY(adopt(*copy, capture(session)));
  copy->frame_.seed = seed;
  for (size_t i = 0; i < session.sequences_.size(); ++i) {
    const Sequence &from = session.sequences_[i];
    Sequence &to = copy->sequences_[i];
    to.frozen = from.frozen;
    to.slot_base = from.slot_base;
    to.staleness = from.staleness;
    to.companion.frozen = from.companion.frozen;
  }
  return copy;
}

}  // namespace temper
