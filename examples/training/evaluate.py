# SPDX-License-Identifier: Apache-2.0
"""Validation bounds and sample texts of a model folder.

    python3 evaluate.py --model MODEL_FOLDER --data DATA_FOLDER [--sample]

The bound is in nats per token, for a given hyperschedule and the epsilon
path. Each story is scored behind a prompt of one <|endoftext|>, cut to the
trained length, its own <|endoftext|> at the end included. Every call of the
schedule is evaluated (each position at each level once), with one random
draw of the noise.
"""
import argparse
import os

import numpy as np
import torch

import bundle
import data

# A schedule is a name, a window width (0: all of it) and a number of levels T.
SCHEDULES = (("quench", 1, 1), ("block", 16, 16), ("slide", 16, 16), ("flat", 0, 32))
COPIES = 8  # calls evaluated together, as noised copies of one clean copy


def windows(name, width, levels, prompt, length):
    """Per group of calls: the level and slice start of every position.

    The prompt has level 0 and is in no window. Over all groups a position has
    each level from 1 to T exactly once.
    """
    place = np.arange(length)
    at = place - prompt
    width = width or length - prompt
    if name == "slide":
        if width != levels:
            raise ValueError("slide is written for width = T")
        for shift in range(width):
            # Windows that begin at `shift` modulo the width; the first is the
            # ramp at the beginning, whose left part is missing.
            inside = (at - shift) % width
            yield _prompt_aside(inside + 1, np.maximum(place - inside, prompt), prompt)
    else:
        start = prompt + at // width * width
        for level in range(1, levels + 1):
            yield _prompt_aside(np.full(length, level), start, prompt)


def _prompt_aside(level, start, prompt):
    level, start = level.copy(), start.copy()
    level[:prompt] = 0
    start[:prompt] = np.arange(prompt)
    return level, start


def terms(logits, clean, noised, level, tokens, epsilon):
    """Terms of the bound [K, S] for one step down from `level` (MATH 5)."""
    log_pi = torch.log_softmax(logits[..., :tokens], -1)
    target = clean.expand(noised.shape)[..., None]
    ce = -log_pi.gather(-1, target)[..., 0].double()
    masked = noised == tokens
    # Into a level above 0 a revealed token is noised with epsilon again:
    # KL(Q || P), Q = (1-e) delta + e/N and P = (1-e) pi + e/N, times 1/level.
    kl = ce
    if epsilon > 0.0:
        low = epsilon / tokens
        high = 1.0 - epsilon + low
        log_p = torch.log((1.0 - epsilon) * log_pi.exp() + low)
        log_p0 = log_p.gather(-1, target)[..., 0].double()
        others = log_p.sum(-1, dtype=torch.float64) - log_p0
        kl = high * (np.log(high) - log_p0) + low * ((tokens - 1) * np.log(low) - others)
    out = torch.where(masked, kl / level.clamp(min=1), torch.zeros_like(kl))
    # Into level 0 every position is drawn from pi (without replacement noise
    # a visible token is kept, at no cost).
    last = ce if epsilon > 0.0 else torch.where(masked, ce, torch.zeros_like(ce))
    out = torch.where(level == 1, last, out)
    return torch.where(level == 0, torch.zeros_like(out), out)


@torch.no_grad()
def bound(model, stories, schedule, tokens, epsilon, rng):
    """Nats per token over the stories (each with one prompt token)."""
    name, width, levels = schedule
    total = 0.0
    count = 0
    for ids in stories:
        length = len(ids)
        clean = torch.from_numpy(ids)[None]
        groups = list(windows(name, width, levels, 1, length))
        for at in range(0, len(groups), COPIES):
            level = np.stack([g[0] for g in groups[at:at + COPIES]])
            start = np.stack([g[1] for g in groups[at:at + COPIES]])
            draw = rng.random(level.shape)
            replaced = (rng.random(level.shape) < epsilon) & (level > 0)
            noised = np.where(replaced, rng.integers(tokens, size=level.shape), ids)
            noised = torch.from_numpy(np.where(draw < level / levels, tokens, noised))
            logits = model(clean, noised[None], torch.from_numpy(start)[None])[0]
            total += terms(logits, clean, noised, torch.from_numpy(level), tokens, epsilon).sum().item()
        count += length - 1
    return total / count


