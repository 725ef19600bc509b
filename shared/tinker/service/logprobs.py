"""From a micro-batch of sequences to the log-probabilities of their target tokens.

Sequences are padded on the right; under causal attention no real token sees the padding, so no
mask is needed. The output layer and log-softmax run on real positions only, in chunks that are
computed anew in the backward pass, so that no (tokens, vocabulary) matrix of a whole batch lies in
memory. Shape suffixes: B sequences, T padded length, M real positions, K targets, H hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from shared.tinker.service.types import Datum

LOGITS_BUDGET = {"cpu": 2**24, "cuda": 2**28}
"""Most logits (positions x vocabulary) held at once: 64 MB in float32, and 1 GB on a GPU."""


def target_logprobs(model: Any, data: Sequence[Datum], device: torch.device) -> list[Tensor]:
    """Log-probabilities of each datum's target_tokens: float32, shaped like them, with gradient.

    Args:
        model: a causal LM of transformers with `model` (the trunk) and `lm_head`.
        data: the sequences of one micro-batch, already checked.
        device: where the model is.
    """
    lengths = [len(datum.tokens) for datum in data]
    tokens_BT = torch.zeros(len(data), max(lengths), dtype=torch.long)
    for row, datum in enumerate(data):
        tokens_BT[row, : lengths[row]] = torch.from_numpy(np.ascontiguousarray(datum.tokens))
    hidden_BTH = model.model(input_ids=tokens_BT.to(device), use_cache=False).last_hidden_state
    if min(lengths) == max(lengths):
        hidden_MH = hidden_BTH.flatten(0, 1)
    else:
        real = torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
        hidden_MH = hidden_BTH[real.to(device)]
    logprobs_MK = _gather_logprobs(model.lm_head, hidden_MH, _targets(data).to(device))
    return [
        part[:, : _columns(datum)].reshape(datum.inputs["target_tokens"].shape)
        for part, datum in zip(logprobs_MK.split(lengths), data, strict=True)
    ]


def _columns(datum: Datum) -> int:
    targets = datum.inputs["target_tokens"]
    return targets.shape[1] if targets.ndim == 2 else 1


def _targets(data: Sequence[Datum]) -> Tensor:
    columns = max(_columns(datum) for datum in data)
    targets_MK = torch.zeros(sum(len(d.tokens) for d in data), columns, dtype=torch.long)
    start = 0
    for datum in data:
        end = start + len(datum.tokens)
        block = datum.inputs["target_tokens"].reshape(end - start, -1).astype(np.int64)
        targets_MK[start:end, : block.shape[1]] = torch.from_numpy(block)
        start = end
    return targets_MK


def _chunk(lm_head: Any, hidden_CH: Tensor, targets_CK: Tensor) -> Tensor:
    logits_CV = lm_head(hidden_CH).float()
    return logits_CV.gather(1, targets_CK) - logits_CV.logsumexp(1, keepdim=True)


def _gather_logprobs(lm_head: Any, hidden_MH: Tensor, targets_MK: Tensor) -> Tensor:
    rows = max(1, LOGITS_BUDGET[hidden_MH.device.type] // int(lm_head.out_features))
    if len(hidden_MH) <= rows:
        return _chunk(lm_head, hidden_MH, targets_MK)
    chunks = zip(hidden_MH.split(rows), targets_MK.split(rows), strict=True)
    if not torch.is_grad_enabled():
        return torch.cat([_chunk(lm_head, hidden, targets) for hidden, targets in chunks])
    # No dropout anywhere, so there is no random state to keep for the second computation.
    return torch.cat(
        [
            checkpoint(
                _chunk, lm_head, hidden, targets, use_reentrant=False, preserve_rng_state=False
            )
            for hidden, targets in chunks
        ]
    )
