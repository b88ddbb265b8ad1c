# SPDX-License-Identifier: Apache-2.0
"""Model folder (config.json, model.safetensors, tokenizer.json) from a checkpoint.

    python3 bundle.py --run RUN_FOLDER --out MODEL_FOLDER

Takes the averaged weights and stores them as bfloat16.
"""
import argparse
import json
import os
import struct

import numpy as np
import torch

import bpe
from model import Model


def to_bfloat16(values):
    """float32 array -> uint16 array, rounded to nearest even."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def write_safetensors(path, tensors):
    """tensors: name -> (dtype name, array already in that dtype's bytes)."""
    header = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, (dtype, values) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(values.shape),
                        "data_offsets": [at, at + values.nbytes]}
        at += values.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, values in tensors.values():
            f.write(values.tobytes())


def read_safetensors(path):
    """name -> float32 array; knows BF16 and F32."""
    with open(path, "rb") as f:
        size = struct.unpack("<Q", f.read(8))[0]
        header = json.loads(f.read(size))
        data = f.read()
    out = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        a, b = entry["data_offsets"]
        if entry["dtype"] == "BF16":
            bits = np.frombuffer(data[a:b], "<u2").astype(np.uint32) << 16
            values = bits.view(np.float32)
        else:
            values = np.frombuffer(data[a:b], "<f4")
        out[name] = values.reshape(entry["shape"]).copy()
    return out


def config_of(args, state, tokens, end):
    """HDLM's nested layout with the values of this run.

    visible_weighting "plain": replaced and kept visible tokens had the same
    weight in the loss, so that the head there is the true posterior (the
    published code weights them lambda (1 - epsilon) and lambda epsilon,
    which makes a tilted head). kappa_eff null says the same: the head's
    retention is that of the noise path.
    """
    return {
        "type": "aligned",
        "model_type": "epsilon_hybrid",
        "tokenizer": {"tokens": tokens, "model": "tokenizer.json"},
        "bos_token_id": end,
        "eos_token_id": end,
        "mask_token_id": tokens,
        "training": {
            "loss_type": "hybrid",
            "epsilon": args["epsilon"],
            "lambda": args["visible_weight"],
            "visible_weighting": "plain",
            "kappa_eff": None,
            "batch_tokens": args["batch_tokens"],
            "noised_copies": args["copies"],
            "n_iters": state["step"],
            "seconds": round(state["seconds"]),
            "ema": args["ema"],
            "seed": args["seed"]},
        "data": {"train": "tinystories", "valid": "tinystories"},
        "annealing": {
            "type": "block",
            "efficient": False,
            "width": 16,
            "tau": 16,
            "eval_tau": 16,
            "sampling_method": "SAR",
            "sampling_eps": 0.0001,
            "attention": {"context_type": "causal", "block_type": "full"},
            "match_inference": True},
        "optim": {
            "optimizer": "AdamW", "lr": args["lr"], "beta1": 0.9, "beta2": 0.95, "eps": 1e-08,
            "weight_decay": args["weight_decay"], "warmup": args["warmup"],
            "grad_clip": args["clip"], "scheduler": "cosine"},
        "model": {
            "name": "epsilon_hdlm", "type": "ddit",
            "hidden_size": args["hidden"], "cond_dim": 0, "length": args["length"],
            "n_blocks": args["blocks"], "n_heads": args["heads"], "dropout": 0.0,
            "scale_by_sigma": False, "transformer_sigma_conditioning": False,
            "hybrid_sigma_embedding": False, "post_process_logits": False,
            "use_timestep_embedding": False}}


def load(folder):
    """Model, tokenizer and configuration of a model folder."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as f:
        config = json.load(f)
    sizes = config["model"]
    model = Model(config["tokenizer"]["tokens"] + 1, sizes["hidden_size"], sizes["n_blocks"],
                  sizes["n_heads"])
    tensors = read_safetensors(os.path.join(folder, "model.safetensors"))
    model.load_state_dict({name: torch.from_numpy(v) for name, v in tensors.items()})
    return model.eval(), bpe.load(os.path.join(folder, "tokenizer.json")), config


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--run", required=True, help="folder of train.py --out")
    p.add_argument("--out", required=True, help="folder to write")
    args = p.parse_args()
    old = torch.load(os.path.join(args.run, "checkpoint.pt"), map_location="cpu")
    tokenizer = bpe.load(os.path.join(args.run, "tokenizer.json"))
    tensors = {}
    for name, value in old["ema"].items():
        value = value.float().numpy()
        if name == "rotary_emb.inv_freq":
            tensors[name] = ("F32", value.astype("<f4"))
        else:
            tensors[name] = ("BF16", to_bfloat16(value))
    os.makedirs(args.out, exist_ok=True)
    config = config_of(old["args"], old["state"], len(tokenizer), tokenizer.end)
    with open(os.path.join(args.out, "config.json"), "w", encoding="utf-8") as f:
        json.dump(config, f, indent=2)
        f.write("\n")
    tokenizer.save(os.path.join(args.out, "tokenizer.json"))
    write_safetensors(os.path.join(args.out, "model.safetensors"), tensors)
    print("step %d, %.0f s of training" % (old["state"]["step"], old["state"]["seconds"]))


if __name__ == "__main__":
    main()
