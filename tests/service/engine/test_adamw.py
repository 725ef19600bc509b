"""AdamW of the engine against its definition, and whole runs against recomputed ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from shared.tinker.errors import UserError
from shared.tinker.service.engine import TorchEngine
from shared.tinker.service.types import AdamParams, LoraSpec, LossBatch
from tests.service.engine.plain import (
    MakeDatum,
    assert_close,
    gradients,
    hosted_keys,
    moved,
    parameters,
)


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


@pytest.mark.parametrize("architecture", ["qwen3", "llama"])
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
    for key, now in zip(hosted_keys(engine, "m"), parameters(engine, "m"), strict=True):
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
