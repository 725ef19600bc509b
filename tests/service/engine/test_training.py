"""Losses, gradients and AdamW of the engine, against a plain float64 re-computation."""

from __future__ import annotations

from collections.abc import Callable
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
from shared.tinker.service.types import AdamParams, Datum, LoraSpec, LossBatch

# float32 against float64 on a model of this size; the issue asks for 1e-5.
TOLERANCE = 1e-5
ARCHITECTURES = ("qwen3", "llama")
MakeDatum = Callable[..., Datum]


def moved(engine: TorchEngine, model_id: str, architecture: str, make: MakeDatum) -> None:
    """A model one step away from its start, so that B is not zero and A has gradients."""
    engine.create_model(model_id, f"test/{architecture}", LoraSpec(rank=3, seed=5))
    batch = LossBatch(data=[make(np.random.default_rng(1), 9)], loss_fn="cross_entropy")
    engine.forward_backward(model_id, batch)
    engine.optim_step(model_id, AdamParams(learning_rate=2e-2))


def gradients(engine: TorchEngine, model_id: str) -> list[torch.Tensor] | None:
    found = engine._models[model_id].gradients()
    return None if found is None else [g.clone() for g in found]


def parameters(engine: TorchEngine, model_id: str) -> list[torch.Tensor]:
    return [p.detach().clone() for p in engine._models[model_id].adapter.parameters()]


def assert_close(ours: Any, theirs: Any) -> None:
    """Within TOLERANCE of the largest value (sums over tokens have sizes of their own)."""
    theirs = torch.as_tensor(theirs).double()
    scale = max(1.0, float(theirs.abs().max()))
    assert float((torch.as_tensor(ours).double() - theirs).abs().max()) <= TOLERANCE * scale


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
    named = dict(zip(_keys(engine, "m"), gradients(engine, "m") or [], strict=True))
    assert set(named) == set(plain.parameters)
    for key, gradient in named.items():
        assert_close(gradient, plain.parameters[key].grad)


def _keys(engine: TorchEngine, model_id: str) -> list[str]:
    paths = engine._models[model_id].adapter.weights
    hosted = [p.replace("lm_head", "model.unembed_tokens") for p in paths]
    return [f"base_model.model.{p}.lora_{m}.weight" for p in hosted for m in "AB"]


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
    monkeypatch.setattr(logprobs_module, "LOGITS_BUDGET", 4 * 61)
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


class HandAdamW:
    """AdamW by its definition (Loshchilov and Hutter 2019, algorithm 2), one tensor, float64."""

    def __init__(self, value: torch.Tensor) -> None:
        self.value, self.t = value.double(), 0
        self.m, self.v = torch.zeros_like(self.value), torch.zeros_like(self.value)

    def step(self, gradient: torch.Tensor, adam: AdamParams) -> None:
        self.t += 1
        g = gradient.double()
        self.m = adam.beta1 * self.m + (1 - adam.beta1) * g
        self.v = adam.beta2 * self.v + (1 - adam.beta2) * g * g
        m_hat = self.m / (1 - adam.beta1**self.t)
        v_hat = self.v / (1 - adam.beta2**self.t)
        self.value = self.value * (1 - adam.learning_rate * adam.weight_decay)
        self.value = self.value - adam.learning_rate * m_hat / (v_hat.sqrt() + adam.eps)


