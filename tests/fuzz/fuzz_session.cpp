// SPDX-License-Identifier: Apache-2.0
// Whole sessions through the public interface. An input is a session's parts, then calls: a letter (call_count) and
// its arguments, a byte each. A number n is written as the character '0' + n, so that inputs can be typed; bytes
// from 0x80 on stand for wild values where a call takes any. What is checked: statuses and their messages, that
// what has settled stays, that copies go on as their origin does, and that all memory comes back.
#include "session/hooks.h"
#include "session/watcher.h"

#include <string_view>

namespace fuzz {
namespace {

class Program : private Watcher {
 public:
  Program(const uint8_t *data, size_t size) : Watcher(data, size) {}

  void run() {
    make(lives_[0]);
    for (int calls = 0; calls < 150 && steps_ > 0 && !in_.empty(); ++calls) call();
    world().memory.until_failure = -1;
    for (size_t i = 0; i < lives_.size(); ++i)
      temper_session_destroy(lives_[(i + current_) % lives_.size()].session);
  }

 private:
  static constexpr std::string_view call_count = "sSpxdwagulvoifmbkrReyqcCznM";

  void make(Live &live) {
    live = Live();
    live.seed = in_.byte();
    int64_t bytes = 0;
    ok(temper_session_estimate(model_.handle, schedule_, rows_, length_, &bytes, error()));
    if (!ok(temper_session_create(model_.handle, schedule_, noise_, sampler_, rows_, length_, live.seed, &live.session,
                                  error())))
      CHECK(live.session == nullptr);
    live.rows.resize(static_cast<size_t>(rows_));
    if (length_ == 0 && live.session != nullptr)
      ok(temper_session_set_i64(live.session, TEMPER_SESSION_SLIDING_CONTEXT, 1 + in_.number(32), error()));
  }

  // A copy that goes on from here: the same tokens as those of its origin.
  void race(Live &origin, bool by_bytes) {
    if (origin.logits || origin.value || origin.cancelled || origin.foreign) return;
    world().memory.until_failure = -1;
    Live copy = origin;
    copy.session = nullptr;
    if (!ok(temper_session_fork(origin.session, origin.seed + (by_bytes ? 1 : 0), &copy.session, error()))) return;
    int64_t approximate = 0;
    CHECK(ok(temper_session_get_i64(origin.session, TEMPER_SESSION_APPROXIMATE, &approximate, error())));
    std::vector<uint8_t> bytes;
    // An approximate cache begins anew when a session is restored.
    if (by_bytes && (approximate != 0 || !save(origin, bytes) ||
                     !ok(temper_session_restore(copy.session, bytes.data(), bytes.size(), error())))) {
      temper_session_destroy(copy.session);
      return;
    }
    for (int32_t left = 1 + in_.number(12); left > 0 && steps_ > 0; --left) {
      const temper_status one = step(origin), other = step(copy);
      CHECK(one == other);
      for (int32_t r = 0; r < rows_; ++r) {
        CHECK(row_info(origin, r).finished == row_info(copy, r).finished);
        CHECK(origin.rows[static_cast<size_t>(r)].settled == copy.rows[static_cast<size_t>(r)].settled);
        CHECK(copied(origin, r, temper_session_window) == copied(copy, r, temper_session_window));
      }
    }
    temper_session_destroy(copy.session);
  }

  bool save(const Live &live, std::vector<uint8_t> &bytes) {
    size_t size = 0;
    const temper_status status = temper_session_save(live.session, nullptr, 0, &size, error());
    CHECK(!ok(status) && (status == TEMPER_E_CAPACITY || status == TEMPER_E_UNSUPPORTED));
    if (status != TEMPER_E_CAPACITY) return false;
    bytes.resize(size);
    CHECK(ok(temper_session_save(live.session, bytes.data(), bytes.size(), &size, error())) && size == bytes.size());
    return true;
  }

