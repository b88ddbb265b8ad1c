// SPDX-License-Identifier: Apache-2.0
// Going on from a state: of bytes that were saved, or of another session (a fork). Caches aren't part of a state: they
// are computed again, or, for a fork, shared.
#pragma once

#include "session/saved.h"
#include "session/session.h"

namespace temper {

class Snapshot {
 public:
  // A second session that goes on from here with another seed and an engine of its own; what is frozen is shared, not
  // computed. The hooks stay behind: they may not be made for two threads.
  static Result<std::unique_ptr<Session>> fork(const Session &session, uint64_t seed);
  // The state without caches, for another session of the same parts and options.
  static Result<std::vector<std::byte>> save(const Session &session);
  static Status restore(Session &session, std::span<const std::byte> bytes);

 private:
  friend class Session;
  static Result<Cache> forked_cache(const Session &session, const SessionPlan &plan);
  static SavedSession capture(const Session &session);
  static Status adopt(Session &session, SavedSession saved);
};

}  // namespace temper
