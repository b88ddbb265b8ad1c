// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/added_tokens.h"

#include "tokenizer/utf8.h"

namespace temper {
namespace {

// A search costs at most this much at each place of a text.
constexpr size_t longest_token = 1024;
constexpr size_t most_tokens = size_t{1} << 17;

uint64_t edge(uint32_t node, char byte) {
  return (static_cast<uint64_t>(node) << 8) | static_cast<unsigned char>(byte);
}

}  // namespace

Status AddedTokens::add(const AddedToken &token, const Normalizer &normalizer) {
  std::string text = token.content;
  if (token.normalized) TEMPER_TRY(normalizer.apply(text));
  if (text.empty() || text.size() > longest_token)
    return fail(TEMPER_E_FORMAT, "tokenizer: added token %lld has %zu bytes, not 1 to %zu",
                static_cast<long long>(token.id), text.size(), longest_token);
  if (tokens_.size() >= most_tokens) return Status(TEMPER_E_FORMAT, "tokenizer: too many added tokens");
  if (token.single_word && !word_) {
    TEMPER_ASSIGN(word_, Pattern::compile("[\\p{L}\\p{M}\\p{N}\\p{Pc}]"));
  }
  Trie &trie = tries_[token.normalized ? 1 : 0];
  trie.starts[static_cast<unsigned char>(text[0])] = true;
  uint32_t node = 0;
  for (const char byte : text) {
    const auto [place, is_new] =
        trie.edges.try_emplace(edge(node, byte), static_cast<uint32_t>(trie.token.size()));
    if (is_new) trie.token.push_back(-1);
    node = place->second;
  }
  trie.token[node] = static_cast<int32_t>(tokens_.size());
  tokens_.push_back(token);
  return Status();
}

Result<bool> AddedTokens::fits(const AddedToken &token, std::string_view text, size_t begin,
                               size_t end) const {
  if (!token.single_word) return true;
  std::vector<Span> spans;
  if (begin > 0) {
    const size_t size = last_utf8(text.substr(0, begin)).size;
    TEMPER_TRY(word_->find(text.substr(begin - size, size), spans));
    if (spans[0].matched) return false;
  }
  if (end < text.size()) {
    TEMPER_TRY(word_->find(text.substr(end, next_utf8(text, end).size), spans));
    if (spans[0].matched) return false;
  }
  return true;
}

Status AddedTokens::find(std::string_view text, Pass pass, bool special, std::vector<Segment> &segments) const {
  segments.clear();
  const Trie &trie = tries_[pass == Pass::normalized ? 1 : 0];
  size_t done = 0;
  for (size_t at = 0; at < text.size();) {
    if (!trie.starts[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    const AddedToken *found = nullptr;
    size_t end = at;
    uint32_t node = 0;
    for (size_t i = at; i < text.size(); ++i) {
      const auto place = trie.edges.find(edge(node, text[i]));
      if (place == trie.edges.end()) break;
      node = place->second;
      if (trie.token[node] < 0) continue;
      const AddedToken &token = tokens_[static_cast<size_t>(trie.token[node])];
      if (token.special && !special) continue;
      TEMPER_ASSIGN(const bool good, fits(token, text, at, i + 1));
      if (!good) continue;
      found = &token;
      end = i + 1;
    }
    if (found == nullptr) {
      ++at;
      continue;
    }
    size_t begin = at;
    while (found->strip_left && begin > done) {
      const Utf8Char space = last_utf8(text.substr(done, begin - done));
      if (!space.whole() || !is_space(space.code)) break;
      begin -= space.size;
    }
    while (found->strip_right && end < text.size()) {
      const Utf8Char space = next_utf8(text, end);
      if (!space.whole() || !is_space(space.code)) break;
      end += space.size;
    }
    if (begin > done) segments.push_back({text.substr(done, begin - done), -1});
    segments.push_back({{}, static_cast<int32_t>(found->id)});
    done = at = end;
  }
  if (done < text.size()) segments.push_back({text.substr(done), -1});
  return Status();
}

}  // namespace temper