  void restore(Live &live, bool raw) {
    if (kept_.session == nullptr && !raw) return;
    std::vector<uint8_t> bytes = kept_bytes_;
    bool changed = raw;
    if (raw) {
      // The first bytes of a real one are hard to guess.
      bytes.resize(std::min<size_t>(bytes.size(), in_.index(64) * 8));
      const std::vector<uint8_t> rest = in_.bytes(static_cast<size_t>(in_.byte()));
      bytes.insert(bytes.end(), rest.begin(), rest.end());
    }
    for (int32_t i = in_.number(6); i > 0 && !bytes.empty(); --i) {
      changed = true;
      const int32_t kind = in_.number(6);
      size_t at = in_.byte();
      at = (at + 256 * in_.index(64)) * (kind < 3 ? 4 : 1) % bytes.size();
      const int64_t value = in_.loose(64);
      const size_t most = std::min<size_t>(kind == 0 ? 8 : 4, bytes.size() - at);
      switch (kind) {
        case 0:
        case 1: std::memcpy(bytes.data() + at, &value, most); break;
        case 2: bytes[at] = static_cast<uint8_t>(bytes[at] + value); break;
        case 3: bytes[at] ^= static_cast<uint8_t>(value); break;
        case 4: bytes.resize(at); break;
        default:
          bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), 4 * static_cast<size_t>(value & 7), 0);
      }
    }
    if (bytes.empty()) bytes.push_back(0);
    if (!ok(temper_session_restore(live.session, bytes.data(), bytes.size(), error()))) return look(live);
    live.rows = kept_.rows;
    live.seed = kept_.seed;
    live.fresh = kept_.fresh;
    live.foreign = kept_.foreign || (changed && bytes != kept_bytes_);
    if (live.foreign) live.fresh = true;
    look(live, true);
  }

  void read(Live &live) {
    const int32_t r = in_.number(rows_);
    Row &row = live.rows[static_cast<size_t>(r)];
    const auto capacity = in_.index(48);
    size_t count = 0;
    CHECK(ok(temper_session_read(live.session, r, buffer_.data(), capacity, &count, error())));
    CHECK(count <= capacity);
    if (live.foreign) return;
    const int64_t first = row.end - static_cast<int64_t>(row.settled.size());
    CHECK(count == 0 || (row.unread >= 0 && row.unread + static_cast<int64_t>(count) <= row.end));
    for (size_t i = 0; i < count; ++i, ++row.unread)
      if (row.unread >= first)
        CHECK(buffer_[i] == row.settled[static_cast<size_t>(row.unread - first)]);
  }

  void query(const Live &live) {
    int64_t value = 0;
    for (const int32_t key : {1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 100, 101, 102, 103, 104, 105, 106, 107, 108})
      CHECK(ok(temper_session_get_i64(live.session, key, &value, error())));
    ok(temper_session_get_i64(live.session, in_.loose32(200), &value, error()));
    const int32_t r = in_.number(rows_);
    const Row &row = live.rows[static_cast<size_t>(r)];
    copied(live, r, temper_session_window);
    std::array<temper_token_record, 48> records;
    const auto first = in_.loose(48);
    const auto count = in_.index(48);
    if (!ok(temper_session_provenance(live.session, r, first, records.data(), count, error()))) return;
    const int64_t begin = row.end - static_cast<int64_t>(row.settled.size());
    for (size_t i = 0; i < count; ++i) {
      const int64_t p = first + static_cast<int64_t>(i);
      CHECK(records[i].token >= -1 && records[i].token < model_.vocabulary);
      if (p >= begin && p < row.end) CHECK(records[i].token == row.settled[static_cast<size_t>(p - begin)]);
    }
  }

  std::vector<int32_t> tokens(size_t count) {
    std::vector<int32_t> list(count);
    for (int32_t &token : list) token = in_.loose32(model_.vocabulary);
    return list;
  }

  // What the caller says of a row before the first step.
  void tell(Live &live, char what) {
    const int32_t r = in_.loose32(rows_);
    const auto count = in_.index(what == 'x' || what == 'a' ? 8 : 40);
    temper_status status = TEMPER_OK;
    if (what == 'p' || what == 'u') {
      const std::vector<int32_t> list = tokens(count);
      status = what == 'p' ? temper_session_prompt(live.session, r, list.data(), count, error())
                           : temper_session_unconditional(live.session, r, list.data(), count, error());
      if (status == TEMPER_OK && what == 'p')
        live.rows[static_cast<size_t>(r)].prompt = static_cast<int64_t>(count);
    } else if (what == 'x') {
      std::vector<int64_t> positions(count);
      for (int64_t &position : positions) position = in_.loose(41);
      status = temper_session_fix(live.session, r, positions.data(), tokens(count).data(), count, error());
    } else if (what == 'd') {
      std::vector<int32_t> levels(count);
      for (int32_t &number : levels) number = in_.loose32(levels_ + 1);
      const int32_t flags = in_.loose32(2);
      status = temper_session_draft(live.session, r, tokens(count).data(), levels.data(), count, flags, error());
    } else if (what == 'w') {
      std::vector<float> weights(count);
      for (float &weight : weights) weight = static_cast<float>(in_.real(1e-30, 1e30, 1.5));
      status = temper_session_weights(live.session, r, weights.data(), count, error());
    } else {
      const int64_t position = in_.loose(41);
      status = temper_session_allow(live.session, r, position, tokens(count).data(), count, error());
    }
    const bool changed = ok(status);
    // Where it's accepted no step has begun.
    if (changed)
      for (Row &row : live.rows) row.unread = -1;
    look(live, changed);
  }

