# SPDX-License-Identifier: Apache-2.0
"""The transformer of the HDLM epsilon family, with its tensor names.

Bias-free LayerNorm, rotary positions (half-split pairs), tanh GELU, no time
input. `forward` is the two-copy arrangement: one clean copy and any number of
noised copies of it, all with positions 0..S-1.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn


class Norm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return F.layer_norm(x, self.weight.shape, self.weight, None, 1e-5)


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm1 = Norm(dim)
        self.attn_qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.attn_out = nn.Linear(dim, dim, bias=False)
        self.norm2 = Norm(dim)
        # Index 1 is the activation, so that the names are mlp.0 and mlp.2.
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(approximate="tanh"),
                                 nn.Linear(4 * dim, dim))


class Embedding(nn.Module):
    def __init__(self, dim, rows):
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(rows, dim) * 0.02)


class Rotary(nn.Module):
    def __init__(self, head):
        super().__init__()
        self.register_buffer("inv_freq", 10000.0 ** (-torch.arange(0, head, 2).float() / head))

    def table(self, positions):
        angle = positions.float()[:, None] * self.inv_freq[None, :]
        return torch.cat([angle.cos()] * 2, -1), torch.cat([-angle.sin(), angle.sin()], -1)


class Output(nn.Module):
    def __init__(self, dim, rows):
        super().__init__()
        self.norm_final = Norm(dim)
        self.linear = nn.Linear(dim, rows)


def rotate(x, table):
    """x [..., S, Dh]; pairs are (j, j + Dh/2)."""
    return x * table[0] + x.roll(x.shape[-1] // 2, -1) * table[1]


class Model(nn.Module):
    def __init__(self, rows, dim, blocks, heads):
        super().__init__()
        self.heads = heads
        self.vocab_embed = Embedding(dim, rows)
        self.rotary_emb = Rotary(dim // heads)
        self.blocks = nn.ModuleList(Block(dim) for _ in range(blocks))
        self.output_layer = Output(dim, rows)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=0.02)
                if name.endswith(("attn_out.weight", "mlp.2.weight")):
                    p.data.mul_(1.0 / math.sqrt(2 * blocks))
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def split(self, qkv):
        """[..., S, 3D] -> q, k, v of [..., H, S, Dh]."""
        shape = qkv.shape[:-1] + (3, self.heads, -1)
        return qkv.reshape(shape).transpose(-4, -2).unbind(-3)

    def forward(self, clean, noised, starts):
        """Logits [B, K, S, V] of the noised copies.

        clean [B, S]; noised [B, K, S]; starts [B, K, S]: start of the slice
        that the position is in. A clean row sees the clean rows up to itself;
        a noised row sees the clean rows before its slice and the noised rows
        of its slice, nothing else.
        """
        batch, copies, length = noised.shape
        dim = self.vocab_embed.embedding.shape[1]
        device = clean.device
        place = torch.arange(length, device=device)
        table = self.rotary_emb.table(place)
        causal = place[None, :] <= place[:, None]
        sees_clean = place < starts[..., None]
        sees_noised = starts[..., None, :] == starts[..., None]
        sees = torch.cat([sees_clean, sees_noised], -1)[:, :, None]  # [B, K, 1, S, 2S]
        zero = torch.zeros((), device=device)
        minus = torch.full((), float("-inf"), device=device)
        causal = torch.where(causal, zero, minus)
        sees = torch.where(sees, zero, minus)
        scale = 1.0 / math.sqrt(dim // self.heads)

        # Row layout [B, 1 + K, S]: copy 0 is the clean one.
        ids = torch.cat([clean[:, None], noised], 1)
        x = F.embedding(ids, self.vocab_embed.embedding)
        for n, block in enumerate(self.blocks):
            last = n + 1 == len(self.blocks)
            q, k, v = self.split(block.attn_qkv(block.norm1(x)))  # [B, 1 + K, H, S, Dh]
            q = rotate(q, table) * scale
            k = rotate(k, table)
            kc, vc = k[:, :1], v[:, :1]
            to_clean = q[:, 1:] @ kc.transpose(-1, -2)
            to_noised = q[:, 1:] @ k[:, 1:].transpose(-1, -2)
            p = torch.softmax(torch.cat([to_clean, to_noised], -1) + sees, -1)
            y = p[..., :length] @ vc + p[..., length:] @ v[:, 1:]
            if last:
                x = x[:, 1:]  # nobody reads the clean rows after their keys and values
            else:
                pc = torch.softmax(q[:, :1] @ kc.transpose(-1, -2) + causal, -1)
                y = torch.cat([pc @ vc, y], 1)
            y = y.transpose(-2, -3).reshape(x.shape)
            x = x + block.attn_out(y)
            x = x + block.mlp(block.norm2(x))
        return self.output_layer.linear(self.output_layer.norm_final(x))
