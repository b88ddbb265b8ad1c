# SPDX-License-Identifier: Apache-2.0
"""Trains the demo model: epsilon-hybrid denoiser, two-copy arrangement.

Loss of one step, over noised positions: masked ones cross entropy / t (an
unbiased bound estimate, the factor capped), visible ones cross entropy times
--visible-weight whether the token was replaced or kept. Equal weights make
the head at a visible token the true posterior of the clean token given
everything that is seen, the token itself included.

Stops after --minutes of training time or --steps, whichever is first; the
learning rate falls along a cosine to that end. Run again with the same --out
to go on from the last checkpoint.
"""
import argparse
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

import bpe
import data
import noise
from model import Model


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--data", required=True, help="folder with tinystories-*.txt.gz")
    p.add_argument("--out", required=True, help="folder for tokenizer.json and checkpoint.pt")
    p.add_argument("--tokens", type=int, default=2048)
    p.add_argument("--hidden", type=int, default=160)
    p.add_argument("--blocks", type=int, default=4)
    p.add_argument("--heads", type=int, default=5)
    p.add_argument("--length", type=int, default=256, help="longest chunk")
    p.add_argument("--long-share", type=float, default=0.25,
                   help="share of steps with chunks of --length, the rest has half of it")
    p.add_argument("--batch-tokens", type=int, default=1024, help="clean tokens in a step")
    p.add_argument("--copies", type=int, default=2, help="noised copies of each clean one")
    p.add_argument("--quench-first", type=float, default=0.85)
    p.add_argument("--quench-last", type=float, default=0.60,
                   help="chance that the first noised copy is quench, at the start and at the end")
    p.add_argument("--epsilon", type=float, default=0.02)
    p.add_argument("--visible-weight", type=float, default=0.5)
    p.add_argument("--weight-cap", type=float, default=10.0, help="largest 1/t")
    p.add_argument("--lr", type=float, default=2.5e-3)
    p.add_argument("--warmup", type=int, default=200)
    p.add_argument("--weight-decay", type=float, default=0.1)
    p.add_argument("--clip", type=float, default=1.0)
    p.add_argument("--ema", type=float, default=0.998)
    p.add_argument("--minutes", type=float, default=75.0)
    p.add_argument("--steps", type=int, default=0, help="0: no limit but the time")
    p.add_argument("--save-seconds", type=float, default=120.0)
    p.add_argument("--log-steps", type=int, default=50)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32",
                   help="type of the matrix products; weights stay float32")
    return p.parse_args()


def optimizer_of(model, args):
    decay = [p for p in model.parameters() if p.dim() == 2]
    plain = [p for p in model.parameters() if p.dim() != 2]
    return torch.optim.AdamW([{"params": decay, "weight_decay": args.weight_decay},
                              {"params": plain, "weight_decay": 0.0}],
                             lr=args.lr, betas=(0.9, 0.95), eps=1e-8)


def loss_of(logits, clean, masked, t, args):
    """Loss of a step and the cross entropy of each noised position."""
    target = clean[:, None].expand(masked.shape)
    ce = F.cross_entropy(logits.reshape(-1, logits.shape[-1]).float(), target.reshape(-1),
                         reduction="none").view(masked.shape)
    weight = torch.where(masked, (1.0 / t).clamp(max=args.weight_cap),
                         torch.full_like(t, args.visible_weight))
    return (ce * weight).mean(), ce.detach()


def save(path, model, ema, optimizer, state, args):
    torch.save({"model": model.state_dict(), "ema": ema, "optimizer": optimizer.state_dict(),
                "state": state, "args": vars(args)}, path + ".new")
    os.replace(path + ".new", path)


def main():
    args = arguments()
    os.makedirs(args.out, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(args.seed)

    stories = data.read_stories(args.data, data.TRAIN_FILES)
    path = os.path.join(args.out, "tokenizer.json")
    if not os.path.exists(path):
        bpe.train(stories, args.tokens).save(path)
    tokenizer = bpe.load(path)
    tokens = len(tokenizer)
    corpus = data.Corpus(stories, tokenizer)
    model = Model(tokens + 1, args.hidden, args.blocks, args.heads).to(args.device)
    optimizer = optimizer_of(model, args)
    ema = {k: v.clone() for k, v in model.state_dict().items()}
    state = {"step": 0, "seconds": 0.0}
    path = os.path.join(args.out, "checkpoint.pt")
    if os.path.exists(path):
        old = torch.load(path, map_location=args.device)
        model.load_state_dict(old["model"])
        optimizer.load_state_dict(old["optimizer"])
        ema = old["ema"]
        state = old["state"]
    print("%d stories, %d token ids, %d parameters, from step %d" % (
        len(stories), len(corpus.ids), sum(p.numel() for p in model.parameters()),
        state["step"]), flush=True)

    before = state["seconds"]
    begin = last_save = time.monotonic()
    sums = np.zeros((3, 2))
    losses = []
    while True:
        state["seconds"] = before + time.monotonic() - begin
        progress = state["seconds"] / (60.0 * args.minutes)
        if args.steps:
            progress = max(progress, state["step"] / args.steps)
        if progress >= 1.0:
            break
        # Each step has its own random stream, so that a restart changes nothing.
        rng = np.random.default_rng([args.seed, state["step"]])
        length = args.length if rng.random() < args.long_share else args.length // 2
        chunk = corpus.chunks(rng, max(1, args.batch_tokens // length), length)
        quench = args.quench_first + (args.quench_last - args.quench_first) * progress
        noised, masked, t, starts = noise.noised_copies(
            rng, chunk, args.copies, quench, tokens, args.epsilon)
        clean, noised, masked, t, starts = (
            torch.from_numpy(a).to(args.device) for a in
            (chunk, noised, masked, t.astype(np.float32), starts))

        rate = args.lr * min(1.0, (state["step"] + 1) / args.warmup)
        rate *= 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * progress))
        for group in optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(args.device.split(":")[0], torch.bfloat16,
                            enabled=args.dtype == "bfloat16"):
            logits = model(clean, noised, starts)
        loss, ce = loss_of(logits, clean, masked, t, args)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        optimizer.step()
        state["step"] += 1
        decay = min(args.ema, (1.0 + state["step"]) / (10.0 + state["step"]))
        with torch.no_grad():
            for name, value in model.state_dict().items():
                ema[name].lerp_(value, 1.0 - decay)

        losses.append(loss.item())
        place = torch.arange(length, device=clean.device)
        narrow = (starts == place) & masked & (t == 1.0)  # quench, and first of a pure slice
        for n, where in enumerate((narrow, masked & ~narrow, ~masked)):
            sums[n] += (ce[where].sum().item(), where.sum().item())
        if state["step"] % args.log_steps == 0:
            mean = sums[:, 0] / np.maximum(sums[:, 1], 1.0)
            print("step %d  %.0f s  rate %.2e  loss %.3f  next token %.3f  masked %.3f  visible %.3f" % (
                state["step"], state["seconds"], rate, np.mean(losses), *mean), flush=True)
            sums[:] = 0.0
            losses = []
        if time.monotonic() - last_save > args.save_seconds:
            save(path, model, ema, optimizer, state, args)
            last_save = time.monotonic()
    save(path, model, ema, optimizer, state, args)
    print("done: %d steps, %.0f s" % (state["step"], state["seconds"]), flush=True)


if __name__ == "__main__":
    main()
