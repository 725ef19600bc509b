"""Keys and values of the rows being decoded: prompts once a group, sampled tokens once a row.

Rows of one prompt share its keys and values, so a step reads a prompt once for up to `TOGETHER`
rows, not once for each; on a CPU reading is what attention costs. A row's own tokens lie at the
front of its place; what is behind them is never seen. Rows leave by moving the last row into the
gap, and so do prompts that no row needs any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from shared.tinker.service.transformer import Attend, Weights

SLOTS = 64
"""Places grow in steps of this many tokens, so that growing, which copies, is rare."""

TOGETHER = 16
"""Rows that share one copy of a prompt at most: groups of unlike size are padded to the largest."""


def prefill(weights: Weights, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Run prompts (U, T), padded on the right, through the model.

    Padding needs no mask: a token sees only what is before it, and no one looks at the padding.

    Returns:
        Final hidden states (U, T, H), and keys and values (layers, 2, U, kv_heads, T, D).
    """
    s, (count, length) = weights.shape, tokens.shape
    kept = torch.empty(
        (len(weights.blocks), 2, count, s.kv_heads, length, s.head_dim),
        dtype=weights.dtype,
        device=weights.device,
    )

    def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        place = kept[layer]
        place[0] = k.unflatten(0, (count, length)).transpose(1, 2)
        place[1] = v.unflatten(0, (count, length)).transpose(1, 2)
        seen = F.scaled_dot_product_attention(
            q.unflatten(0, (count, length)).transpose(1, 2),
            place[0],
            place[1],
            is_causal=True,
            enable_gqa=s.heads != s.kv_heads,
        )
        return seen.transpose(1, 2).reshape(count * length, -1)

    positions = torch.arange(length, device=weights.device).repeat(count)
    hidden = weights.hidden(tokens.reshape(-1), weights.angles.at(positions, length), attend)
    return hidden.unflatten(0, (count, length)), kept


