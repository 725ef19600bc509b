"""Draw the next token of many rows at once, each with its own temperature, top-k, top-p and seed.

A row's randomness is a function of its job's seed, its number in the job and the position alone,
so the same seed gives the same tokens whatever else is in the batch. (Logits of different batches
may differ in the last bit, which moves a draw with a chance of about 1e-6 a token.)
Leaves out: penalties, min-p, beams.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

GREEDY_BELOW = 1e-5
"""Temperatures below this take the likeliest token: logits over them would leave float32."""

FEW = 64
"""Tokens that are looked at first for top-p."""

AHEAD = 16
"""Steps for which uniforms are drawn at once."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014, OOPSLA, figure 16)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def row_key(seed: int, index: int) -> int:
    """The state a row's SplitMix64 stream starts from: sample `index` of a job with `seed`."""
    start = _mix(np.array([seed % 2**64], np.uint64))
    return int(_mix(start + np.array([index], np.uint64) * _GOLDEN)[0])


def uniforms(keys: NDArray[np.uint64], positions: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Number `positions[i]` of row i's stream, in [0, 1) with 53 bits. Shapes broadcast."""
    bits = _mix(keys + (positions + np.uint64(1)) * _GOLDEN)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


class Streams:
    """The uniforms of R rows, one a step; drawn some steps ahead."""

    def __init__(self, keys: Sequence[int], positions: Sequence[int], device: torch.device) -> None:
        self._keys = np.array(keys, np.uint64)
        self._positions = np.array(positions, np.uint64)
        self._device = device
        self._ahead: list[Tensor] = []

    def next(self) -> Tensor:
        """A uniform for each row's next token, float64 (R,)."""
        if not self._ahead:
            steps = np.arange(AHEAD, dtype=np.uint64)[:, None]
            block = torch.from_numpy(uniforms(self._keys, self._positions + steps))
            self._ahead = list(block.to(self._device).unbind())[::-1]
            self._positions = self._positions + np.uint64(AHEAD)
        return self._ahead.pop()


@dataclass(frozen=True)
class Choice:
    """The parameters of R rows as tensors (R,); `restricted` are the rows with top-k or top-p."""

    temperature: Tensor | None
    """None: 1 for all."""
    greedy: Tensor | None
    top_k: Tensor
    top_p: Tensor
    restricted: Tensor | None

    @classmethod
    def of(
        cls, rows: Sequence[tuple[float, int, float]], vocab_size: int, device: torch.device
    ) -> Choice:
        """From (temperature, top_k, top_p) of each row; top_k -1 is no limit."""
        cold = [t < GREEDY_BELOW for t, _, _ in rows]
        ks = [k if 0 < k < vocab_size else vocab_size for _, k, _ in rows]
        narrow = [
            i for i, (_, _, p) in enumerate(rows) if not cold[i] and (ks[i] < vocab_size or p < 1.0)
        ]
        taus = [1.0 if c else t for c, (t, _, _) in zip(cold, rows, strict=True)]
        return cls(
            temperature=None
            if set(taus) <= {1.0}
            else torch.tensor(taus, dtype=torch.float32, device=device)[:, None],
            greedy=torch.tensor(cold, device=device) if any(cold) else None,
            top_k=torch.tensor(ks, device=device)[:, None],
            top_p=torch.tensor([p for _, _, p in rows], dtype=torch.float64, device=device)[
                :, None
            ],
            restricted=torch.tensor(narrow, device=device) if narrow else None,
        )


def draw(logits: Tensor, choice: Choice, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """One token a row of float32 `logits` (R, V): the distribution inverted at `uniform` (R,).

    Returns tokens int64 (R,) and their logprobs float32 (R,). A logprob is the token's under
    softmax(logits / temperature), before top-k and top-p take tokens out, so that it can be
    compared with what a forward pass over the same tokens says. Greedy rows report temperature 1:
    the limit's own logprob, 0, says nothing. NaN logits give NaN logprobs.
    """
    tempered = logits if choice.temperature is None else logits / choice.temperature
    probabilities = torch.softmax(tempered, dim=-1)
    tokens = _invert(probabilities, uniform)
    if choice.restricted is not None:
        some = choice.restricted
        tokens[some] = _draw_restricted(
            probabilities[some], choice.top_k[some], choice.top_p[some], uniform[some]
        )
    if choice.greedy is not None:
        tokens = torch.where(choice.greedy, logits.argmax(dim=-1), tokens)
    return tokens, probabilities.gather(1, tokens[:, None])[:, 0].log()


def _invert(weights: Tensor, uniform: Tensor) -> Tensor:
    # float64, so that the sums of a large vocabulary do not depend on their order.
    sums = weights.cumsum(dim=-1, dtype=torch.float64)
    total = sums[:, -1]
    # A product that rounds up to the total would fall behind the last token with any weight.
    target = torch.minimum(uniform * total, torch.nextafter(total, torch.zeros_like(total)))
    found = torch.searchsorted(sums, target[:, None], right=True)[:, 0]
    return found.clamp_(max=weights.shape[1] - 1)  # only NaN leads beyond


def _draw_restricted(
    probabilities: Tensor, top_k: Tensor, top_p: Tensor, uniform: Tensor
) -> Tensor:
    """As `draw`, among the top_k likeliest and then the fewest of these that hold top_p of them.

    Few tokens are enough nearly always, so the vocabulary is sorted only as far as it must be.
    """
    vocab_size = probabilities.shape[1]
    counted = top_k < vocab_size
    width = min(max(FEW, int(top_k.masked_fill(~counted, 0).max())), vocab_size)
    while True:
        ordered, ids = probabilities.topk(width, dim=-1)
        weights = ordered.double()
        weights = weights * (torch.arange(width, device=weights.device) < top_k)
        sums = weights.cumsum(dim=-1)
        total = sums[:, -1:].masked_fill(~counted, 1.0)
        inside = sums - weights < top_p * total
        if width == vocab_size or bool((counted | ~inside[:, -1:]).all()):
            return ids.gather(1, _invert(weights * inside, uniform)[:, None])[:, 0]
        width = min(16 * width, vocab_size)
