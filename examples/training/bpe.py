# SPDX-License-Identifier: Apache-2.0
"""Byte-level BPE in plain Python: training, encoding, decoding, tokenizer.json.

The text is cut into words by GPT-2's pattern, each word is written with one
printable character per byte, and merges never cross a word. Ids: the 256
byte characters, then the merges in order, then <|endoftext|> as the last
real token. The mask of the model is one above that and not a token of the
tokenizer.
"""
import collections
import json
import re

END = "<|endoftext|>"

# GPT-2's pattern needs \p{L} and \p{N}. With the standard `re`, [^\W\d_] is
# every letter (and the rare number signs that are not decimal digits).
WORDS = re.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+"
)


def byte_alphabet():
    """Byte value -> printable character, in GPT-2's order of ids."""
    plain = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table = {b: chr(b) for b in plain}
    extra = 0
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + extra)
            extra += 1
    return table


def join_pair(symbols, pair, joined):
    """Replaces each occurrence of the pair, left to right."""
    out = []
    i = 0
    while i < len(symbols):
        if i + 1 < len(symbols) and (symbols[i], symbols[i + 1]) == pair:
            out.append(joined)
            i += 2
        else:
            out.append(symbols[i])
            i += 1
    return out


def train(texts, size):
    """Learns merges until there are `size` tokens (with <|endoftext|>)."""
    table = byte_alphabet()
    counts = collections.Counter()
    for text in texts:
        counts.update(WORDS.findall(text))
    words = []
    freqs = []
    for word, count in sorted(counts.items()):
        words.append([table[b] for b in word.encode("utf-8")])
        freqs.append(count)
    # Pair counts are kept up to date: after a merge only the words that
    # held the pair are counted again.
    pairs = collections.Counter()
    where = collections.defaultdict(set)
    for n, symbols in enumerate(words):
        for pair in zip(symbols, symbols[1:]):
            pairs[pair] += freqs[n]
            where[pair].add(n)
    plain = sorted(table.values(), key=lambda c: (ord(c) >= 256, ord(c)))
    vocab = {c: i for i, c in enumerate(plain)}
    merges = []
    while len(vocab) < size - 1:
        best = max(pairs.items(), key=lambda item: (item[1], item[0]), default=None)
        if best is None or best[1] < 2:
            break
        pair = best[0]
        joined = pair[0] + pair[1]
        merges.append(pair)
        if joined not in vocab:
            vocab[joined] = len(vocab)
        for n in list(where[pair]):
            for old in zip(words[n], words[n][1:]):
                pairs[old] -= freqs[n]
                where[old].discard(n)
                if pairs[old] <= 0:
                    del pairs[old]
            words[n] = join_pair(words[n], pair, joined)
            for new in zip(words[n], words[n][1:]):
                pairs[new] += freqs[n]
                where[new].add(n)
    vocab[END] = len(vocab)
    return Tokenizer(vocab, merges)


class Tokenizer:
    def __init__(self, vocab, merges):
        self.vocab = vocab
        self.merges = [tuple(m) for m in merges]
        self.ranks = {m: i for i, m in enumerate(self.merges)}
        self.table = byte_alphabet()
        self.bytes = {c: b for b, c in self.table.items()}
        self.strings = {i: s for s, i in vocab.items()}
        self.end = vocab[END]
        self.known = {}

    def __len__(self):
        return len(self.vocab)

    def word(self, word):
        ids = self.known.get(word)
        if ids is not None:
            return ids
        symbols = [self.table[b] for b in word.encode("utf-8")]
        while len(symbols) > 1:
            pair = min(zip(symbols, symbols[1:]),
                       key=lambda p: self.ranks.get(p, len(self.ranks)))
            if pair not in self.ranks:
                break
            symbols = join_pair(symbols, pair, pair[0] + pair[1])
        ids = [self.vocab[s] for s in symbols]
        self.known[word] = ids
        return ids

    def encode(self, text):
        ids = []
        for n, piece in enumerate(text.split(END)):
            if n > 0:
                ids.append(self.end)
            for word in WORDS.findall(piece):
                ids.extend(self.word(word))
        return ids

    def decode(self, ids, other="\u2581"):
        """Text of the ids; `other` stands for ids that are no token."""
        out = bytearray()
        for i in ids:
            i = int(i)
            if i == self.end:
                out += END.encode()
            elif i in self.strings:
                out += bytes(self.bytes[c] for c in self.strings[i])
            else:
                out += other.encode("utf-8")
        return out.decode("utf-8", "replace")

    def save(self, path):
        byte_level = {"type": "ByteLevel", "add_prefix_space": False,
                      "trim_offsets": True, "use_regex": True}
        data = {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [{
                "id": self.end, "content": END, "single_word": False, "lstrip": False,
                "rstrip": False, "normalized": False, "special": True}],
            "normalizer": None,
            "pre_tokenizer": byte_level,
            "post_processor": None,
            "decoder": byte_level,
            "model": {
                "type": "BPE", "dropout": None, "unk_token": None,
                "continuing_subword_prefix": None, "end_of_word_suffix": None,
                "fuse_unk": False, "byte_fallback": False,
                "vocab": self.vocab,
                "merges": [a + " " + b for a, b in self.merges]},
        }
        with open(path, "w", encoding="utf-8") as f:
            json.dump(data, f, ensure_ascii=False, indent=1)
            f.write("\n")


def load(path):
    with open(path, encoding="utf-8") as f:
        model = json.load(f)["model"]
    return Tokenizer(model["vocab"], [m.split(" ") for m in model["merges"]])
