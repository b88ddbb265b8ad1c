// SPDX-License-Identifier: Apache-2.0
#include "session/saved.h"

#include <cstring>
#include <type_traits>

namespace temper {
namespace {

// "TMPRSES3", and the sizes of all that is written as it lies in memory.
struct Preamble {
  uint64_t magic = 0x3353455352504d54;
  uint32_t fingerprint = sizeof(Fingerprint), counts = sizeof(SessionCounts), standing = sizeof(Standing),
           window = sizeof(WindowMemory), allowed = sizeof(AllowedTokens), record = sizeof(TokenRecord),
           memory = sizeof(PositionMemory), reserved = 0;  // even, so that there are no bytes between
};

class Writer {
 public:
  explicit Writer(std::vector<std::byte> &out) : out_(out) {}
  template <typename T>
  void put(const T &value) {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto *bytes = reinterpret_cast<const std::byte *>(&value);
    out_.insert(out_.end(), bytes, bytes + sizeof value);
  }
  template <typename T>
  void put(const std::vector<T> &values) {
    put(static_cast<uint64_t>(values.size()));
    for (const T &value : values) put(value);
  }

 private:
  std::vector<std::byte> &out_;
};

class Reader {
 public:
  explicit Reader(std::span<const std::byte> in) : in_(in) {}
  template <typename T>
  bool get(T &value) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (in_.size() < sizeof value) return false;
    std::memcpy(static_cast<void *>(&value), in_.data(), sizeof value);
    in_ = in_.subspan(sizeof value);
    return true;
  }
  template <typename T>
  bool get(std::vector<T> &values) {
    uint64_t count = 0;
    if (!get(count) || count > in_.size() / sizeof(T)) return false;
    values.resize(static_cast<size_t>(count));
    if (count > 0) std::memcpy(static_cast<void *>(values.data()), in_.data(), values.size() * sizeof(T));
    in_ = in_.subspan(values.size() * sizeof(T));
    return true;
  }
  bool at_end() const { return in_.empty(); }

 private:
  std::span<const std::byte> in_;
};

}  // namespace

std::vector<std::byte> encode(const SavedSession &session) {
  std::vector<std::byte> out;
  Writer writer(out);
  writer.put(Preamble());
  writer.put(session.fingerprint);
  writer.put(session.counts);
  for (const SequenceState &sequence : session.sequences)
    each_part(sequence, [&](const auto &part) {
      writer.put(part);
      return true;
    });
  return out;
}

Result<SavedSession> decode(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  const Preamble mine;
  Preamble preamble;
  SavedSession session;
  if (!reader.get(preamble) || std::memcmp(&preamble, &mine, sizeof mine) != 0)
    return Status(TEMPER_E_FORMAT, "these bytes aren't a session saved by this library on this kind of machine");
  const Status cut_off(TEMPER_E_FORMAT, "a saved session ends early");
  if (!reader.get(session.fingerprint) || !reader.get(session.counts)) return cut_off;
  if (session.fingerprint.rows < 1 || session.fingerprint.rows > most_rows)
    return Status(TEMPER_E_FORMAT, "a saved session has an impossible number of rows");
  session.sequences.resize(static_cast<size_t>(session.fingerprint.rows));
  for (SequenceState &sequence : session.sequences)
    if (!each_part(sequence, [&](auto &part) { return reader.get(part); })) return cut_off;
  if (!reader.at_end()) return Status(TEMPER_E_FORMAT, "a saved session goes on after its end");
  return session;
}

}  // namespace temper
