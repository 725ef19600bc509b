"""Keys and values of the rows being decoded, and the two ways to attend: over prompts, over rows.

Each row's tokens lie at the front of its place, so a token's slot is its position and what lies
behind a row's length is never seen. Rows leave by moving the last row into the gap.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from shared.tinker.service.transformer import Attend, Weights

SLOTS = 64
"""Places grow in steps of this many tokens, so that growing, which copies, is rare."""


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

    cos, sin = weights.cosines(torch.arange(length, device=weights.device))
    rope = (cos.repeat(count, 1, 1), sin.repeat(count, 1, 1))
    hidden = weights.hidden(tokens.reshape(-1), rope, attend)
    return hidden.unflatten(0, (count, length)), kept


class Cache:
    """Keys and values (layers, 2, places, kv_heads, slots, D) of `rows` rows."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._store = self._empty(0, 0)
        self.rows = 0

    @property
    def slot_bytes(self) -> int:
        """Memory of one token of one row."""
        s, w = self._weights.shape, self._weights
        return len(w.blocks) * 2 * s.kv_heads * s.head_dim * w.dtype.itemsize

    def _empty(self, places: int, slots: int) -> Tensor:
        s, w = self._weights.shape, self._weights
        return torch.zeros(
            (len(w.blocks), 2, places, s.kv_heads, slots, s.head_dim),
            dtype=w.dtype,
            device=w.device,
        )

    def reserve(self, rows: int, length: int) -> None:
        """Make room for `rows` rows of `length` tokens; what is there stays."""
        places, slots = self._store.shape[2], self._store.shape[4]
        if rows <= places and length <= slots:
            return
        if self.rows == 0:
            places, slots = 0, 0
        grown = self._empty(max(rows, places), max(-(-length // SLOTS) * SLOTS, slots))
        used = self._store[:, :, : self.rows]
        grown[:, :, : self.rows, :, : used.shape[4]] = used
        self._store = grown

    def append(self, kept: Tensor, prompts: Tensor) -> None:
        """Add one row for each entry of `prompts`, an index (n,) into `kept` of `prefill`."""
        end = self.rows + len(prompts)
        self._store[:, :, self.rows : end, :, : kept.shape[4]] = kept[:, :, prompts]
        self.rows = end

    def drop(self, row: int) -> None:
        """Forget a row; the last row takes its number."""
        self.rows -= 1
        if row != self.rows:
            self._store[:, :, row] = self._store[:, :, self.rows]

    def clear(self) -> None:
        """Free everything."""
        self._store = self._empty(0, 0)
        self.rows = 0

    def decode(self, tokens: Tensor, lengths: list[int]) -> Tensor:
        """Append one token a row and return what follows: tokens (R,) -> logits (R, V).

        `lengths[i]` counts the tokens row i held before; the caller reserved one more.
        """
        w, device = self._weights, self._weights.device
        positions = torch.tensor(lengths, device=device)
        longest = max(lengths) + 1
        mask = None
        if min(lengths) + 1 < longest:
            hidden = torch.arange(longest, device=device) > positions[:, None]
            mask = torch.zeros(hidden.shape, dtype=w.dtype, device=device)
            mask = mask.masked_fill_(hidden, -torch.inf)[:, None, None]
        attend = self._attend_rows(positions, longest, mask)
        return w.logits(w.hidden(tokens, w.cosines(positions), attend))

    def _attend_rows(self, positions: Tensor, longest: int, mask: Tensor | None) -> Attend:
        kv_heads, rows = self._weights.shape.kv_heads, len(positions)
        numbers = torch.arange(rows, device=positions.device)

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            keys, values = self._store[layer, 0], self._store[layer, 1]
            keys[numbers, :, positions] = k
            values[numbers, :, positions] = v
            # Query heads that share a key head stand as its queries: (R, kv_heads, group, D).
            seen = F.scaled_dot_product_attention(
                q.unflatten(1, (kv_heads, -1)),
                keys[:rows, :, :longest],
                values[:rows, :, :longest],
                attn_mask=mask,
            )
            return seen.reshape(rows, -1)

        return attend
