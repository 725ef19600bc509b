"""The losses of Tinker as plain torch functions on one sequence: the reference the labs reuse.

Shapes: `logprobs` (N,) are the model's log-probabilities of the target tokens and carry the
gradient; everything else is data of the same shape. Each returns a scalar that is a sum over
tokens, never a mean. Formulas: tinker-docs.thinkingmachines.ai/tinker/losses. Leaves out checks:
`shared.tinker.service.checking` does them first.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from shared.tinker.errors import UnsupportedError


def cross_entropy(logprobs: Tensor, weights: Tensor) -> Tensor:
    """- sum of weights x logprobs. (N,) or, with K weighted targets a position, (N, K)."""
    return -(weights * logprobs).sum()


def importance_sampling(logprobs: Tensor, sampling_logprobs: Tensor, advantages: Tensor) -> Tensor:
    """- sum of r x A, with r = exp(logprobs - sampling_logprobs)."""
    return -((logprobs - sampling_logprobs).exp() * advantages).sum()


def ppo(
    logprobs: Tensor, sampling_logprobs: Tensor, advantages: Tensor, *, low: float, high: float
) -> Tensor:
    """- sum of min(r A, clip(r, low, high) A) (Schulman et al. 2017, arXiv:1707.06347, eq. 7)."""
    ratio = (logprobs - sampling_logprobs).exp()
    return -torch.minimum(ratio * advantages, ratio.clamp(low, high) * advantages).sum()


def cispo(
    logprobs: Tensor, sampling_logprobs: Tensor, advantages: Tensor, *, low: float, high: float
) -> Tensor:
    """- sum of sg(clip(r, low, high)) x logprobs x A (MiniMax 2025, arXiv:2506.13585, eq. 4).

    sg stops the gradient: a clipped token still pushes, by a bounded weight.
    """
    weight = (logprobs - sampling_logprobs).exp().clamp(low, high).detach()
    return -(weight * logprobs * advantages).sum()


def dro(logprobs: Tensor, sampling_logprobs: Tensor, advantages: Tensor, *, beta: float) -> Tensor:
    """- sum of logprobs x A - beta / 2 (logprobs - sampling_logprobs)^2.

    Direct reward optimisation (Richemond et al. 2024, arXiv:2405.19107) as Tinker writes it. The
    quadratic counts at tokens of advantage 0 too.
    """
    drift = logprobs - sampling_logprobs
    return -(logprobs * advantages - 0.5 * beta * drift.square()).sum()


def gspo(
    logprobs: Tensor,
    sampling_logprobs: Tensor,
    advantages: Tensor,
    sequence_ratio_mask: Tensor,
    *,
    low: float,
    high: float,
) -> Tensor:
    """Ppo's objective with one ratio a sequence (Zheng et al. 2025, arXiv:2507.18071, GSPO-token).

    s = exp(mean of logprobs - sampling_logprobs over the mask), without gradient;
    s_t = s x exp(logprobs - sg(logprobs)): the value of s, the gradient of token t.
    """
    fixed = logprobs.detach()
    drift = (sequence_ratio_mask * (fixed - sampling_logprobs)).sum() / sequence_ratio_mask.sum()
    ratio = (drift + logprobs - fixed).exp()
    return -torch.minimum(ratio * advantages, ratio.clamp(low, high) * advantages).sum()


def compute_loss(
    name: str, logprobs: Tensor, inputs: Mapping[str, Tensor], settings: Mapping[str, float]
) -> Tensor:
    """The loss of one datum, scalar.

    Args:
        name: one of `loss_specs.LOSS_SPECS`.
        logprobs: (N,), or (N, K) for cross_entropy; carries the gradient.
        inputs: the loss's inputs by their names on the wire, shaped like `logprobs`.
        settings: all settings of the loss, as `loss_specs.loss_settings` gives them.
    """
    if name == "cross_entropy":
        return cross_entropy(logprobs, inputs["weights"])
    pair = (inputs["logprobs"], inputs["advantages"])
    if name == "importance_sampling":
        return importance_sampling(logprobs, *pair)
    if name == "dro":
        return dro(logprobs, *pair, beta=settings["beta"])
    low, high = settings["clip_low_threshold"], settings["clip_high_threshold"]
    if name == "ppo":
        return ppo(logprobs, *pair, low=low, high=high)
    if name == "cispo":
        return cispo(logprobs, *pair, low=low, high=high)
    if name == "gspo":
        mask = inputs["sequence_ratio_mask"]
        return gspo(logprobs, *pair, mask, low=low, high=high)
    raise UnsupportedError(f"The loss {name!r} is not offered here.")
