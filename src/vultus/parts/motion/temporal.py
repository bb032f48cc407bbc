"""Networks along time: attention with biases that know frames, and convolutions, with conditions mixed in.

Sources: A. Vaswani et al., "Attention is all you need" (2017); O. Press et al., "Train short, test long" (ALiBi, 2022),
with the future as far as the past; Y. Fan et al., "FaceFormer" (2022) for periods and for attention that is aligned
with the sound; E. Perez et al., "FiLM" (2018); X. Fan et al., "UniTalker" (2024) for the convolutions.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from vultus.errors import VultusError, unknown

Kind = Literal["encoder", "decoder", "tcn"]
Bias = Literal["none", "alibi"]
Inject = Literal["none", "add", "concat", "film"]


def places(at: Tensor, width: int) -> Tensor:
    """Sines and cosines [B, T, width] of positions *at* [B, T] in frames, which may be any numbers."""
    rates = torch.exp(torch.arange(0, width, 2, device=at.device) * (-math.log(10000.0) / width))
    angle = at.float()[..., None] * rates
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(-2)[..., :width]


def alibi(at: Tensor, heads: int, period: int = 1) -> Tensor:
    """Bias [B, heads, T, T] that falls with the distance between positions *at* [B, T], in steps of *period*.

    Each head has a slope of its own, from 1/2 down to 1/256.
    """
    slopes = 2.0 ** (-8.0 * torch.arange(1, heads + 1, device=at.device) / heads)
    distance = (at[:, :, None] - at[:, None, :]).abs()
    steps = torch.div(distance, period, rounding_mode="floor") if period > 1 else distance
    return -slopes[None, :, None, None] * steps[:, None].float()


def aligned(at: Tensor, memory_at: Tensor, width: float, soft: bool = False) -> Tensor:
    """Bias [B, 1, T, S]: what lies more than *width* frames from a position is not attended to, the nearest always.

    If *soft*, attention to it falls with the distance instead, by a factor e for each *width*.
    """
    distance = (at[:, :, None] - memory_at[:, None, :]).abs().float()
    if soft:
        return -distance[:, None] / width
    near = distance <= distance.amin(dim=2, keepdim=True).clamp(min=width)
    return torch.zeros_like(distance).masked_fill(~near, -torch.inf)[:, None]


class Attention(nn.Module):
    """Several heads of attention from x [B, T, width] to a memory [B, S, memory]; a bias is [B or 1, H or 1, T, S]."""

    def __init__(self, width: int, heads: int, memory: int | None = None, dropout: float = 0.0) -> None:
        super().__init__()
        if width % heads:
            raise VultusError(f"A width of {width} is not a multiple of {heads} heads", "Choose others")
        self.heads, self.dropout = heads, dropout
        self.ask = nn.Linear(width, width)
        self.tell = nn.Linear(memory or width, 2 * width)
        self.leave = nn.Linear(width, width)

    def forward(self, x: Tensor, memory: Tensor, bias: Tensor | None = None) -> Tensor:
        """The attended memory, [B, T, width]."""
        query = self.ask(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
        key, value = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.tell(memory).chunk(2, dim=2))
        dropout = self.dropout if self.training else 0.0
        out = nnf.scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=dropout)
        return self.leave(out.transpose(1, 2).flatten(2))


class _Layer(nn.Module):
    """Self-attention, attention to a memory where there is one, and a network for each frame; norms come after."""

    def __init__(self, width: int, heads: int, ff: int, memory: int | None, vec: int | None, dropout: float) -> None:
        super().__init__()
        self.own = Attention(width, heads, dropout=dropout)
        self.other = Attention(width, heads, memory, dropout) if memory else None
        self.each = nn.Sequential(nn.Linear(width, ff), nn.GELU(), nn.Dropout(dropout), nn.Linear(ff, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3 if memory else 2))
        self.film = nn.Linear(vec, 2 * width) if vec else None
        if self.film is not None:
            nn.init.zeros_(self.film.weight)
            nn.init.zeros_(self.film.bias)

    def forward(
        self, x: Tensor, bias: Tensor | None, memory: Tensor | None, other: Tensor | None, vec: Tensor | None
    ) -> Tensor:
        x = self.norms[0](x + self.own(x, x, bias))
        if self.other is not None and memory is not None:
            x = self.norms[1](x + self.other(x, memory, other))
        if self.film is not None and vec is not None:
            scale, shift = self.film(vec)[:, None].chunk(2, dim=2)
            x = x * (1 + scale) + shift
        return self.norms[-1](x + self.each(x))


class TemporalStack(nn.Module):
    """[B, T, ``width``] (with a memory [B, S, ``memory``] for a decoder) -> [B, T, width].

    ``bias`` acts between frames; ``align`` is how many frames around its own a frame attends to in the memory (None:
    everywhere; ``soft``: less and less). ``inject`` says how a vector [B, ``vec``] enters: added to every frame,
    concatenated to it, or by FiLM in every layer. "tcn" is three convolutions (or ``layers``) over three frames each,
    without attention.
    """

    def __init__(
        self,
        kind: Kind,
        width: int,
        *,
        layers: int = 3,
        heads: int = 4,
        ff: int | None = None,
        bias: Bias = "none",
        period: int = 1,
        memory: int | None = None,
        align: float | None = None,
        soft: bool = False,
        inject: Inject = "none",
        vec: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if kind not in ("encoder", "decoder", "tcn"):
            raise unknown("kind of stack", str(kind), ("encoder", "decoder", "tcn"))
        if (inject == "none") != (vec == 0):
            raise VultusError(
                "A vector that is injected has a width, and one that is not has none", "Give both or none"
            )
        self.kind, self.bias, self.period, self.heads, self.inject = kind, bias, period, heads, inject
        self.align, self.soft = align, soft
        wide = width + vec if inject == "concat" else width
        if inject == "add":
            self.enter: nn.Module = nn.Linear(vec, width)
        elif inject == "concat" and kind != "tcn":
            self.enter = nn.Linear(wide, width)
        if kind == "tcn":
            if inject == "film":
                raise VultusError("Convolutions take a vector by add or concat", "Choose another inject")
            self.layers = nn.ModuleList(_Convolution(wide if i == 0 else width, width) for i in range(layers))
        else:
            inner = (memory or width) if kind == "decoder" else None
            film = vec if inject == "film" else None
            self.layers = nn.ModuleList(
                _Layer(width, heads, ff or 2 * width, inner, film, dropout) for _ in range(layers)
            )

    def forward(
        self,
        x: Tensor,
        memory: Tensor | None = None,
        vec: Tensor | None = None,
        *,
        at: Tensor | None = None,
        memory_at: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """*at* [B, T] and *memory_at* [B, S] are positions in frames (0, 1, … unless given); *mask* bool [B, T] is true
        where there is a frame (attention only). VultusError when a memory or vector is missing."""
        if (memory is None) == (self.kind == "decoder") or (vec is None) == (self.inject != "none"):
            raise VultusError(f"A {self.kind} with inject {self.inject} is called with what it was built for")
        if vec is not None and self.inject == "add":
            x = x + self.enter(vec)[:, None]
        elif vec is not None and self.inject == "concat":
            x = torch.cat([x, vec[:, None].expand(-1, x.shape[1], -1)], dim=2)
            x = x if self.kind == "tcn" else self.enter(x)
        if self.kind == "tcn":
            for layer in self.layers:
                x = layer(x)
            return x
        own, other = self._biases(x, memory, at, memory_at, mask)
        for layer in self.layers:
            x = layer(x, own, memory, other, vec if self.inject == "film" else None)
        return x

    def _biases(
        self, x: Tensor, memory: Tensor | None, at: Tensor | None, memory_at: Tensor | None, mask: Tensor | None
    ) -> tuple[Tensor | None, Tensor | None]:
        """The biases of self-attention and of attention to the memory."""
        at = torch.arange(x.shape[1], device=x.device)[None] if at is None else at
        own = alibi(at, self.heads, self.period) if self.bias == "alibi" else None
        if mask is not None:
            hidden = torch.zeros(mask.shape, device=x.device).masked_fill(~mask, -torch.inf)[:, None, None]
            own = hidden.expand(-1, 1, x.shape[1], -1) if own is None else own + hidden
        if memory is None or self.align is None:
            return own, None
        if memory_at is None:
            memory_at = torch.arange(memory.shape[1], device=x.device)[None]
        return own, aligned(at, memory_at, self.align, self.soft)


class _Convolution(nn.Module):
    """Convolution over three frames, norm, what came in (through a convolution where the width changes), ReLU."""

    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv1d(before, width, 3, padding=1), nn.LayerNorm(width)
        self.skip = nn.Conv1d(before, width, 3, padding=1) if before != width else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = x.transpose(1, 2)
        return torch.relu(self.norm(self.conv(y).transpose(1, 2)) + self.skip(y).transpose(1, 2))
