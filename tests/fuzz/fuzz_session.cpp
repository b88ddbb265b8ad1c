// SPDX-License-Identifier: Apache-2.0
// Whole sessions through the public interface. An input is a session's parts, then calls: a letter (kCalls) and
// its arguments, a byte each. A number n is written as the character '0' + n, so that inputs can be typed; bytes
// from 0x80 on stand for wild values where a call takes any. What is checked: statuses and their messages, that
// what has settled stays, that copies go on as their origin does, and that all memory comes back.
#include "../support/random_model.h"

#include <temper/temper.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

#define CHECK(condition) \
  if (!(condition)) broken(#condition, __LINE__)
[[noreturn]] void broken(const char *condition, int line) {
  std::fprintf(stderr, "fuzz_session.cpp:%d: not so: %s\n", line, condition);
  std::abort();
}

// Memory that is counted, and that runs out when an input says so.
struct Memory {
  std::unordered_map<void *, std::size_t> blocks;
  int64_t until_failure = -1;

  static void *alloc(void *user, std::size_t size, std::size_t alignment) {
    auto &memory = *static_cast<Memory *>(user);
    if (size > std::size_t{64} << 20) return nullptr;
    if (memory.until_failure >= 0 && memory.until_failure-- == 0) return nullptr;
    void *block = nullptr;
    if (posix_memalign(&block, std::max(alignment, sizeof(void *)), size) != 0) return nullptr;
    memory.blocks[block] = size;
    return block;
  }
  static void release(void *user, void *block, std::size_t size) {
    auto &memory = *static_cast<Memory *>(user);
    const auto place = memory.blocks.find(block);
    CHECK(place != memory.blocks.end() && place->second == size);
    memory.blocks.erase(place);
    std::free(block);
  }
};

struct Model {
  temper::test::RandomModel files;
  temper_model *handle = nullptr;
  int32_t vocabulary = 0, mask = -1;
  bool shifted = false;
};

// Made at the first use of each, and kept.
class World {
 public:
  World() {
    const temper_allocator allocator = {&memory, Memory::alloc, Memory::release};
    CHECK(temper_runtime_create(&allocator, &runtime_, nullptr) == TEMPER_OK);
    CHECK(temper_runtime_set_i64(runtime_, TEMPER_RUNTIME_THREADS, 1, nullptr) == TEMPER_OK);
    const auto add = [&](const char *family, const char *context = "causal", bool shifted = false) -> auto & {
      temper::test::ModelChoice &choice = choices_.emplace_back();
      choice.family = family;
      choice.context = context;
      choice.shifted = shifted;
      choice.positions = 32;  // fewer than the longest rows have
      return choice;
    };
    add("hdlm-epsilon");
    add("hdlm-epsilon", "block_causal");
    add("hdlm-epsilon", "full");
    add("llada");
    add("gidd");
    add("sedd").uniform = true;
    add("gpt2");
    add("sdar");
    add("mdlm").timed = true;
    add("hdlm-gamma", "causal", true);
    add("hdlm-gamma", "block_causal").window = "causal";
    add("sedd");
    add("bd3lm");
    add("fast-dllm-v2");
    add("dream");
    add("llama");
    models_.resize(choices_.size());
  }
  std::size_t count() const { return models_.size(); }
  const Model &model(std::size_t index) {
    Model &model = models_[index];
    if (model.handle != nullptr) return model;
    model.files = temper::test::random_model(choices_[index]);
    temper_model_options *options = nullptr;
    CHECK(temper_model_options_create(&options, nullptr) == TEMPER_OK);
    if (model.files.mask_token >= 0)
      CHECK(temper_model_options_set_i64(options, TEMPER_MODEL_OPTION_MASK_TOKEN, model.files.mask_token, nullptr) ==
            TEMPER_OK);
    const auto &weights = *model.files.weights;
    CHECK(temper_model_open_memory(runtime_, model.files.config.data(), model.files.config.size(), weights.data(),
                                   weights.size(), nullptr, nullptr, "reference", options, &model.handle,
                                   nullptr) == TEMPER_OK);
    temper_model_options_destroy(options);
    const auto fact = [&](int32_t key) {
      int64_t value = 0;
      CHECK(temper_model_get_i64(model.handle, key, &value, nullptr) == TEMPER_OK);
      return static_cast<int32_t>(value);
    };
    model.vocabulary = fact(TEMPER_MODEL_VOCABULARY);
    model.mask = fact(TEMPER_MODEL_MASK_TOKEN);
    model.shifted = fact(TEMPER_MODEL_SHIFTED) != 0;
    return model;
  }

  Memory memory;

 private:
  temper_runtime *runtime_ = nullptr;
  std::vector<temper::test::ModelChoice> choices_;
  std::vector<Model> models_;
};

World &world() {
  static World *const made = new World;
  return *made;
}

class Input {
 public:
  Input(const uint8_t *data, std::size_t size) : data_(data), size_(size) {}
  bool empty() const { return at_ == size_; }
  uint8_t byte() { return at_ < size_ ? data_[at_++] : uint8_t{'0'}; }
  // 0..count-1
  int32_t number(int64_t count) { return static_cast<int32_t>(uint8_t(byte() - '0') % count); }
  std::size_t index(std::size_t count) { return static_cast<std::size_t>(number(static_cast<int64_t>(count))); }
  // Mostly that, sometimes anything.
  int64_t loose(int64_t count) {
    const uint8_t b = byte();
    if (b < 0x80) return uint8_t(b - '0') % count;
    constexpr int64_t wild[] = {-1, -2, count_, 1000, 65536, 65537, 1 << 20, (1 << 20) + 1, int64_t{1} << 28,
                                int64_t{1} << 30, INT32_MAX, INT32_MIN, int64_t{1} << 40, INT64_MAX, INT64_MIN};
    const int64_t value = wild[b % std::size(wild)];
    return value == count_ ? count : value;
  }
  int32_t loose32(int64_t count) { return static_cast<int32_t>(loose(count)); }
  double real(double low, double high, double initial) {
    const double values[] = {low, high, initial, (low + high) / 2, 0, 1, 2, 0.5, 0.9, 3, -1, HUGE_VAL, NAN};
    return values[number(std::size(values))];
  }
  std::vector<uint8_t> bytes(std::size_t count) {
    count = std::min(count, size_ - at_);
    at_ += count;
    return {data_ + at_ - count, data_ + at_};
  }

 private:
  static constexpr int64_t count_ = INT64_MAX - 1;  // stands for the first value that is too large
  const uint8_t *data_;
  std::size_t size_, at_ = 0;
};

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

class Program {
 public:
  Program(const uint8_t *data, std::size_t size) : in_(data, size), model_(choose_model()) {}

  void run() {
    const std::size_t blocks = world().memory.blocks.size();
    make_parts();
    make(lives_[0]);
    for (int calls = 0; calls < 150 && steps_ > 0 && !in_.empty(); ++calls) call();
    world().memory.until_failure = -1;
    for (std::size_t i = 0; i < lives_.size(); ++i)
      temper_session_destroy(lives_[(i + current_) % lives_.size()].session);
    temper_hyperschedule_destroy(schedule_);
    temper_noise_destroy(noise_);
    temper_sampler_destroy(sampler_);
    CHECK(world().memory.blocks.size() == blocks);
  }

 private:
  static constexpr std::string_view kCalls = "sSpxdwagulvoifmbkrReyqcCznM";

  const Model &choose_model() { return world().model(in_.index(world().count())); }

  // Every call's status goes through here, with `error()` as its last argument.
  temper_error *error() {
    error_.status = 1;
    error_.message[0] = '\0';
    return &error_;
  }
  bool ok(temper_status status) {
    if (status < 0) {
      // TEMPER_E_INTERNAL would be a defect of the library.
      CHECK(status >= TEMPER_E_CAPACITY && error_.status == status && error_.message[0] != '\0');
      CHECK(std::memchr(error_.message, '\0', sizeof error_.message) != nullptr);
      return false;
    }
    CHECK(status <= TEMPER_LENGTH_LIMIT && error_.status == 1);
    return true;
  }

  static int32_t level(void *user, int64_t step, int64_t position) {
    const Program &program = *static_cast<const Program *>(user);
    return static_cast<int32_t>(
        std::clamp<int64_t>(program.levels_ + position * program.width_ / 2 - step, 0, program.levels_));
  }
  static void path(void *, double t, double *a, double *m) {
    *m = t * t;
    *a = (1 - *m) * (1 - t / 4);
  }

  void make_parts() {
    rows_ = 1 + in_.number(3);
    length_ = in_.number(41);
    const int32_t kind = in_.number(11);
    width_ = 1 + in_.number(12);
    levels_ = 1 + in_.number(12);
    if (kind < 8) {
      if (kind > 0) ok(temper_hyperschedule_create(kind - 1, width_, levels_, &schedule_, error()));
    } else if (kind == 8) {
      ok(temper_hyperschedule_create_callback(level, this, levels_, &schedule_, error()));
    } else {
      // Every position begins at a level of its own and falls at its own speed.
      const int64_t positions = 1 + in_.number(41), steps = 12;
      std::vector<int32_t> table;
      const std::vector<uint8_t> bends = in_.bytes(static_cast<std::size_t>(positions));
      for (int32_t step = 0; step <= steps; ++step)
        for (int64_t p = 0; p < positions; ++p) {
          const int32_t bend = static_cast<std::size_t>(p) < bends.size() ? bends[static_cast<std::size_t>(p)] : 0;
          const int32_t start = levels_ - (kind == 10 ? bend / 8 % levels_ : 0);
          table.push_back(step == steps ? 0 : std::max(0, start - std::max(0, step - bend % 8)));
        }
      ok(temper_hyperschedule_create_table(table.data(), steps, positions, levels_, &schedule_, error()));
    }
    // Paths and schedules of the caller's may leave masks where they end.
    masks_end_ = kind < 8;

    const int32_t path_kind = in_.number(8);
    if (path_kind == 6) {
      const double a[] = {1, 0.7, 0.4, 0.1}, m[] = {0, 0.1, 0.4, 0.8};
      ok(temper_noise_create_table(a, m, 3, &noise_, error()));
    } else if (path_kind == 7) {
      ok(temper_noise_create_callback(path, nullptr, &noise_, error()));
    } else if (path_kind > 0) {
      ok(temper_noise_create(path_kind - 1, &noise_, error()));
    }
    masks_end_ = masks_end_ && path_kind < 6;
    for (int32_t i = in_.number(3); i > 0 && noise_ != nullptr; --i) {
      const int32_t key = 1 + in_.number(9);
      double low = 0, high = 1, initial = 0;
      ok(temper_noise_bounds(path_kind - 1, key, &low, &high, &initial, error()));
      ok(temper_noise_set(noise_, key, in_.real(low, high, initial), error()));
    }

    const int32_t sampler = in_.number(15);
    if (!ok(temper_sampler_create(sampler, &sampler_, error()))) return;
    for (int32_t i = in_.number(6); i > 0; --i) {
      const int32_t key = 1 + in_.number(26);
      double low = 0, high = 1, initial = 0;
      ok(temper_sampler_bounds(sampler, key, &low, &high, &initial, error()));
      ok(temper_sampler_set(sampler_, key, in_.real(low, high, initial), error()));
    }
    double compat = 0;
    if (temper_sampler_get(sampler_, TEMPER_SAMPLER_COMPAT, &compat, nullptr) == TEMPER_OK && compat != 0)
      masks_end_ = false;
    for (int32_t i = in_.number(4); i > 0; --i) {
      const int32_t key = in_.number(9);
      double low = 0, high = 1, initial = 0;
      const int32_t token = in_.loose32(model_.vocabulary);
      const double bias = 2.5;
      if (key == 7) ok(temper_sampler_ban(sampler_, &token, 1, error()));
      else if (key == 8) ok(temper_sampler_bias(sampler_, &token, &bias, 1, error()));
      else if (ok(temper_sampler_shape_bounds(key, &low, &high, &initial, error())))
        ok(temper_sampler_shape(sampler_, key, in_.real(low, high, initial), error()));
    }
  }

  void make(Live &live) {
    live = Live();
    live.seed = in_.byte();
    int64_t bytes = 0;
    ok(temper_session_estimate(model_.handle, schedule_, rows_, length_, &bytes, error()));
    if (!ok(temper_session_create(model_.handle, schedule_, noise_, sampler_, rows_, length_, live.seed, &live.session,
                                  error())))
      CHECK(live.session == nullptr);
    live.rows.resize(static_cast<std::size_t>(rows_));
    if (length_ == 0 && live.session != nullptr)
      ok(temper_session_set_i64(live.session, TEMPER_SESSION_SLIDING_CONTEXT, 1 + in_.number(32), error()));
  }

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
    std::size_t count = 0;
    if (!ok(copy(live.session, row, buffer_.data(), buffer_.size(), &count, error())))
      CHECK(error_.status == TEMPER_E_CAPACITY && count > buffer_.size());
    CHECK(count <= std::size_t{1} << 16);
    count = std::min(count, buffer_.size());
    const std::vector<int32_t> tokens(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(count));
    for (const int32_t token : tokens) CHECK(token >= -1 && token < model_.vocabulary);
    return tokens;
  }

  // What has settled by now, and, unless the caller changed it, that it begins as before.
  void look(Live &live, bool changed = false) {
    for (int32_t r = 0; r < rows_; ++r) {
      Row &row = live.rows[static_cast<std::size_t>(r)];
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
          CHECK(tokens[static_cast<std::size_t>(p - first)] == row.settled[static_cast<std::size_t>(p - before)]);
      }
      if (info.finished != TEMPER_ROW_RUNNING && masks_end_ && model_.mask >= 0 && !live.foreign)
        for (int64_t p = std::max(first, row.prompt); p < end; ++p)
          CHECK(tokens[static_cast<std::size_t>(p - first)] != model_.mask);
      row.end = end;
      row.settled = std::move(tokens);
    }
  }

  temper_status step(Live &live) {
    --steps_;
    std::vector<temper_row_info> before;
    const bool first = live.fresh;
    for (int32_t r = 0; r < rows_; ++r) {
      Row &row = live.rows[static_cast<std::size_t>(r)];
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
      const temper_row_info now = row_info(live, r), &then = before[static_cast<std::size_t>(r)];
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
        CHECK(origin.rows[static_cast<std::size_t>(r)].settled == copy.rows[static_cast<std::size_t>(r)].settled);
        CHECK(copied(origin, r, temper_session_window) == copied(copy, r, temper_session_window));
      }
    }
    temper_session_destroy(copy.session);
  }

  bool save(const Live &live, std::vector<uint8_t> &bytes) {
    std::size_t size = 0;
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
      bytes.resize(std::min<std::size_t>(bytes.size(), in_.index(64) * 8));
      const std::vector<uint8_t> rest = in_.bytes(static_cast<std::size_t>(in_.byte()));
      bytes.insert(bytes.end(), rest.begin(), rest.end());
    }
    for (int32_t i = in_.number(6); i > 0 && !bytes.empty(); --i) {
      changed = true;
      const int32_t kind = in_.number(6);
      std::size_t at = in_.byte();
      at = (at + 256 * in_.index(64)) * (kind < 3 ? 4 : 1) % bytes.size();
      const int64_t value = in_.loose(64);
      const std::size_t most = std::min<std::size_t>(kind == 0 ? 8 : 4, bytes.size() - at);
      switch (kind) {
        case 0:
        case 1: std::memcpy(bytes.data() + at, &value, most); break;
        case 2: bytes[at] = static_cast<uint8_t>(bytes[at] + value); break;
        case 3: bytes[at] ^= static_cast<uint8_t>(value); break;
        case 4: bytes.resize(at); break;
        default:
          bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), 4 * static_cast<std::size_t>(value & 7), 0);
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
    Row &row = live.rows[static_cast<std::size_t>(r)];
    const auto capacity = in_.index(48);
    std::size_t count = 0;
    CHECK(ok(temper_session_read(live.session, r, buffer_.data(), capacity, &count, error())));
    CHECK(count <= capacity);
    if (live.foreign) return;
    const int64_t first = row.end - static_cast<int64_t>(row.settled.size());
    CHECK(count == 0 || (row.unread >= 0 && row.unread + static_cast<int64_t>(count) <= row.end));
    for (std::size_t i = 0; i < count; ++i, ++row.unread)
      if (row.unread >= first)
        CHECK(buffer_[i] == row.settled[static_cast<std::size_t>(row.unread - first)]);
  }

  void query(const Live &live) {
    int64_t value = 0;
    for (const int32_t key : {1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 100, 101, 102, 103, 104, 105, 106, 107, 108})
      CHECK(ok(temper_session_get_i64(live.session, key, &value, error())));
    ok(temper_session_get_i64(live.session, in_.loose32(200), &value, error()));
    const int32_t r = in_.number(rows_);
    const Row &row = live.rows[static_cast<std::size_t>(r)];
    copied(live, r, temper_session_window);
    std::array<temper_token_record, 48> records;
    const auto first = in_.loose(48);
    const auto count = in_.index(48);
    if (!ok(temper_session_provenance(live.session, r, first, records.data(), count, error()))) return;
    const int64_t begin = row.end - static_cast<int64_t>(row.settled.size());
    for (std::size_t i = 0; i < count; ++i) {
      const int64_t p = first + static_cast<int64_t>(i);
      CHECK(records[i].token >= -1 && records[i].token < model_.vocabulary);
      if (p >= begin && p < row.end) CHECK(records[i].token == row.settled[static_cast<std::size_t>(p - begin)]);
    }
  }

  std::vector<int32_t> tokens(std::size_t count) {
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
        live.rows[static_cast<std::size_t>(r)].prompt = static_cast<int64_t>(count);
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
    const bool known = kCalls.find(static_cast<char>(letter)) != std::string_view::npos;
    const char what = known ? static_cast<char>(letter) : kCalls[letter % kCalls.size()];
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
        // Where memory ran out either may be in force.
        live.value = function != nullptr || (live.value && !taken);
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

  Input in_;
  const Model &model_;
  temper_hyperschedule *schedule_ = nullptr;
  temper_noise *noise_ = nullptr;
  temper_sampler *sampler_ = nullptr;
  int32_t rows_ = 1, levels_ = 1;
  int64_t length_ = 1, width_ = 1;
  bool masks_end_ = true;  // a row that has ended holds no mask
  int steps_ = 60;         // left
  std::array<Live, 3> lives_;
  std::array<Hook, 6> hooks_;
  std::size_t current_ = 0;
  Live kept_;  // what was known when it was saved; its session is only compared with NULL
  std::vector<uint8_t> kept_bytes_;
  temper_error error_{};
  std::array<int32_t, 2048> buffer_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, std::size_t size) {
  Program(data, size).run();
  return 0;
}
