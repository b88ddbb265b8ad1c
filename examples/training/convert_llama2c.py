# SPDX-License-Identifier: Apache-2.0
"""Converts a llama2.c model (model.bin + tokenizer.bin) to a model folder.

    python3 convert_llama2c.py stories260K.bin tok512.bin OUT_FOLDER

Writes config.json (LlamaForCausalLM), model.safetensors (float32) and
tokenizer.json. Needs the standard library only.

The rows of wq and wk are put in another order: the .bin rotates neighbours
(2j, 2j+1) of a head, the usual names mean the pairs (j, j + half).
"""
import argparse
import array
import json
import os
import struct
import sys

BOS, EOS, FIRST_BYTE = 1, 2, 3
SPACE = "\u2581"


def fail(text):
    sys.exit("convert_llama2c: " + text)


def swapped(values):
    """Between the machine's byte order and the files' little endian."""
    if sys.byteorder == "big":
        values = array.array("f", values)
        values.byteswap()
    return values


class Reader:
    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = f.read()
        self.path = path
        self.at = 0

    def take(self, size):
        if size < 0 or self.at + size > len(self.data):
            fail("%s ends early" % self.path)
        self.at += size
        return self.data[self.at - size:self.at]

    def unpack(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))

    def array(self, count):
        out = array.array("f")
        out.frombytes(self.take(4 * count))
        return swapped(out)


def half_split_rows(weight, heads, columns):
    """Rows h*size + 2j and h*size + 2j + 1 become h*size + j and h*size + j + size/2."""
    rows = len(weight) // columns
    size = rows // heads
    out = array.array("f")
    for h in range(heads):
        for row in list(range(0, size, 2)) + list(range(1, size, 2)):
            at = (h * size + row) * columns
            out.extend(weight[at:at + columns])
    return out


def read_model(path):
    """Sizes, and tensors as name -> (shape, values), in writing order."""
    r = Reader(path)
    dim, hidden, layers, heads, kv_heads, vocab, length = r.unpack("7i")
    tied = vocab > 0
    vocab = abs(vocab)
    if min(dim, hidden, layers, heads, kv_heads, vocab, length) <= 0:
        fail("%s: not a llama2.c version 0 header" % path)
    if dim % heads or (dim // heads) % 2 or heads % kv_heads:
        fail("%s: %d heads of %d do not fit" % (path, heads, dim))
    kv = dim // heads * kv_heads
    tensors = {"model.embed_tokens.weight": ((vocab, dim), r.array(vocab * dim))}
    # Each kind of tensor is stored for all layers together, in this order.
    kinds = (("input_layernorm", (dim,)),
             ("self_attn.q_proj", (dim, dim)), ("self_attn.k_proj", (kv, dim)),
             ("self_attn.v_proj", (kv, dim)), ("self_attn.o_proj", (dim, dim)),
             ("post_attention_layernorm", (dim,)),
             ("mlp.gate_proj", (hidden, dim)), ("mlp.down_proj", (dim, hidden)),
             ("mlp.up_proj", (hidden, dim)))
    for name, shape in kinds:
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        for layer in range(layers):
            values = r.array(count)
            if name == "self_attn.q_proj":
                values = half_split_rows(values, heads, dim)
            elif name == "self_attn.k_proj":
                values = half_split_rows(values, kv_heads, dim)
            tensors["model.layers.%d.%s.weight" % (layer, name)] = (shape, values)
    tensors["model.norm.weight"] = ((dim,), r.array(dim))
    r.take(4 * length * (dim // heads))  # cosines and sines of the rotary angles
    if not tied:
        tensors["lm_head.weight"] = ((vocab, dim), r.array(vocab * dim))
    if r.at != len(r.data):
        fail("%s: %d bytes too many" % (path, len(r.data) - r.at))
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama",
        "hidden_size": dim, "intermediate_size": hidden, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": kv_heads, "head_dim": dim // heads,
        "vocab_size": vocab, "max_position_embeddings": length, "hidden_act": "silu",
        "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "rope_scaling": None,
        "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": tied,
        "bos_token_id": BOS, "eos_token_id": EOS, "torch_dtype": "float32"}
    return config, tensors


def write_safetensors(path, tensors):
    header = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, (shape, values) in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(shape),
                        "data_offsets": [at, at + 4 * len(values)]}
        at += 4 * len(values)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, values in tensors.values():
            f.write(swapped(values).tobytes())


def read_pieces(path, count):
    """Pieces in id order, with scores. Blanks stand for U+2581."""
    r = Reader(path)
    r.unpack("i")  # length of the longest piece
    pieces = []
    for _ in range(count):
        score, size = r.unpack("fi")
        pieces.append((r.take(size).decode("utf-8"), score))
    if r.at != len(r.data):
        fail("%s: more than %d tokens" % (path, count))
    return pieces


def tokenizer_json(pieces):
    names = []
    for n, (piece, _) in enumerate(pieces):
        special = {0: "<unk>", BOS: "<s>", EOS: "</s>"}
        names.append(special[n] if n in special else piece.replace(" ", SPACE))
    vocab = {name: n for n, name in enumerate(names)}
    if len(vocab) != len(names):
        fail("a token occurs twice")
    # SentencePiece joins the pair whose union has the highest score. As a list
    # of merges: every split of every piece into two known pieces, best first.
    merges = []
    order = range(FIRST_BYTE + 256, len(names))
    for n in sorted(order, key=lambda n: (-pieces[n][1], n)):
        name = names[n]
        splits = [(name[:c], name[c:]) for c in range(1, len(name))]
        splits = [s for s in splits if s[0] in vocab and s[1] in vocab]
        splits.sort(key=lambda s: (vocab[s[0]], vocab[s[1]]))
        merges.extend(a + " " + b for a, b in splits)
    added = [{"id": n, "content": names[n], "single_word": False, "lstrip": False,
              "rstrip": False, "normalized": False, "special": True}
             for n in (0, BOS, EOS)]
    text = {"String": " "}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": SPACE},
            {"type": "Replace", "pattern": text, "content": SPACE}]},
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                       {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                     {"Sequence": {"id": "A", "type_id": 0}},
                     {"SpecialToken": {"id": "<s>", "type_id": 1}},
                     {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [BOS], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": SPACE}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "<unk>",
            "continuing_subword_prefix": None, "end_of_word_suffix": None,
            "fuse_unk": True, "byte_fallback": True, "vocab": vocab, "merges": merges}}


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False, indent=2)
        f.write("\n")


def main():
    p = argparse.ArgumentParser(description="llama2.c model to a model folder")
    p.add_argument("model", help="model .bin")
    p.add_argument("tokenizer", help="tokenizer .bin")
    p.add_argument("out", help="folder to write")
    args = p.parse_args()
    config, tensors = read_model(args.model)
    pieces = read_pieces(args.tokenizer, config["vocab_size"])
    os.makedirs(args.out, exist_ok=True)
    write_json(os.path.join(args.out, "config.json"), config)
    write_json(os.path.join(args.out, "tokenizer.json"), tokenizer_json(pieces))
    write_safetensors(os.path.join(args.out, "model.safetensors"), tensors)


if __name__ == "__main__":
    main()
