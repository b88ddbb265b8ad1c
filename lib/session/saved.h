// SPDX-License-Identifier: Apache-2.0
// A session's state without its caches, and its form as bytes (saved.cpp). The bytes are for this machine and
// this version of the library. Decoding trusts none of their sizes; what their numbers say is checked by the session
// that adopts them (snapshot.cpp).
#pragma once

#include "session/session.h"

#include <cstddef>
#include <span>
#include <vector>

namespace temper {

// What two sessions must have in common to go on with each other's state.
struct Fingerprint {
  int64_t rows = 0, length = 0, vocabulary = 0, columns = 0;
  int64_t schedule = 0, width = 0, levels = 0, path = 0, sampler = 0;
  uint64_t numbers = 0;  // a digest of a table's levels and of clocks, which kinds alone don't tell apart
  bool operator==(const Fingerprint &) const = default;
};

struct SavedSession {
  Fingerprint fingerprint;
  SessionCounts counts;
  std::vector<SequenceState> sequences;
};

std::vector<std::byte> encode(const SavedSession &session);
Result<SavedSession> decode(std::span<const std::byte> bytes);

}  // namespace temper
