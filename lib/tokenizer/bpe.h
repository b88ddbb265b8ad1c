// SPDX-License-Identifier: Apache-2.0
// Byte-pair encoding of one piece of text: begin with single symbols, then join the neighbours whose
// merge has the lowest rank, leftmost first, until no merge applies.
#pragma once

#include "base/status.h"
#include "tokenizer/vocabulary.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace temper {

// (left, right) -> (rank, joined token): open addressing, as this is the inner loop of encoding.
class MergeTable {
 public:
  struct Merge {
    int32_t rank = -1;
    int32_t token = -1;
  };

  void reserve(size_t count);
  void set(int32_t left, int32_t right, Merge merge);  // the last one set for a pair holds
  // rank < 0 when the pair doesn't merge.
  Merge find(int32_t left, int32_t right) const noexcept;

 private:
  struct Slot {
    uint64_t key = ~uint64_t{0};
    Merge merge;
  };
  size_t place(uint64_t key) const noexcept;

  std::vector<Slot> slots_;  // a power of two, at most half full
  size_t used_ = 0;
};

// What a merge consists of, as the files name it.
using MergePair = std::pair<std::string_view, std::string_view>;

class Bpe {
 public:
  struct Options {
    bool byte_level = false;     // symbols are bytes, not characters
    bool byte_fallback = false;  // a character without a token becomes its bytes' <0xXX> tokens
    bool fuse_unknown = false;   // neighbouring unknown characters become one token
    bool ignore_merges = false;  // a piece that is a token is taken whole
    int32_t unknown = -1;        // token of unknown characters, or -1
  };

  // Memory that calls share, so that encoding many pieces doesn't allocate for each.
  struct Scratch {
    // Of the piece: a token, and where its neighbours stand (merge_long only; -1: none).
    struct Symbol {
      int32_t token;
      int32_t previous;
      int32_t next;
    };
    struct Candidate {
      int32_t rank;
      int32_t left;
      int32_t left_token;
      int32_t right_token;
      int32_t joined;
    };
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
  };

  // TEMPER_E_FORMAT when a merge names a token, or makes one, that the vocabulary doesn't have.
  static Result<Bpe> create(const Vocabulary &vocabulary, const std::vector<MergePair> &merges,
                            const Options &options);

  // Appends the piece's tokens. TEMPER_E_UNSUPPORTED when the vocabulary can't express it.
  Status encode(const Vocabulary &vocabulary, std::string_view piece, Scratch &scratch,
                std::vector<int32_t> &tokens) const;

  const Options &options() const noexcept { return options_; }

 private:
  Status split(const Vocabulary &vocabulary, std::string_view piece, Scratch &scratch) const;
  void merge_short(Scratch &scratch) const;
  void merge_long(Scratch &scratch) const;

  Options options_;
  MergeTable merges_;
  TokenMap whole_;                        // with ignore_merges: pieces as they come, to tokens
  std::array<int32_t, 256> byte_token_{};  // byte level: the byte; else its <0xXX> token; or -1
};

}  // namespace temper
