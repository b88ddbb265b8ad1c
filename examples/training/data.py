# SPDX-License-Identifier: Apache-2.0
"""Stories as one array of token ids, and chunks cut from it."""
import gzip
import os

import numpy as np

import bpe

TRAIN_FILES = ("tinystories-train.txt.gz", "tinystories-more-train.txt.gz")
VALID_FILES = ("tinystories-valid.txt.gz",)


def read_stories(folder, names):
    stories = []
    for name in names:
        with gzip.open(os.path.join(folder, name), "rt", encoding="utf-8") as f:
            text = f.read()
        for story in text.split(bpe.END):
            story = story.strip()
            if story:
                stories.append(story)
    return stories


class Corpus:
    """All stories, each one behind an <|endoftext|>; one more at the end."""

    def __init__(self, stories, tokenizer):
        ids = []
        starts = []
        for story in stories:
            starts.append(len(ids))
            ids.append(tokenizer.end)
            ids.extend(tokenizer.encode(story))
        ids.append(tokenizer.end)
        self.ids = np.array(ids, dtype=np.int64)
        self.starts = np.array(starts, dtype=np.int64)

    def chunks(self, rng, count, length):
        """Random chunks [count, length].

        Prompts begin at position 0, so most chunks begin where a story does:
        45 % with the <|endoftext|> in front of it, 20 % with its first word,
        and the rest anywhere.
        """
        last = len(self.ids) - length
        starts = self.starts[self.starts + 1 <= last]
        out = np.empty((count, length), dtype=np.int64)
        for n in range(count):
            u = rng.random()
            if u < 0.65:
                at = starts[rng.integers(len(starts))] + (u >= 0.45)
            else:
                at = rng.integers(last + 1)
            out[n] = self.ids[at:at + length]
        return out
