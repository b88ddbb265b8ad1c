// SPDX-License-Identifier: Apache-2.0
#include "session/options.h"

#include <temper/session.h>

namespace temper {
namespace {

using Options = SessionOptions;

template <auto Member>
void set(Options &options, int64_t value) {
  using Type = std::remove_reference_t<decltype(options.*Member)>;
  options.*Member = static_cast<Type>(value);
}
template <auto Member>
int64_t get(const Options &options) {
  return static_cast<int64_t>(options.*Member);
}
template <auto Member>
constexpr OptionKey plain(int32_t key, int64_t low, int64_t high) {
  return {.key = key, .low = low, .high = high, .set = set<Member>, .get = get<Member>};
}

// Every call adds one; -1 is none.
void add_end_token(Options &options, int64_t value) {
  if (value >= 0) options.end_tokens.push_back(static_cast<int32_t>(value));
}

constexpr OptionKey keys[] = {
    plain<&Options::cache>(TEMPER_SESSION_CACHE, 0, 1),
    plain<&Options::look_back>(TEMPER_SESSION_SLIDING_CONTEXT, 0, int64_t{1} << 28),
    plain<&Options::ignore_end>(TEMPER_SESSION_IGNORE_END, 0, 1),
    plain<&Options::skip_idle>(TEMPER_SESSION_SKIP_IDLE, 0, 1),
    plain<&Options::prefill_rows>(TEMPER_SESSION_PREFILL_ROWS, 1, 65536),
    {.key = TEMPER_SESSION_END_TOKEN, .low = -1, .high = INT32_MAX, .set = add_end_token, .get = nullptr},
    plain<&Options::canvas>(TEMPER_SESSION_CANVAS, -1, 1),
    plain<&Options::approximation>(TEMPER_SESSION_APPROXIMATE, 0, TEMPER_APPROXIMATE_DUAL),
    plain<&Options::refresh>(TEMPER_SESSION_REFRESH, 0, 1 << 20),
    plain<&Options::measure>(TEMPER_SESSION_MEASURE, 0, 1),
    plain<&Options::look_ahead>(TEMPER_SESSION_LOOK_AHEAD, -1, int64_t{1} << 30),
    plain<&Options::align>(TEMPER_SESSION_ALIGN, -1, 1),
};

}  // namespace

const OptionKey *find_option(int32_t key) noexcept {
  for (const OptionKey &entry : keys)
    if (entry.key == key) return &entry;
  return nullptr;
}

Result<SessionOptions> with_option(const SessionOptions &options, int32_t key, int64_t value) {
  const OptionKey *entry = find_option(key);
  if (entry == nullptr) return fail(TEMPER_E_ARGUMENT, "unknown session option %d", key);
  if (value < entry->low || value > entry->high)
    return fail(TEMPER_E_ARGUMENT, "option %d must be %lld to %lld, not %lld", key, static_cast<long long>(entry->low),
                static_cast<long long>(entry->high), static_cast<long long>(value));
  SessionOptions changed = options;
  entry->set(changed, value);
  return changed;
}

}  // namespace temper
