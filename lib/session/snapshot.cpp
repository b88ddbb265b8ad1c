// SPDX-License-Identifier: Apache-2.0
#include "session/snapshot.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace temper {
namespace {

// FNV-1a over a table's levels, the clocks of the first levels and the excluded ids. Functions aren't compared: they
// would have to be asked for every level.
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
  for (const int32_t level : parts.schedule.cells()) add(static_cast<uint64_t>(level));
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

// No session gets as far; sums of a few stay numbers.
constexpr int64_t most = int64_t{1} << 40;
constexpr int64_t most_counted = int64_t{1} << 30;  // where 32 bits count

bool is_count(int64_t value) noexcept { return value >= 0 && value <= most; }
bool is_small_count(int64_t value) noexcept { return value >= 0 && value <= most_counted; }

// What is remembered of single positions and of the window goes on being counted.
bool counts_are_small(const SequenceState &s) noexcept {
  const WindowMemory &window = s.window_memory;
  if (!is_small_count(window.held) || !is_small_count(window.rounds) || !is_small_count(window.waiting)) return false;
  return std::all_of(s.records.begin(), s.records.end(),
                     [](const TokenRecord &record) { return is_small_count(record.changes); }) &&
         std::all_of(s.memories.begin(), s.memories.end(),
                     [](const PositionMemory &memory) { return is_small_count(memory.stable); });
}

// Does it hang together? Everything that is later used as an index or a size is looked at.
Status check_state(const SequenceState &s, const Frame &frame, bool begun) {
  const SessionPlan &plan = frame.plan;
  const Spec &spec = *frame.spec;
  const Hyperschedule &schedule = frame.parts.schedule;
  const int32_t levels = schedule.levels();
  const auto bad = [](const char *what) { return fail(TEMPER_E_FORMAT, "a saved session is wrong: %s", what); };
  for (const int64_t number : {s.prompt, s.call, s.held, s.first_token, s.settled, s.settled_before, s.materialized,
                               s.window_end, s.emitted, s.changed, s.calls_done})
    if (!is_count(number)) return bad("a count");
  if (!counts_are_small(s)) return bad("a count");
  const int64_t room = plan.token_room, end = s.first_token + room;
  const int64_t count = static_cast<int64_t>(s.tokens.size());
  const auto is_flag = [](int32_t value) { return value == 0 || value == 1; };
  if (s.finished < 0 || s.finished > TEMPER_ROW_MODEL_LIMIT || !is_flag(s.corrupt_draft) ||
      !is_flag(s.has_unconditional) || count > room || s.records.size() != s.tokens.size() ||
      s.memories.size() != s.tokens.size() || s.prompt > (plan.capacity >= 0 ? plan.capacity : room))
    return bad("its sizes");
  if (begun) {
    if (s.length != frame.generated(s.prompt)) return bad("its length");
    if (s.settled > s.materialized || s.settled_before > s.settled || s.emitted > s.settled || s.prompt > s.settled ||
        s.window_end > s.materialized || s.window_end < s.settled || s.materialized > end ||
        s.first_token + count < s.materialized || s.first_token > s.settled || s.emitted < s.first_token)
      return bad("its frontier");
    if (plan.capacity >= 0 && (s.first_token != 0 || s.materialized > plan.capacity)) return bad("its positions");
  } else {
    for (const int64_t number : {int64_t{s.finished}, s.call, s.held, s.first_token, s.settled, s.settled_before,
                                 s.materialized, s.window_end, s.emitted, s.changed, s.calls_done})
      if (number != 0) return bad("what it did before its first step");
    if (s.prompt > count) return bad("its prompt");
  }
  if (static_cast<int64_t>(s.wishes.starts.size()) > room - s.prompt ||
      static_cast<int64_t>(s.wishes.weights.size()) > room - s.prompt ||
      (!s.wishes.starts.empty() && plan.capacity < 0) || static_cast<int64_t>(s.unconditional.size()) > s.prompt)
    return bad("its single positions");
  for (size_t i = 0; i < s.wishes.starts.size(); ++i) {
    const int32_t level = s.wishes.starts[i];
    if (level < 0 || level > levels) return bad("a level");
    const int64_t at = s.prompt + static_cast<int64_t>(i);
    if (level == 0 && (at >= count || frame.is_masked(s.tokens[static_cast<size_t>(at)])))
      return bad("a fixed position without a token");
  }
  for (const float weight : s.wishes.weights)  // the smallest is 1
    if (!(weight >= 1) || std::isinf(weight)) return bad("a weight");
  for (const int32_t token : s.tokens)
    if (token < -1 || token >= spec.vocabulary) return bad("a token");
  // The prompt may have masks, what was generated and settled has none. A window has a gap only where no mask stands
  // for one.
  for (int64_t p = s.first_token; p < (begun ? s.materialized : s.prompt); ++p) {
    const int32_t token = s.tokens[static_cast<size_t>(p - s.first_token)];
    const bool settled = p < s.prompt || p < s.settled;
    if (token < 0 ? settled || frame.head.mask_token >= 0 : settled && p >= s.prompt && frame.is_masked(token))
      return bad("a token that is undecided or missing");
  }
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

// As much room as a sequence has.
void give_room(const Frame &frame, SequenceState &state) {
  const auto room = static_cast<size_t>(frame.plan.token_room);
  state.wishes.set_weights(std::move(state.wishes.weights));
  state.tokens.resize(room, -1);
  state.records.resize(room);
  state.memories.resize(room);
}

void take_over(const Frame &frame, SequenceState &&state, Sequence &to) noexcept {
  to.clear();
  static_cast<SequenceState &>(to) = std::move(state);
  to.levels.begin(frame.parts.schedule, to.length, frame.plan.skipped(to.prompt), to.wishes);
}

}  // namespace

SavedSession Snapshot::capture(const Session &session) {
  SavedSession saved;
  saved.fingerprint = fingerprint_of(session.frame_.parts, session.rows(), session.frame_.length);
  saved.counts = session.counts_;
  saved.counts.seed = session.frame_.seed;
  for (const Sequence &sequence : session.sequences_) saved.sequences.push_back(saved_state(sequence));
  return saved;
}

Status Snapshot::adopt(Session &session, SavedSession saved) {
  TEMPER_TRY(session.make_ready());
  const Frame &frame = session.frame_;
  if (!(saved.fingerprint == fingerprint_of(frame.parts, session.rows(), frame.length)))
    return Status(TEMPER_E_ARGUMENT, "the saved session had another model, hyperschedule, noise, sampler or size");
  const SessionCounts &counts = saved.counts;
  if (counts.begun < 0 || counts.begun > 1 || !is_count(counts.steps) || !is_count(counts.rows_computed) ||
      !is_count(counts.calls))
    return Status(TEMPER_E_FORMAT, "a saved session is wrong: its counts");
  for (SequenceState &state : saved.sequences) {
    TEMPER_TRY(check_state(state, frame, counts.begun != 0));
    give_room(frame, state);
  }
  const bool bent = std::any_of(saved.sequences.begin(), saved.sequences.end(),
                                [](const SequenceState &state) { return state.wishes.positions() > 0; });
  if (bent && !frame.options.single_positions) {
    if (session.counts_.begun != 0)
      return Status(TEMPER_E_STATE, "a row with single positions can only be restored before the first step");
    SessionOptions wanted = frame.options;
    wanted.single_positions = true;
    TEMPER_TRY(session.set_options(wanted));
  }
  // Nothing can fail from here on.
  session.counts_ = counts;
  session.frame_.seed = counts.seed;
  for (size_t i = 0; i < saved.sequences.size(); ++i)
    take_over(frame, std::move(saved.sequences[i]), session.sequences_[i]);
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
  TEMPER_ASSIGN(SavedSession saved, decode(bytes));
  return adopt(session, std::move(saved));
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
  if (!session.can_be_planned()) return Session::needs_context();
  std::unique_ptr<Session> copy(new Session(session.frame_.parts));
  copy->frame_.length = session.frame_.length;
  copy->frame_.options = session.frame_.options;
  copy->frame_.options.candidates = 1;  // the caller's functions stay behind
  copy->sequences_.resize(session.sequences_.size());
  TEMPER_ASSIGN(const SessionPlan plan, copy->plan_for(copy->frame_.options));
  TEMPER_TRY(copy->allocate(plan, session.ready() ? &session : nullptr));
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
