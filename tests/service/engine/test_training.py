"""Losses, gradients and AdamW of the engine, against a plain float64 re-computation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.tinker.errors import UserError
from shared.tinker.service import logprobs as logprobs_module
from shared.tinker.service import training
from shared.tinker.service.engine import TorchEngine
from shared.tinker.service.loss_specs import LOSS_SPECS
from shared.tinker.service.types import AdamParams, LossBatch
from tests.service.engine.plain import (
    MakeDatum,
    assert_close,
    gradients,
    hosted_keys,
    moved,
)

ARCHITECTURES = ("qwen3", "llama")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("loss", LOSS_SPECS)
def test_loss_logprobs_and_gradient_equal_a_plain_recomputation(
    engine: TorchEngine, reference: Any, datum: MakeDatum, loss: str, architecture: str
) -> None:
    moved(engine, "m", architecture, datum)
    plain = reference(engine, "m", architecture)
    rng = np.random.default_rng(2)
    batch = LossBatch(data=[datum(rng, n, loss) for n in (11, 4, 1, 11)], loss_fn=loss)
    ours = engine.forward_backward("m", batch)
    logprobs, total = plain.forward_backward(batch)
    assert_close(ours.metrics["loss:sum"], total)
    for mine, theirs in zip(ours.logprobs, logprobs, strict=True):
        assert mine.dtype == np.float32
        assert_close(mine, theirs)
    # The archive's keys come in the parameters' order only by name: compare through the adapter.
    named = dict(zip(hosted_keys(engine, "m"), gradients(engine, "m") or [], strict=True))
    assert set(named) == set(plain.parameters)
    for key, gradient in named.items():
        assert_close(gradient, plain.parameters[key].grad)


@pytest.mark.parametrize("loss", ["ppo", "cispo", "gspo", "dro"])
def test_the_settings_of_a_loss_take_effect(
    engine: TorchEngine, reference: Any, datum: MakeDatum, loss: str
) -> None:
    moved(engine, "m", "qwen3", datum)
    data = [datum(np.random.default_rng(3), 12, loss)]
    config: dict[str, float | str] = (
        {"beta": 0.7} if loss == "dro" else {"clip_low_threshold": 0.2, "clip_high_threshold": 0.3}
    )
    batch = LossBatch(data=data, loss_fn=loss, config=config)
    ours = engine.forward_backward("m", batch).metrics["loss:sum"]
    assert_close(ours, reference(engine, "m", "qwen3").forward_backward(batch)[1])
    default = engine.forward_backward("m", LossBatch(data=data, loss_fn=loss))
    assert ours != default.metrics["loss:sum"]


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_mix_of_lengths_and_targets_equals_the_recomputation(
    engine: TorchEngine, reference: Any, datum: MakeDatum, data: st.DataObject
) -> None:
    shapes = data.draw(
        st.lists(
            st.tuples(st.integers(1, 40), st.one_of(st.none(), st.integers(1, 4))),
            min_size=1,
            max_size=5,
        )
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    engine.forget_model("m")
    moved(engine, "m", "qwen3", datum)
    batch = LossBatch(
        data=[datum(rng, n, "cross_entropy", k) for n, k in shapes], loss_fn="cross_entropy"
    )
    ours = engine.forward_backward("m", batch)
    logprobs, total = reference(engine, "m", "qwen3").forward_backward(batch)
    assert_close(ours.metrics["loss:sum"], total)
    for mine, theirs, given_datum in zip(ours.logprobs, logprobs, batch.data, strict=True):
        assert mine.shape == given_datum.inputs["target_tokens"].shape
        assert_close(mine, theirs)


def test_two_calls_gather_what_one_call_of_both_gives(
    engine: TorchEngine, datum: MakeDatum
) -> None:
    moved(engine, "m", "qwen3", datum)
    rng = np.random.default_rng(4)
    data = [datum(rng, n) for n in (5, 20, 5, 13)]
    for part in (data[:1], data[1:]):
        engine.forward_backward("m", LossBatch(data=part, loss_fn="cross_entropy"))
    apart = gradients(engine, "m") or []
    engine.optim_step("m", AdamParams(learning_rate=0.0))
    engine.forward_backward("m", LossBatch(data=data, loss_fn="cross_entropy"))
    for one, other in zip(gradients(engine, "m") or [], apart, strict=True):
        assert_close(one, other)


@pytest.mark.parametrize("budget", [1, 17, 64])
def test_micro_batches_change_nothing_but_rounding(
    engine: TorchEngine, datum: MakeDatum, monkeypatch: pytest.MonkeyPatch, budget: int
) -> None:
    moved(engine, "m", "llama", datum)
    rng = np.random.default_rng(5)
    batch = LossBatch(data=[datum(rng, n, "gspo") for n in (5, 20, 5, 13)], loss_fn="gspo")
    whole = engine.forward_backward("m", batch)
    expected = gradients(engine, "m") or []
    engine.optim_step("m", AdamParams(learning_rate=0.0))
    monkeypatch.setattr(training, "TOKEN_BUDGET", {"cpu": budget})
    split = engine.forward_backward("m", batch)
    assert_close(split.metrics["loss:sum"], whole.metrics["loss:sum"])
    for one, other in zip(split.logprobs, whole.logprobs, strict=True):
        assert_close(one, other)
    for one, other in zip(gradients(engine, "m") or [], expected, strict=True):
        assert_close(one, other)


@pytest.mark.parametrize("backward", [True, False])
def test_chunks_of_the_output_layer_change_nothing_but_rounding(
    engine: TorchEngine, datum: MakeDatum, monkeypatch: pytest.MonkeyPatch, backward: bool
) -> None:
    moved(engine, "m", "qwen3", datum)
    rng = np.random.default_rng(6)
    batch = LossBatch(
        data=[datum(rng, 15, "cross_entropy", 3)], loss_fn="cross_entropy", backward=backward
    )
    whole = engine.forward_backward("m", batch)
    expected = gradients(engine, "m") or []
    engine.optim_step("m", AdamParams(learning_rate=0.0))
    monkeypatch.setattr(logprobs_module, "LOGITS_BUDGET", {"cpu": 4 * 61})
    chunked = engine.forward_backward("m", batch)
    assert_close(chunked.logprobs[0], whole.logprobs[0])
    for one, other in zip(gradients(engine, "m") or [], expected, strict=True):
        assert_close(one, other)


def test_forward_alone_leaves_no_gradient(engine: TorchEngine, datum: MakeDatum) -> None:
    moved(engine, "m", "qwen3", datum)
    batch = [datum(np.random.default_rng(7), 8)]
    forward = engine.forward_backward(
        "m", LossBatch(data=batch, loss_fn="cross_entropy", backward=False)
    )
    assert gradients(engine, "m") is None
    both = engine.forward_backward("m", LossBatch(data=batch, loss_fn="cross_entropy"))
    assert np.array_equal(forward.logprobs[0], both.logprobs[0])


@pytest.mark.parametrize("gathered", [False, True])
def test_a_loss_that_overflows_halfway_leaves_the_gradient_as_it_was(
    engine: TorchEngine, datum: MakeDatum, monkeypatch: pytest.MonkeyPatch, gathered: bool
) -> None:
    monkeypatch.setattr(training, "TOKEN_BUDGET", {"cpu": 8})
    moved(engine, "m", "qwen3", datum)
    rng = np.random.default_rng(8)
    data = [datum(rng, n, "importance_sampling") for n in (4, 8, 6)]
    if gathered:
        engine.forward_backward("m", LossBatch(data=data, loss_fn="importance_sampling"))
    before = gradients(engine, "m")
    data[1].inputs["logprobs"][2] = -1e4
    with pytest.raises(UserError, match=r"Datum 1: the loss 'importance_sampling' is"):
        engine.forward_backward("m", LossBatch(data=data, loss_fn="importance_sampling"))
    after = gradients(engine, "m")
    assert (before is None) == (after is None)
    for one, other in zip(before or [], after or [], strict=True):
        assert torch.equal(one, other)


def test_a_diverged_model_is_told_of_and_changes_no_more(
    engine: TorchEngine, datum: MakeDatum
) -> None:
    moved(engine, "m", "qwen3", datum)
    batch = LossBatch(data=[datum(np.random.default_rng(9), 8)], loss_fn="cross_entropy")
    engine.forward_backward("m", batch)
    engine.optim_step("m", AdamParams(learning_rate=1e30))
    with pytest.raises(UserError, match="smaller learning rate"):
        engine.forward_backward("m", batch)
    assert gradients(engine, "m") is None
