"""Refuse a bad training call before any work is done. numpy only, so it runs without torch.

Each message names the datum, the field, what came and what to do. Leaves out the caps of a
deployment (`limits`) and sampling (`sample_checks`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.tinker.errors import UserError
from shared.tinker.service.loss_specs import LossSpec, loss_settings, loss_spec
from shared.tinker.service.types import AdamParams, Datum, LossBatch

_SHIFT = (
    "Position t holds the token that follows input token t: give the model input all tokens but "
    "the last, and every field all but the first."
)


def check_batch(batch: LossBatch, *, vocab_size: int, max_context: int) -> dict[str, float]:
    """Check a forward or forward_backward call; returns the settings of its loss.

    Raises:
        UnsupportedError: a loss this service does not compute.
        UserError: anything else that forward_backward could not use.
    """
    spec = loss_spec(batch.loss_fn)
    settings = loss_settings(batch.loss_fn, batch.config)
    if not batch.data:
        raise UserError("The batch holds no data. Send at least one datum.")
    for index, datum in enumerate(batch.data):
        _check_tokens(index, datum, vocab_size, max_context)
        _check_targets(index, datum, batch.loss_fn, spec, vocab_size)
        _check_inputs(index, datum, batch.loss_fn, spec)
    return settings


def _check_tokens(index: int, datum: Datum, vocab_size: int, max_context: int) -> None:
    tokens = datum.tokens
    if tokens.ndim != 1 or tokens.size == 0:
        raise UserError(
            f"Datum {index}: the model input has shape {tokens.shape}; expected at least one token."
        )
    if tokens.size > max_context:
        raise UserError(
            f"Datum {index}: the model input has {tokens.size} tokens, the model takes "
            f"{max_context}. Cut the sequence."
        )
    _check_range(f"Datum {index}: the model input", tokens, vocab_size)


def _check_targets(index: int, datum: Datum, loss: str, spec: LossSpec, vocab_size: int) -> None:
    targets = datum.inputs.get("target_tokens")
    if targets is None:
        raise UserError(
            f"Datum {index}: loss_fn_inputs holds no target_tokens, which {loss!r} needs. {_SHIFT}"
        )
    wanted = "(N,) or (N, K)" if spec.many_targets else "(N,)"
    if targets.ndim not in ((1, 2) if spec.many_targets else (1,)) or 0 in targets.shape:
        raise UserError(
            f"Datum {index}: target_tokens has shape {targets.shape}; {loss!r} takes {wanted}."
        )
    if targets.shape[0] != datum.tokens.size:
        raise UserError(
            f"Datum {index}: target_tokens has {targets.shape[0]} positions but the model input "
            f"has {datum.tokens.size} tokens. {_SHIFT}"
        )
    if targets.dtype.kind not in "iu":
        raise UserError(
            f"Datum {index}: target_tokens is {targets.dtype}; expected token ids as int64."
        )
    _check_range(f"Datum {index}: target_tokens", targets, vocab_size)


def _check_range(what: str, tokens: NDArray[Any], vocab_size: int) -> None:
    bad = (tokens < 0) | (tokens >= vocab_size)
    if bad.any():
        position = tuple(int(i) for i in np.argwhere(bad)[0])
        where = position[0] if len(position) == 1 else position
        raise UserError(
            f"{what} holds token id {int(tokens[position])} at position {where}; the model's ids "
            f"go from 0 to {vocab_size - 1}. Use the tokenizer of this very model."
        )


def _check_inputs(index: int, datum: Datum, loss: str, spec: LossSpec) -> None:
    shape = datum.inputs["target_tokens"].shape
    unknown = [name for name in datum.inputs if name not in ("target_tokens", *spec.inputs)]
    if unknown:
        raise UserError(
            f"Datum {index}: {loss!r} does not read {', '.join(sorted(unknown))}. It reads "
            f"target_tokens, {', '.join(spec.inputs)}. Remove the rest: silence would hide a mask "
            "that masks nothing."
        )
    for name in spec.inputs:
        values = datum.inputs.get(name)
        if values is None:
            raise UserError(
                f"Datum {index}: loss_fn_inputs holds no {name}, which {loss!r} needs: one number "
                "for each target token."
            )
        if values.shape != shape:
            raise UserError(
                f"Datum {index}: {name} has shape {values.shape} but target_tokens has {shape}. "
                f"Both describe the same positions. {_SHIFT}"
            )
        finite = np.isfinite(values)
        if not finite.all():
            position = np.argwhere(~finite)[0].tolist()
            raise UserError(
                f"Datum {index}: {name} holds {values[tuple(position)]} at position {position}; "
                "expected finite numbers. Look at how it was computed (an empty group's mean or "
                "a zero standard deviation, often), or leave the datum out."
            )
    _check_mask(index, datum.inputs)


def _check_mask(index: int, inputs: Mapping[str, NDArray[Any]]) -> None:
    mask = inputs.get("sequence_ratio_mask")
    if mask is not None and (bool((mask < 0).any()) or not mask.sum() > 0):
        raise UserError(
            f"Datum {index}: sequence_ratio_mask has sum {float(mask.sum())} and least value "
            f"{float(mask.min())}; expected 1 at the sampled tokens and 0 elsewhere."
        )


def check_adam(adam: AdamParams) -> None:
    """Refuse settings with which AdamW cannot step. Raises UserError."""
    for field in fields(adam):
        value = getattr(adam, field.name)
        if value < 0 or not math.isfinite(value):
            raise UserError(
                f"adam_params.{field.name} is {value}; expected a finite number of 0 or more."
            )
    for name in ("beta1", "beta2"):
        if getattr(adam, name) >= 1:
            raise UserError(f"adam_params.{name} is {getattr(adam, name)}; expected less than 1.")
