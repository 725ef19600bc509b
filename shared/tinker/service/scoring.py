"""Logprobs of the prompt itself: its own tokens' and the likeliest ones', untempered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shared.tinker.service.transformer import Weights

SENTINEL = -99999.0
"""The logprob that marks an empty place of a top-k table; its token is 0."""

SLAB = 1 << 22
"""Logits computed at a time: prompts of large vocabularies are scored in slices."""


@dataclass(frozen=True, kw_only=True)
class PromptScores:
    """Of a prompt of P tokens: float32 (P,), int64 (P, k) and float32 (P, k); see SampleResult."""

    logprobs: NDArray[np.float32]
    topk_tokens: NDArray[np.int64]
    topk_logprobs: NDArray[np.float32]


def score_prompt(
    weights: Weights, hidden: Tensor, prompt: NDArray[np.int64], k: int
) -> PromptScores:
    """Scores from the prompt's final hidden states (P, H).

    Token i is scored by the state of token i - 1; nothing is before the first, which is NaN and,
    in the top-k tables, the sentinel.
    """
    length = len(prompt)
    logprobs = np.full(length, np.nan, np.float32)
    topk_tokens = np.zeros((length, k), np.int64)
    topk_logprobs = np.full((length, k), SENTINEL, np.float32)
    slab = max(1, SLAB // weights.head.shape[0])
    for start in range(0, length - 1, slab):
        end = min(start + slab, length - 1)
        rows = torch.log_softmax(weights.logits(hidden[start:end]), dim=-1)
        targets = torch.from_numpy(prompt[start + 1 : end + 1]).to(rows.device)
        logprobs[start + 1 : end + 1] = rows.gather(1, targets[:, None])[:, 0].cpu().numpy()
        if k:
            values, ids = rows.topk(k, dim=-1)
            topk_tokens[start + 1 : end + 1] = ids.cpu().numpy()
            topk_logprobs[start + 1 : end + 1] = values.cpu().numpy()
    return PromptScores(logprobs=logprobs, topk_tokens=topk_tokens, topk_logprobs=topk_logprobs)