  void call() {
    Live &live = lives_[current_];
    const uint8_t letter = in_.byte();
    if (letter == ' ' || letter == '\n') return;
    const bool known = call_count.find(static_cast<char>(letter)) != std::string_view::npos;
    const char what = known ? static_cast<char>(letter) : call_count[letter % call_count.size()];
    if (what == 'c') {
      current_ = in_.index(lives_.size());
      return;
    }
    if (what == 'n' && live.session == nullptr) return make(live);
    if (live.session == nullptr) return temper_session_cancel(nullptr);
    switch (what) {
      case 's': step(live); break;
      case 'S':
        for (int32_t left = in_.number(32); left > 0 && steps_ > 0; --left) step(live);
        break;
      case 'p':
      case 'u':
      case 'x':
      case 'd':
      case 'w':
      case 'a': tell(live, what); break;
      case 'g': {
        const double scale = in_.real(-1, 100, 1.5);
        ok(temper_session_guide(live.session, scale, error()));
        break;
      }
      case 'l': {
        Hook &hook = hooks_[2 * current_];
        hook = {live.session, rows_, model_.vocabulary, in_.number(8), in_.number(64)};
        live.logits = hook.kind != 7;
        ok(temper_session_set_logits_fn(live.session, live.logits ? Hook::logits : nullptr, &hook, error()));
        break;
      }
      case 'v': {
        Hook &hook = hooks_[2 * current_ + 1];
        hook = {live.session, rows_, model_.vocabulary, in_.number(6), in_.number(16)};
        const temper_value_fn function = hook.kind != 5 ? Hook::value : nullptr;
        const int32_t candidates = in_.loose32(5), form = in_.loose32(2);
        const double alpha = in_.real(0, 1e300, 1);
        const bool taken =
            ok(temper_session_set_value_fn(live.session, function, &hook, candidates, alpha, form, error()));
        if (taken) live.value = function != nullptr;
        break;
      }
      case 'o': {
        const int32_t key = in_.loose32(14);
        const int64_t value = in_.loose(65);
        // '0' is -1, which many options take.
        ok(temper_session_set_i64(live.session, key, value >= 0 && value < 65 ? value - 1 : value, error()));
        break;
      }
      case 'i': {
        const int32_t row = in_.loose32(rows_);
        ok(temper_session_set_row_id(live.session, row, in_.byte(), error()));
        break;
      }
      case 'f': {
        const auto to = in_.index(lives_.size());
        const uint64_t seed = in_.byte();
        if (to == current_) break;
        temper_session_destroy(lives_[to].session);
        lives_[to] = live;
        lives_[to].seed = seed;
        lives_[to].logits = lives_[to].value = lives_[to].cancelled = false;
        ok(temper_session_fork(live.session, seed, &lives_[to].session, error()));
        if (lives_[to].session != nullptr) look(lives_[to]);
        break;
      }
      case 'm':
      case 'b': race(live, what == 'b'); break;
      case 'k':
        if (save(live, kept_bytes_)) kept_ = live;
        break;
      case 'r':
      case 'R': restore(live, what == 'R'); break;
      case 'e':
        live.seed = in_.byte();
        CHECK(ok(temper_session_reset(live.session, live.seed, error())));
        live.fresh = true;
        live.foreign = live.cancelled = false;
        live.rows.assign(live.rows.size(), {});
        look(live, true);
        break;
      case 'y': read(live); break;
      case 'q': query(live); break;
      case 'C':
        temper_session_cancel(live.session);
        live.cancelled = true;
        break;
      case 'z':
        temper_session_destroy(live.session);
        live = Live();
        break;
      case 'M': world().memory.until_failure = in_.number(16); break;
      default: break;
    }
  }

  std::array<Live, 3> lives_;
  std::array<Hook, 6> hooks_;
  size_t current_ = 0;
  Live kept_;  // what was known when it was saved; its session is only compared with NULL
  std::vector<uint8_t> kept_bytes_;
};

}  // namespace
}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // Models are made once and stay.
  const size_t model = fuzz::Input(data, size).index(fuzz::world().count());
  fuzz::world().model(model);
  const size_t blocks = fuzz::world().memory.blocks.size();
  fuzz::Program(data, size).run();
  CHECK(fuzz::world().memory.blocks.size() == blocks);
  return 0;
}