STEPS = (
    AdamParams(learning_rate=1e-2),
    AdamParams(learning_rate=3e-3, weight_decay=0.1, beta1=0.8),
    AdamParams(learning_rate=3e-3, grad_clip_norm=0.5, beta2=0.99, eps=1e-8),
    AdamParams(learning_rate=0.0),
    AdamParams(learning_rate=1e-3, grad_clip_norm=1e6),
)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_optim_step_is_adamw_with_settings_of_each_step(
    engine: TorchEngine, datum: MakeDatum, architecture: str
) -> None:
    engine.create_model("m", f"test/{architecture}", LoraSpec(rank=3, seed=5))
    hands = [HandAdamW(p) for p in parameters(engine, "m")]
    rng = np.random.default_rng(10)
    for adam in STEPS:
        batch = LossBatch(data=[datum(rng, 10), datum(rng, 6)], loss_fn="cross_entropy")
        engine.forward_backward("m", batch)
        gathered = gradients(engine, "m") or []
        norm = float(torch.cat([g.double().flatten() for g in gathered]).norm())
        factor = min(1.0, adam.grad_clip_norm / norm) if adam.grad_clip_norm else 1.0
        metrics = engine.optim_step("m", adam)
        assert_close(metrics["grad_norm:mean"], norm)
        for hand, gradient, now in zip(hands, gathered, parameters(engine, "m"), strict=True):
            hand.step(gradient * factor, adam)
            assert_close(now, hand.value)
        assert gradients(engine, "m") is None


def test_a_training_run_equals_the_recomputed_run(
    engine: TorchEngine, reference: Any, datum: MakeDatum
) -> None:
    engine.create_model("m", "test/llama", LoraSpec(rank=3, seed=5))
    plain = reference(engine, "m", "llama")
    # With a small eps a gradient of nearly zero moves a weight by its sign, which rounding
    # decides; a large one keeps the comparison about the arithmetic.
    adam = AdamParams(learning_rate=1e-2, eps=1.0, weight_decay=0.01, grad_clip_norm=20.0)
    optimizer = torch.optim.AdamW(
        plain.parameters.values(), lr=1e-2, betas=(0.9, 0.95), eps=1.0, weight_decay=0.01
    )
    rng = np.random.default_rng(11)
    for loss in ("cross_entropy", "ppo", "gspo", "dro", "cispo", "importance_sampling"):
        batch = LossBatch(data=[datum(rng, 9, loss), datum(rng, 14, loss)], loss_fn=loss)
        ours = engine.forward_backward("m", batch).metrics["loss:sum"]
        assert_close(ours, plain.forward_backward(batch)[1])
        engine.optim_step("m", adam)
        torch.nn.utils.clip_grad_norm_(plain.parameters.values(), 20.0)
        optimizer.step()
        optimizer.zero_grad()
    for key, now in zip(_keys(engine, "m"), parameters(engine, "m"), strict=True):
        assert_close(now, plain.parameters[key].detach())


def test_a_step_without_gradient_is_a_step_on_zeros(engine: TorchEngine, datum: MakeDatum) -> None:
    engine.create_model("m", "test/qwen3", LoraSpec(rank=3, seed=5))
    start = parameters(engine, "m")
    assert engine.optim_step("m", AdamParams())["grad_norm:mean"] == 0.0
    assert all(torch.equal(a, b) for a, b in zip(start, parameters(engine, "m"), strict=True))
    batch = LossBatch(data=[datum(np.random.default_rng(12), 8)], loss_fn="cross_entropy")
    engine.forward_backward("m", batch)
    engine.optim_step("m", AdamParams())
    moving = parameters(engine, "m")
    engine.optim_step("m", AdamParams())
    # Momentum goes on.
    assert any(not torch.equal(a, b) for a, b in zip(moving, parameters(engine, "m"), strict=True))


@pytest.mark.parametrize(
    "adam",
    [
        AdamParams(learning_rate=float("nan")),
        AdamParams(learning_rate=-1e-3),
        AdamParams(beta1=1.0),
        AdamParams(eps=float("inf")),
        AdamParams(grad_clip_norm=-1.0),
    ],
)
def test_settings_adamw_cannot_use_are_refused_and_keep_the_gradient(
    engine: TorchEngine, datum: MakeDatum, adam: AdamParams
) -> None:
    moved(engine, "m", "qwen3", datum)
    batch = LossBatch(data=[datum(np.random.default_rng(13), 8)], loss_fn="cross_entropy")
    engine.forward_backward("m", batch)
    before = gradients(engine, "m") or []
    with pytest.raises(UserError, match=r"adam_params\.\w+ is"):
        engine.optim_step("m", adam)
    assert all(torch.equal(a, b) for a, b in zip(before, gradients(engine, "m") or [], strict=True))
