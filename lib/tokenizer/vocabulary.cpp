// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/vocabulary.h"

namespace temper {
namespace {

// Entries are kept by id. No published vocabulary has a million tokens; the bound keeps a single
// absurd id from allocating gigabytes.
constexpr int64_t most_tokens = int64_t{1} << 21;
constexpr size_t longest_token = size_t{1} << 14;

}  // namespace

Status Vocabulary::add(std::string_view text, int64_t id) {
  const std::string name(text.substr(0, 80));
  if (id < 0 || id >= most_tokens)
    return fail(TEMPER_E_FORMAT, "tokenizer: token \"%s\" has id %lld, outside 0..%lld", name.c_str(),
                static_cast<long long>(id), static_cast<long long>(most_tokens - 1));
  if (text.size() > longest_token)
    return fail(TEMPER_E_FORMAT, "tokenizer: token %lld has %zu bytes, more than %zu",
                static_cast<long long>(id), text.size(), longest_token);
  const int32_t known = find(text);
  if (known == id) return Status();
  if (known >= 0)
    return fail(TEMPER_E_FORMAT, "tokenizer: token \"%s\" has two ids, %d and %d", name.c_str(), known,
                static_cast<int>(id));
  const size_t index = static_cast<size_t>(id);
  if (index >= entries_.size()) entries_.resize(index + 1);
  Entry &entry = entries_[index];
  if (entry.used)
    return fail(TEMPER_E_FORMAT, "tokenizer: id %d belongs to \"%.80s\" and to \"%s\"",
                static_cast<int>(id), entry.text.c_str(), name.c_str());
  entry.text = text;
  entry.used = true;
  ids_.emplace(text, static_cast<int32_t>(id));
  return Status();
}

int32_t Vocabulary::find(std::string_view text) const noexcept {
  const auto place = ids_.find(text);
  return place == ids_.end() ? -1 : place->second;
}

const Vocabulary::Entry *Vocabulary::entry(int64_t id) const noexcept {
  if (id < 0 || id >= size()) return nullptr;
  const Entry &entry = entries_[static_cast<size_t>(id)];
  return entry.used ? &entry : nullptr;
}

Vocabulary::Entry *Vocabulary::entry(int64_t id) noexcept {
  return const_cast<Entry *>(static_cast<const Vocabulary *>(this)->entry(id));
}

}  // namespace temper
