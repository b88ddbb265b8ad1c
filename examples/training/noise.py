# SPDX-License-Identifier: Apache-2.0
"""Noised copies for the two-copy training arrangement.

A noised copy is cut into slices; each slice is what one call of a sampler
would have as its active window, with everything left of it settled. The
noise of a position at time t: mask with probability t, and a token that is
still visible is replaced with probability epsilon by a uniform token (all
real tokens, itself included).
"""
import numpy as np

WIDTHS = (4, 8, 16, 32, 64, 0)  # 0: the full length
WIDTH_SHARES = (0.20, 0.20, 0.18, 0.14, 0.10, 0.18)
SLIDE_SHARE = 0.4
LEVELS = (2, 4, 8, 16, 0)  # levels T of the time grid; 0: continuous time


def slice_starts(rng, length, width):
    """Slice starts: a random offset, then one slice every `width`."""
    if width >= length:
        # One slice, or a settled beginning of any length and one slice.
        cut = int(rng.integers(length)) if rng.random() < 0.5 else 0
        return [0] if cut == 0 else [0, cut]
    offset = int(rng.integers(width))
    starts = list(range(offset, length, width))
    return starts if offset == 0 else [0] + starts


def on_grid(t, levels):
    """Times in (0, 1] moved up to a grid of `levels` steps."""
    return t if levels == 0 else np.ceil(t * levels) / levels


def draw_times(rng, length, width):
    """Time and slice start of every position of one copy."""
    starts = slice_starts(rng, length, width)
    bounds = starts + [length]
    start_of = np.empty(length, dtype=np.int64)
    t = np.ones(length)
    for a, b in zip(bounds, bounds[1:]):
        start_of[a:b] = a
    if width == 1:
        return t, start_of  # quench: each position once, from pure noise
    levels = LEVELS[rng.integers(len(LEVELS))]
    if width < length and rng.random() < SLIDE_SHARE:
        # A ramp with noise growing to the right. The first, cut slice is the
        # ramp at the beginning of a text: its right end is where noise is
        # pure, so that it lacks the left part of the ramp.
        phase = 1.0 - rng.random()
        for n, (a, b) in enumerate(zip(bounds, bounds[1:])):
            skip = width - (b - a) if n == 0 else 0
            t[a:b] = (skip + np.arange(b - a) + phase) / width
    else:
        # One time per slice, low discrepancy over the slices of the copy.
        count = len(starts)
        grid = (rng.permutation(count) + 1.0 - rng.random()) / count
        for n, (a, b) in enumerate(zip(bounds, bounds[1:])):
            t[a:b] = grid[n]
    return on_grid(np.clip(t, 1e-6, 1.0), levels), start_of


def noise(rng, clean, t, tokens, epsilon):
    """Noised ids and what is masked; the mask id is `tokens`."""
    masked = rng.random(clean.shape) < t
    replaced = rng.random(clean.shape) < epsilon
    noised = np.where(replaced, rng.integers(tokens, size=clean.shape), clean)
    return np.where(masked, tokens, noised), masked


def noised_copies(rng, clean, copies, quench, tokens, epsilon):
    """Noised copies of a batch of chunks [B, S].

    The first copy is quench (width 1) with probability `quench`; all others
    have a width drawn from WIDTHS. Returns noised [B, K, S], masked, t and
    slice starts of the same shape.
    """
    batch, length = clean.shape
    shape = (batch, copies, length)
    noised = np.empty(shape, dtype=np.int64)
    masked = np.empty(shape, dtype=bool)
    times = np.empty(shape)
    starts = np.empty(shape, dtype=np.int64)
    for b in range(batch):
        for k in range(copies):
            if k == 0 and rng.random() < quench:
                width = 1
            else:
                width = int(rng.choice(WIDTHS, p=WIDTH_SHARES)) or length
            times[b, k], starts[b, k] = draw_times(rng, length, width)
            noised[b, k], masked[b, k] = noise(rng, clean[b], times[b, k], tokens, epsilon)
    return noised, masked, times, starts
