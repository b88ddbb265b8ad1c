// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/bpe.h"

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/utf8.h"

#include <algorithm>
#include <cstdio>

namespace temper {
namespace {

// Up to this many symbols a scan per merge is faster than a heap.
constexpr size_t short_piece = 24;

uint64_t pair_key(int32_t left, int32_t right) noexcept {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
}

}  // namespace

void MergeTable::reserve(size_t count) {
  size_t size = 16;
  while (size < count * 2) size *= 2;
  if (size <= slots_.size()) return;
  std::vector<Slot> old(size);
  old.swap(slots_);
  for (const Slot &slot : old)
    if (slot.merge.rank >= 0) slots_[place(slot.key)] = slot;
}

size_t MergeTable::place(uint64_t key) const noexcept {
  uint64_t hash = key * 0x9E3779B97F4A7C15U;
  hash ^= hash >> 32;
  size_t index = static_cast<size_t>(hash) & (slots_.size() - 1);
  while (slots_[index].merge.rank >= 0 && slots_[index].key != key)
    index = (index + 1) & (slots_.size() - 1);
  return index;
}

void MergeTable::set(int32_t left, int32_t right, Merge merge) {
  reserve(used_ + 1);
  Slot &slot = slots_[place(pair_key(left, right))];
  if (slot.merge.rank < 0) ++used_;
  slot = {pair_key(left, right), merge};
}

MergeTable::Merge MergeTable::find(int32_t left, int32_t right) const noexcept {
  if (slots_.empty()) return {};
  return slots_[place(pair_key(left, right))].merge;
}

Result<Bpe> Bpe::create(const Vocabulary &vocabulary, const std::vector<MergePair> &merges,
                        const Options &options) {
  Bpe bpe;
  bpe.options_ = options;
  bpe.merges_.reserve(merges.size());
  int32_t rank = 0;
  std::string joined;
  for (const auto &[left, right] : merges) {
    joined.assign(left).append(right);
    const int32_t a = vocabulary.find(left);
    const int32_t b = vocabulary.find(right);
    const int32_t c = vocabulary.find(joined);
    if (a < 0 || b < 0 || c < 0)
      return fail(TEMPER_E_FORMAT, "tokenizer: merge %d (\"%.60s\" + \"%.60s\") needs tokens that aren't "
                  "in the vocabulary", rank, std::string(left).c_str(), std::string(right).c_str());
    bpe.merges_.set(a, b, {rank++, c});
  }
  std::string text;
  for (unsigned byte = 0; byte < 256; ++byte) {
    text.clear();
    if (options.byte_level) {
      append_utf8(text, symbol_of_byte(static_cast<unsigned char>(byte)));
    } else {
      char name[8];
      std::snprintf(name, sizeof name, "<0x%02X>", byte);
      text = name;
    }
    bpe.byte_token_[byte] = vocabulary.find(text);
  }
  if (options.ignore_merges) {
    for (int32_t id = 0; id < vocabulary.size(); ++id) {
      const Vocabulary::Entry *entry = vocabulary.entry(id);
      // Special tokens stay out: text must not become one by spelling it.
      if (entry == nullptr || entry->special) continue;
      if (!options.byte_level)
        bpe.whole_.emplace(entry->text, id);
      else if (bytes_of_spelling(entry->text, text))
        bpe.whole_.emplace(text, id);
    }
  }
  return bpe;
}

Status Bpe::split(const Vocabulary &vocabulary, std::string_view piece, Scratch &scratch) const {
  std::vector<Scratch::Symbol> &symbols = scratch.symbols;
  symbols.clear();
  const auto put = [&](int32_t token) { symbols.push_back({token, 0, 0}); };
  for (size_t at = 0; at < piece.size();) {
    size_t size = 1;
    if (!options_.byte_level) {
      const Utf8Char next = next_utf8(piece, at);
      size = next.size;
      const int32_t token = next.whole() ? vocabulary.find(piece.substr(at, size)) : -1;
      if (token >= 0) {
        put(token);
        at += size;
        continue;
      }
    }
    const std::string_view bytes = piece.substr(at, size);
    const auto token_of = [&](char byte) { return byte_token_[static_cast<unsigned char>(byte)]; };
    const bool as_bytes = options_.byte_level || options_.byte_fallback;
    if (as_bytes && std::all_of(bytes.begin(), bytes.end(), [&](char b) { return token_of(b) >= 0; })) {
      for (const char byte : bytes) put(token_of(byte));
    } else if (options_.unknown >= 0) {
      const bool fuse = options_.fuse_unknown && !symbols.empty() && symbols.back().token == options_.unknown;
      if (!fuse) put(options_.unknown);
    } else {
      return fail(TEMPER_E_UNSUPPORTED, "the vocabulary has no token for byte 0x%02X of the text",
                  static_cast<unsigned>(static_cast<unsigned char>(piece[at])));
    }
    at += size;
  }
  return Status();
}

void Bpe::merge_short(Scratch &scratch) const {
  struct Place {
    int32_t token;
    MergeTable::Merge merge;  // with the place after it; rank < 0: none
  };
  std::array<Place, short_piece> places;
  size_t count = 0;
  for (const Scratch::Symbol &symbol : scratch.symbols) places[count++].token = symbol.token;
  const auto look = [&](size_t i) {
    places[i].merge = i + 1 < count ? merges_.find(places[i].token, places[i + 1].token) : MergeTable::Merge();
  };
  for (size_t i = 0; i < count; ++i) look(i);
  for (;;) {
    size_t best = count;
    for (size_t i = 0; i < count; ++i)
      if (places[i].merge.rank >= 0 && (best == count || places[i].merge.rank < places[best].merge.rank)) best = i;
    if (best == count) break;
    places[best].token = places[best].merge.token;
    std::copy(&places[best] + 2, &places[0] + count, &places[best] + 1);
    --count;
    look(best);
    if (best > 0) look(best - 1);
  }
  scratch.symbols.resize(count);
  for (size_t i = 0; i < count; ++i) scratch.symbols[i].token = places[i].token;
}

// A heap of candidate merges over a linked list: O(n log n) however long the piece is.
void Bpe::merge_long(Scratch &scratch) const {
  std::vector<Scratch::Symbol> &symbols = scratch.symbols;
  std::vector<Scratch::Candidate> &heap = scratch.heap;
  heap.clear();
  const auto later = [](const Scratch::Candidate &a, const Scratch::Candidate &b) {
    return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
  };
  const int32_t count = static_cast<int32_t>(symbols.size());
  const auto offer = [&](int32_t left) {
    const Scratch::Symbol &a = symbols[static_cast<size_t>(left)];
    if (a.next < 0) return;
    const int32_t right_token = symbols[static_cast<size_t>(a.next)].token;
    const MergeTable::Merge merge = merges_.find(a.token, right_token);
    if (merge.rank < 0) return;
    heap.push_back({merge.rank, left, a.token, right_token, merge.token});
    std::push_heap(heap.begin(), heap.end(), later);
  };
  for (int32_t i = 0; i < count; ++i) {
    symbols[static_cast<size_t>(i)].previous = i - 1;
    symbols[static_cast<size_t>(i)].next = i + 1 < count ? i + 1 : -1;
  }
  for (int32_t i = 0; i < count; ++i) offer(i);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), later);
    const Scratch::Candidate candidate = heap.back();
    heap.pop_back();
    // Either side may have been merged away since: then this candidate is stale.
    Scratch::Symbol &left = symbols[static_cast<size_t>(candidate.left)];
    if (left.token != candidate.left_token || left.next < 0) continue;
    Scratch::Symbol &right = symbols[static_cast<size_t>(left.next)];
    if (right.token != candidate.right_token) continue;
    left.token = candidate.joined;
    right.token = -1;
    left.next = right.next;
    if (left.next >= 0) symbols[static_cast<size_t>(left.next)].previous = candidate.left;
    offer(candidate.left);
    if (left.previous >= 0) offer(left.previous);
  }
  symbols.erase(std::remove_if(symbols.begin(), symbols.end(),
                               [](const Scratch::Symbol &symbol) { return symbol.token < 0; }),
                symbols.end());
}

Status Bpe::encode(const Vocabulary &vocabulary, std::string_view piece, Scratch &scratch,
                   std::vector<int32_t> &tokens) const {
  if (piece.empty()) return Status();
  if (options_.ignore_merges) {
    if (const auto place = whole_.find(piece); place != whole_.end()) {
      tokens.push_back(place->second);
      return Status();
    }
  }
  TEMPER_TRY(split(vocabulary, piece, scratch));
  if (scratch.symbols.size() <= short_piece)
    merge_short(scratch);
  else
    merge_long(scratch);
  for (const Scratch::Symbol &symbol : scratch.symbols) tokens.push_back(symbol.token);
  return Status();
}

}  // namespace temper
