// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/unicode.h"

#include "tokenizer/utf8.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <unordered_map>
#include <vector>

namespace temper {
namespace {

struct Decomposition {
  char32_t code, first, second;
};
struct CombiningRange {
  char32_t first, last;
  uint8_t combining;
};
struct LowerRange {
  char32_t first, last;
  uint8_t step;
  int32_t delta;
};

#include "tokenizer/unicode_tables.inc"

// Hangul syllables are the product of 19 leading, 21 vowel and 28 trailing letters.
constexpr char32_t syllable_base = 0xAC00, leading_base = 0x1100, vowel_base = 0x1161, trailing_base = 0x11A7;
constexpr char32_t leading_count = 19, vowel_count = 21, trailing_count = 28;
constexpr char32_t syllable_count = leading_count * vowel_count * trailing_count;

// The range that holds `code`, in a table sorted by `first`.
template <typename Range, size_t size>
const Range *range_of(const Range (&table)[size], char32_t code) {
  const Range *after = std::upper_bound(std::begin(table), std::end(table), code,
                                        [](char32_t value, const Range &range) { return value < range.first; });
  if (after == std::begin(table)) return nullptr;
  const Range *range = after - 1;
  return code <= range->last ? range : nullptr;
}

uint8_t combining_class(char32_t code) {
  if (code < 0x300) return 0;
  const CombiningRange *range = range_of(combining_ranges, code);
  return range == nullptr ? uint8_t{0} : range->combining;
}

const std::unordered_map<uint64_t, char32_t> &compositions() {
  static const std::unordered_map<uint64_t, char32_t> map = [] {
    std::unordered_map<uint64_t, char32_t> pairs;
    for (const Decomposition &entry : decompositions) {
      const bool excluded = std::binary_search(std::begin(composition_exclusions),
                                               std::end(composition_exclusions), entry.code);
      if (entry.second != 0 && !excluded)
        pairs.emplace((static_cast<uint64_t>(entry.first) << 32) | entry.second, entry.code);
    }
    return pairs;
  }();
  return map;
}

// 0 when the two don't compose.
char32_t compose(char32_t first, char32_t second) {
  if (first - leading_base < leading_count && second - vowel_base < vowel_count)
    return syllable_base + ((first - leading_base) * vowel_count + (second - vowel_base)) * trailing_count;
  if (first - syllable_base < syllable_count && (first - syllable_base) % trailing_count == 0 &&
      second > trailing_base && second - trailing_base < trailing_count)
    return first + (second - trailing_base);
  const auto place = compositions().find((static_cast<uint64_t>(first) << 32) | second);
  return place == compositions().end() ? 0 : place->second;
}

void decompose(char32_t code, std::vector<char32_t> &out) {
  if (code < 0xC0) {
    out.push_back(code);
    return;
  }
  if (code - syllable_base < syllable_count) {
    const char32_t index = code - syllable_base;
    out.push_back(leading_base + index / (vowel_count * trailing_count));
    out.push_back(vowel_base + index % (vowel_count * trailing_count) / trailing_count);
    if (index % trailing_count != 0) out.push_back(trailing_base + index % trailing_count);
    return;
  }
  const Decomposition *entry =
      std::lower_bound(std::begin(decompositions), std::end(decompositions), code,
                       [](const Decomposition &item, char32_t value) { return item.code < value; });
  if (entry == std::end(decompositions) || entry->code != code) {
    out.push_back(code);
    return;
  }
  decompose(entry->first, out);  // at most four levels, by the tables
  if (entry->second != 0) decompose(entry->second, out);
}

// Marks after a starter go in the order of their classes.
void order_marks(std::vector<char32_t> &codes) {
  for (size_t at = 0; at < codes.size();) {
    if (combining_class(codes[at]) == 0) {
      ++at;
      continue;
    }
    size_t end = at + 1;
    while (end < codes.size() && combining_class(codes[end]) != 0) ++end;
    std::stable_sort(codes.begin() + static_cast<std::ptrdiff_t>(at),
                     codes.begin() + static_cast<std::ptrdiff_t>(end),
                     [](char32_t a, char32_t b) { return combining_class(a) < combining_class(b); });
    at = end;
  }
}

void compose_all(std::vector<char32_t> &codes) {
  size_t kept = 0;
  size_t starter = codes.size();  // index of the last starter, or none
  uint8_t last_class = 0;              // of the last kept mark after it
  for (size_t at = 0; at < codes.size(); ++at) {
    const char32_t code = codes[at];
    const uint8_t mark = combining_class(code);
    const bool adjacent = starter < codes.size() && kept == starter + 1;
    // A mark is blocked by one of the same or a higher class in between.
    if (starter < codes.size() && (adjacent || (mark != 0 && last_class < mark))) {
      if (const char32_t joined = compose(codes[starter], code); joined != 0) {
        codes[starter] = joined;
        continue;
      }
    }
    if (mark == 0) starter = kept;
    last_class = mark;
    codes[kept++] = code;
  }
  codes.resize(kept);
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string normalize(std::string_view text, bool composed) {
  if (is_ascii(text)) return std::string(text);
  std::string result;
  result.reserve(text.size());
  std::vector<char32_t> codes;
  for (size_t at = 0; at < text.size();) {
    codes.clear();
    while (at < text.size()) {
      const Utf8Char next = next_utf8(text, at);
      if (!next.whole()) break;
      decompose(next.code, codes);
      at += next.size;
    }
    order_marks(codes);
    if (composed) compose_all(codes);
    for (const char32_t code : codes) append_utf8(result, code);
    if (at < text.size()) result.push_back(text[at++]);
  }
  return result;
}

char32_t lower(char32_t code) {
  const LowerRange *range = range_of(lower_ranges, code);
  if (range == nullptr || (code - range->first) % range->step != 0) return code;
  return static_cast<char32_t>(static_cast<int32_t>(code) + range->delta);
}

}  // namespace

std::string to_nfd(std::string_view text) { return normalize(text, false); }

std::string to_nfc(std::string_view text) { return normalize(text, true); }

std::string to_lower(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Utf8Char next = next_utf8(text, at);
    if (!next.whole()) {
      result.append(text.substr(at, next.size));
    } else if (next.code == 0x130) {  // the one lower case of two characters: i and a dot above
      result.append("i\xCC\x87");
    } else {
      append_utf8(result, lower(next.code));
    }
    at += next.size;
  }
  return result;
}

}  // namespace temper