def levels_at(name, width, levels, k, length):
    """Levels of the generated positions before call k."""
    at = np.arange(length)
    if name == "slide":
        value = levels + at * levels // width - k
    else:
        value = levels * (at // (width or length) + 1) - k
    return np.clip(value, 0, levels)


@torch.no_grad()
def sample(model, prompt, count, schedule, tokens, epsilon, rng, temperature=1.0):
    """Ancestral sampling, without a cache: `count` tokens behind the prompt."""
    name, width, levels = schedule
    x = np.concatenate([prompt, np.full(count, tokens)]).astype(np.int64)
    k = 0
    while True:
        now = levels_at(name, width, levels, k, count)
        if not now.any():
            return x
        after = levels_at(name, width, levels, k + 1, count)
        k += 1
        first = int(np.argmax(now > 0))
        moved = np.flatnonzero(after < now)
        if len(moved) == 0:
            continue
        settled = len(prompt) + first
        end = len(prompt) + int(moved[-1]) + 1
        ids = torch.from_numpy(x[:end])[None]
        place = np.arange(end)
        start = torch.from_numpy(np.where(place < settled, place, settled))
        logits = model(ids, ids[None], start[None, None])[0, 0, :, :tokens].double()
        if temperature > 0.0:
            pi = torch.softmax(logits / temperature, -1).numpy()
        else:
            pi = np.eye(tokens)[logits.argmax(-1).numpy()]
        for i in moved:
            at = len(prompt) + i
            t, s = now[i], after[i]
            if x[at] == tokens:
                if s > 0 and rng.random() >= (t - s) / t:
                    continue
                uniform = s > 0 and rng.random() < epsilon
                x[at] = rng.integers(tokens) if uniform else rng.choice(tokens, p=pi[at])
            elif s == 0 and epsilon > 0.0:
                x[at] = rng.choice(tokens, p=pi[at])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--model", required=True, help="folder of bundle.py --out")
    p.add_argument("--data", help="folder with tinystories-valid.txt.gz, for the bounds")
    p.add_argument("--stories", type=int, default=0, help="0: all")
    p.add_argument("--schedules", default="quench,block,slide,flat")
    p.add_argument("--sample", action="store_true", help="print a text for each schedule")
    p.add_argument("--prompt", default="<|endoftext|>Once upon a time")
    p.add_argument("--count", type=int, default=96)
    p.add_argument("--temperature", type=float, default=1.0)
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    model, tokenizer, config = bundle.load(args.model)
    tokens = config["tokenizer"]["tokens"]
    epsilon = config["training"]["epsilon"]
    schedules = [s for s in SCHEDULES if s[0] in args.schedules.split(",")]
    if args.data:
        stories = data.read_stories(args.data, data.VALID_FILES)[:args.stories or None]
        length = config["model"]["length"]
        stories = [np.array(([tokenizer.end] + tokenizer.encode(s) + [tokenizer.end])[:length])
                   for s in stories]
        print("%d stories, %d scored tokens" % (len(stories), sum(len(s) - 1 for s in stories)))
        for schedule in schedules:
            line = "%-6s width %-4s T %-3d" % (schedule[0], schedule[1] or "all", schedule[2])
            for e in sorted({0.0, epsilon}, reverse=True):
                rng = np.random.default_rng(args.seed)
                line += "  epsilon %g: %.4f" % (
                    e, bound(model, stories, schedule, tokens, e, rng))
            print(line, flush=True)
    if args.sample:
        prompt = tokenizer.encode(args.prompt)
        for schedule in schedules:
            rng = np.random.default_rng(args.seed)
            ids = sample(model, prompt, args.count, schedule, tokens, epsilon, rng, args.temperature)
            print("--- %s, width %s, T %d, temperature %g\n%s" % (
                schedule[0], schedule[1] or "all", schedule[2], args.temperature,
                tokenizer.decode(ids)), flush=True)


if __name__ == "__main__":
    main()