class Places:
    """Keys and values (layers, 2, places * kv_heads, slots, D) of `used` places.

    `layers` has them layer by layer: taking a tensor apart in Python costs what an operation costs.
    """

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._heads = weights.shape.kv_heads
        self.used = 0
        self._keep(self._empty(0, 0))

    def _keep(self, store: Tensor) -> None:
        self.store = store
        self.layers = [(store[layer, 0], store[layer, 1]) for layer in range(store.shape[0])]

    def _empty(self, places: int, slots: int) -> Tensor:
        w = self._weights
        size = (len(w.blocks), 2, places * self._heads, slots, w.shape.head_dim)
        return torch.zeros(size, dtype=w.dtype, device=w.device)

    def reserve(self, places: int, slots: int) -> None:
        """Make room; what is in use stays."""
        had_places, had_slots = self.store.shape[2] // self._heads, self.store.shape[3]
        if places <= had_places and slots <= had_slots:
            return
        grown = self._empty(max(places, had_places), max(-(-slots // SLOTS) * SLOTS, had_slots))
        used = self.used * self._heads
        grown[:, :, :used, :had_slots] = self.store[:, :, :used]
        self._keep(grown)

    def append(self, kept: Tensor) -> None:
        """Fill the next places with keys and values (layers, 2, n, kv_heads, T, D)."""
        count, length = kept.shape[2], kept.shape[4]
        self.reserve(self.used + count, length)
        start, self.used = self.used * self._heads, self.used + count
        self.store[:, :, start : self.used * self._heads, :length] = kept.flatten(2, 3)

    def drop(self, place: int) -> None:
        """Forget a place; the last one takes its number."""
        self.used -= 1
        if place != self.used:
            h = self._heads
            last = self.store[:, :, self.used * h : (self.used + 1) * h]
            self.store[:, :, place * h : (place + 1) * h] = last


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Who shares what, as indices: R rows, C copies of prompts, n rows of each at most.

    With kv heads as part of the batch, a copy's queries are those of its rows one below the other.
    """

    members: Tensor
    """(C * kv_heads * n,): rows' places among R * kv_heads; gaps repeat some row."""
    home: Tensor
    """(R * kv_heads,): where a row's part lies among `members`."""
    prompts: Tensor
    """(C * kv_heads, 1, P): 0 where the prompt has a token, -inf behind it."""
    keys: list[Tensor]
    """Of each layer (C * kv_heads, D, P), transposed."""
    values: list[Tensor]
    """Of each layer (C * kv_heads, P, D)."""
    lengths: list[int]
    """(R,): tokens of each row's prompt."""


class Cache:
    """What `rows` rows have seen. Rows are numbered from 0; see `drop`."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._prompts = Places(weights)
        self._tokens = Places(weights)
        self._lengths: list[int] = []
        self._copy_of: list[int] = []
        self._layout: Layout | None = None

    @property
    def slot_bytes(self) -> int:
        """Memory of one token of one row."""
        s, w = self._weights.shape, self._weights
        return len(w.blocks) * 2 * s.kv_heads * s.head_dim * w.dtype.itemsize

    def append(self, kept: Tensor, lengths: Sequence[int], rows: Sequence[int]) -> None:
        """Add rows.

        Args:
            kept: of `prefill`, for prompts 0 to U - 1.
            lengths: of the prompts, (U,).
            rows: how many rows each prompt gets, (U,). They are numbered in this order.
        """
        copies: list[int] = []
        for prompt, count in enumerate(rows):
            for start in range(0, count, TOGETHER):
                together = min(TOGETHER, count - start)
                self._copy_of.extend([self._prompts.used + len(copies)] * together)
                self._lengths.append(lengths[prompt])
                copies.append(prompt)
        longest = max((lengths[prompt] for prompt in copies), default=0)
        self._prompts.append(kept[:, :, torch.tensor(copies, device=kept.device), :, :longest])
        self._tokens.reserve(len(self._copy_of), 1)
        self._tokens.used = len(self._copy_of)
        self._layout = None

    def drop(self, row: int) -> None:
        """Forget a row; the last row takes its number."""
        copy = self._copy_of[row]
        self._tokens.drop(row)
        self._copy_of[row] = self._copy_of[-1]
        self._copy_of.pop()
        if copy not in self._copy_of:
            last = len(self._lengths) - 1
            self._prompts.drop(copy)
            self._lengths[copy] = self._lengths[-1]
            self._lengths.pop()
            self._copy_of = [copy if c == last else c for c in self._copy_of]
        self._layout = None

    def clear(self) -> None:
        """Forget everything and free it."""
        self.__init__(self._weights)

    def decode(self, tokens: Tensor, sampled: list[int]) -> Tensor:
        """Append one token a row and return what follows: tokens (R,) -> logits (R, V).

        `sampled[i]` counts the tokens row i has here behind its prompt, before this one.
        """
        w, device = self._weights, self._weights.device
        layout = self._layout = self._layout or self._new_layout()
        self._tokens.reserve(len(sampled), max(sampled) + 1)
        slots = torch.tensor(sampled, device=device)
        ends = [prompt + own for prompt, own in zip(layout.lengths, sampled, strict=True)]
        rope = w.angles.at(torch.tensor(ends, device=device), max(ends) + 1)
        attend = self._attend(layout, slots, min(sampled), max(sampled))
        return w.logits(w.hidden(tokens, rope, attend))

    def _new_layout(self) -> Layout:
        kv_heads, copies = self._weights.shape.kv_heads, len(self._lengths)
        rows_of: list[list[int]] = [[] for _ in range(copies)]
        slot: list[int] = []
        for row, copy in enumerate(self._copy_of):
            slot.append(len(rows_of[copy]))
            rows_of[copy].append(row)
        n = max(map(len, rows_of))
        table = torch.tensor([rows + [rows[0]] * (n - len(rows)) for rows in rows_of])
        heads = torch.arange(kv_heads)
        members = (table[:, None] * kv_heads + heads[:, None]).flatten()
        place = torch.tensor(self._copy_of)[:, None] * kv_heads + heads
        home = (place * n + torch.tensor(slot)[:, None]).flatten()
        lengths = torch.tensor(self._lengths)
        behind = torch.arange(int(lengths.max())) >= lengths[:, None]
        prompts = torch.zeros(behind.shape).masked_fill_(behind, -torch.inf)
        prompts = prompts.repeat_interleave(kv_heads, 0)[:, None]
        w, (places, _, end) = self._weights, prompts.shape
        return Layout(
            members=members.to(w.device),
            home=home.to(w.device),
            prompts=prompts.to(w.device, w.dtype),
            keys=[keys[:places, :end].mT for keys, _ in self._prompts.layers],
            values=[values[:places, :end] for _, values in self._prompts.layers],
            lengths=[self._lengths[copy] for copy in self._copy_of],
        )

    def _attend(self, layout: Layout, slots: Tensor, first: int, last: int) -> Attend:
        """Attention of one query a row over its prompt and its own first `slots` + 1 tokens."""
        s, rows = self._weights.shape, slots.shape[0]
        copies, _, n_prompt = layout.prompts.shape
        group, scale = s.heads // s.kv_heads, s.head_dim**-0.5
        places, end = rows * s.kv_heads, last + 1
        own = slots.repeat_interleave(s.kv_heads) if first < last else None
        here, behind = self._ragged(own, end)

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            keys, values = self._tokens.layers[layer]
            if own is None:  # one slot for all rows
                keys[:places, last].view(k.shape).copy_(k)
                values[:places, last].view(v.shape).copy_(v)
            else:
                keys[here] = k.reshape(places, s.head_dim)
                values[here] = v.reshape(places, s.head_dim)
            # Query heads that share a key head are queries of it: (R * kv_heads, group, D).
            own_q = q.reshape(places, group, s.head_dim)
            prompt_q = own_q.index_select(0, layout.members).view(copies, -1, s.head_dim)
            far = torch.baddbmm(layout.prompts, prompt_q, layout.keys[layer], alpha=scale)
            far = far.view(-1, group, n_prompt).index_select(0, layout.home)
            near = torch.baddbmm(behind, own_q, keys[:places, :end].mT, alpha=scale)
            shares = torch.cat((far, near), dim=-1).softmax(dim=-1)
            far = shares.index_select(0, layout.members).view(copies, -1, n_prompt + end)
            far = torch.bmm(far[..., :n_prompt], layout.values[layer])
            far = far.view(-1, group, s.head_dim).index_select(0, layout.home)
            seen = torch.baddbmm(far, shares[..., n_prompt:], values[:places, :end])
            return seen.view(rows, -1)

        return attend

    def _ragged(self, slots: Tensor | None, end: int) -> tuple[tuple[Tensor, ...], Tensor]:
        """Where the new tokens of places go, and a mask (places, 1, end) of what is behind them."""
        w = self._weights
        if slots is None:
            return (), torch.zeros(1, dtype=w.dtype, device=w.device)
        hidden = torch.arange(end, device=w.device) > slots[:, None]
        mask = torch.zeros(hidden.shape, dtype=w.dtype, device=w.device)
        here = (torch.arange(slots.shape[0], device=w.device), slots)
        return here, mask.masked_fill_(hidden, -torch.inf)[:, None]
