"""Bad batches are refused before any work, with the datum, the field and the remedy named."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tinker.errors import UnsupportedError, UserError
from shared.tinker.service.checking import check_batch
from shared.tinker.service.loss_specs import LOSS_SPECS
from shared.tinker.service.types import Datum, LossBatch

VOCAB, CONTEXT = 50, 12
Inputs = dict[str, Any]


def good(loss: str = "ppo", length: int = 6) -> Datum:
    inputs: Inputs = {"target_tokens": np.arange(length)}
    for name in LOSS_SPECS[loss].inputs:
        inputs[name] = np.ones(length, np.float32)
    return Datum(tokens=np.arange(length), inputs=inputs)


def changed(loss: str = "ppo", tokens: Any = None, **inputs: Any) -> Datum:
    datum = good(loss)
    merged = {k: v for k, v in {**datum.inputs, **inputs}.items() if v is not None}
    return Datum(tokens=datum.tokens if tokens is None else tokens, inputs=merged)


def check(loss: str, *data: Datum, **config: float) -> None:
    batch = LossBatch(data=data, loss_fn=loss, config=config)
    check_batch(batch, vocab_size=VOCAB, max_context=CONTEXT)


@pytest.mark.parametrize("loss", LOSS_SPECS)
def test_a_good_batch_passes(loss: str) -> None:
    check(loss, good(loss), good(loss, 1), good(loss, CONTEXT))


def test_cross_entropy_takes_many_targets_a_position() -> None:
    pairs: Inputs = {"target_tokens": np.zeros((6, 3), int), "weights": np.zeros((6, 3))}
    check("cross_entropy", changed("cross_entropy", **pairs))
    with pytest.raises(UserError, match=r"\(6, 3\); 'ppo' takes \(N,\)"):
        check("ppo", changed(**{**pairs, "weights": None}))


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda: changed(tokens=np.arange(5)), "target_tokens has 6 positions .* 5 tokens"),
        (lambda: changed(tokens=np.zeros(0, int)), r"shape \(0,\)"),
        (lambda: changed(tokens=np.arange(13)), "13 tokens, the model takes 12"),
        (lambda: changed(tokens=np.array([0, 1, VOCAB, 3, 4, 5])), "token id 50 at position 2"),
        (lambda: changed(tokens=np.array([0, 1, 2, 3, 4, -1])), "token id -1 at position 5"),
        (lambda: changed(target_tokens=np.full(6, 99)), "target_tokens holds token id 99"),
        (lambda: changed(target_tokens=None), "holds no target_tokens"),
        (lambda: changed(target_tokens=np.zeros(6)), "float64; expected token ids"),
        (lambda: changed(logprobs=None), "holds no logprobs"),
        (lambda: changed(advantages=np.zeros(5)), r"advantages has shape \(5,\) .* \(6,\)"),
        (lambda: changed(advantages=np.zeros((6, 1))), r"advantages has shape \(6, 1\)"),
        (
            lambda: changed(advantages=np.array([0, 1, NAN, 0, 0, 0])),
            r"advantages holds nan at .*2",
        ),
        (lambda: changed(logprobs=np.array([0, 1, 0, 0, 0, -INF])), r"logprobs holds -inf"),
        (lambda: changed(mask=np.ones(6)), "'ppo' does not read mask"),
    ],
)
def test_a_bad_datum_is_named(bad: Callable[[], Datum], message: str) -> None:
    with pytest.raises(UserError, match=f"Datum 1: .*{message}"):
        check("ppo", good(), bad(), good())


@pytest.mark.parametrize("mask", [np.zeros(6), -np.ones(6)])
def test_a_sequence_mask_that_keeps_nothing_is_refused(mask: Any) -> None:
    with pytest.raises(UserError, match="sequence_ratio_mask has sum"):
        check("gspo", changed("gspo", sequence_ratio_mask=mask))


def test_empty_data_and_unknown_losses_are_refused() -> None:
    with pytest.raises(UserError, match="holds no data"):
        check("ppo")
    with pytest.raises(UnsupportedError, match="not published"):
        check("stable_reinforce", good())
    with pytest.raises(UserError, match="clip_lo"):
        check("ppo", good(), clip_lo=0.1)


@given(
    loss=st.sampled_from(sorted(LOSS_SPECS)),
    shape=st.lists(st.integers(0, 7), max_size=3),
    value=st.floats(width=32),
    field=st.sampled_from(["target_tokens", "weights", "logprobs", "advantages", "tokens"]),
)
def test_any_array_in_any_field_passes_or_is_a_user_error(
    loss: str, shape: list[int], value: float, field: str
) -> None:
    array = np.full(shape, value)
    datum = changed(loss, tokens=array) if field == "tokens" else changed(loss, **{field: array})
    try:
        check(loss, datum)
    except UserError as error:
        assert str(error).startswith("Datum 0: ")
    else:
        assert array.shape == (6,)
        assert np.isfinite(array).all()


def test_catalogue_and_checks_work_without_torch(repository: Path) -> None:
    code = (
        "import sys; import shared.tinker.service.engine, shared.tinker.service.checking; "
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=repository, check=False).returncode == 0
