"""Adapters: how they start, which layers they have, and that they leave one another alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from shared.tinker.errors import UnsupportedError, UserError
from shared.tinker.service.engine import TorchEngine
from shared.tinker.service.lora import Adapter
from shared.tinker.service.types import AdamParams, Datum, LoraSpec, LossBatch

MakeDatum = Callable[..., Datum]


def adapter(engine: TorchEngine, model_id: str) -> Adapter:
    return engine._models[model_id].adapter


def train(engine: TorchEngine, model_id: str, batch: LossBatch) -> float:
    loss = engine.forward_backward(model_id, batch).metrics["loss:sum"]
    engine.optim_step(model_id, AdamParams(learning_rate=1e-2))
    return loss


def test_b_starts_at_zero_and_a_within_kaimings_bound(engine: TorchEngine) -> None:
    engine.create_model("m", "test/qwen3", LoraSpec(rank=5, seed=0))
    for path, (a, b) in adapter(engine, "m").weights.items():
        assert a.shape[0] == b.shape[1] == 5, path
        assert not b.any()
        # Kaiming-uniform with a = sqrt 5 is uniform on +-1/sqrt(in).
        bound = a.shape[1] ** -0.5
        assert 0.8 * bound < float(a.detach().abs().max()) <= bound
    assert adapter(engine, "m").scaling == 32 / 5


def test_the_seed_decides_a_and_no_seed_draws_anew(engine: TorchEngine) -> None:
    for name, seed in (("one", 3), ("same", 3), ("other", 4), ("free", None), ("free2", None)):
        engine.create_model(name, "test/llama", LoraSpec(rank=2, seed=seed))
    first = {name: adapter(engine, name).parameters()[0] for name in engine._models}
    assert torch.equal(first["one"], first["same"])
    assert not torch.equal(first["one"], first["other"])
    assert not torch.equal(first["free"], first["free2"])


@pytest.mark.parametrize(
    ("spec", "leaves"),
    [
        (LoraSpec(rank=1, train_mlp=False, train_unembed=False), {"q", "k", "v", "o"}),
        (LoraSpec(rank=1, train_attn=False, train_unembed=False), {"gate", "up", "down"}),
        (LoraSpec(rank=1, train_attn=False, train_mlp=False), {"lm_head"}),
        (LoraSpec(rank=1), {"q", "k", "v", "o", "gate", "up", "down", "lm_head"}),
    ],
)
def test_flags_choose_the_layers(engine: TorchEngine, spec: LoraSpec, leaves: set[str]) -> None:
    engine.create_model("m", "test/llama", spec)
    paths = adapter(engine, "m").weights
    assert {p.rpartition(".")[2].removesuffix("_proj") for p in paths} == leaves
    layers = 1 if leaves == {"lm_head"} else 2 * len(leaves - {"lm_head"}) + ("lm_head" in leaves)
    assert len(paths) == layers


def test_a_spec_that_trains_nothing_or_has_no_rank_is_refused(engine: TorchEngine) -> None:
    with pytest.raises(UserError, match="Set at least one"):
        engine.create_model(
            "m", "test/qwen3", LoraSpec(train_attn=False, train_mlp=False, train_unembed=False)
        )
    with pytest.raises(UserError, match="rank must be 1 or more; got 0"):
        engine.create_model("m", "test/qwen3", LoraSpec(rank=0))


def test_the_output_layer_of_a_tied_model_is_refused_and_the_rest_trains(
    engine: TorchEngine, datum: MakeDatum
) -> None:
    with pytest.raises(UnsupportedError, match="train_unembed=False"):
        engine.create_model("m", "test/tied", LoraSpec())
    engine.create_model("m", "test/tied", LoraSpec(rank=2, train_unembed=False))
    batch = LossBatch(data=[datum(np.random.default_rng(0), 6)], loss_fn="cross_entropy")
    assert np.isfinite(train(engine, "m", batch))


def test_models_of_different_shapes_over_one_base_leave_each_other_alone(
    engine: TorchEngine, datum: MakeDatum
) -> None:
    rng = np.random.default_rng(1)
    batch = LossBatch(data=[datum(rng, 12), datum(rng, 5)], loss_fn="cross_entropy")
    specs = {
        "a": LoraSpec(rank=2, seed=1),
        "b": LoraSpec(rank=7, seed=2, train_mlp=False),
        "c": LoraSpec(rank=2, seed=1),
    }
    alone: dict[str, list[float]] = {}
    for name, spec in specs.items():
        engine.create_model(name, "test/qwen3", spec)
        alone[name] = [train(engine, name, batch) for _ in range(3)]
        engine.forget_model(name)
    for name, spec in specs.items():
        engine.create_model(name, "test/qwen3", spec)
    together: dict[str, list[float]] = {name: [] for name in specs}
    for _ in range(3):
        for name in specs:
            together[name].append(train(engine, name, batch))
    assert together == alone
    assert alone["a"] == alone["c"] != alone["b"]


def test_interleaved_calls_keep_each_models_gradient(engine: TorchEngine, datum: MakeDatum) -> None:
    rng = np.random.default_rng(2)
    batch = LossBatch(data=[datum(rng, 9)], loss_fn="cross_entropy")
    for name in ("a", "b"):
        engine.create_model(name, "test/llama", LoraSpec(rank=2, seed=1))
    engine.forward_backward("a", batch)
    engine.forward_backward("b", batch)
    engine.forward_backward("b", batch)
    once = engine.optim_step("a", AdamParams())["grad_norm:mean"]
    twice = engine.optim_step("b", AdamParams())["grad_norm:mean"]
    # Doubling is exact in float32; the norm sums squares.
    assert twice == pytest.approx(2 * once, rel=1e-6)


def test_training_leaves_the_base_untouched(
    engine: TorchEngine, datum: MakeDatum, model_folders: dict[str, Path]
) -> None:
    engine.warm()
    base = engine._base("test/qwen3").model
    before = {name: value.clone() for name, value in base.state_dict().items()}
    engine.create_model("m", "test/qwen3", LoraSpec(rank=2))
    train(
        engine, "m", LossBatch(data=[datum(np.random.default_rng(3), 6)], loss_fn="cross_entropy")
    )
    after = base.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert not any(p.requires_grad for p in base.parameters())


def test_creating_a_model_draws_nothing_from_torchs_generator(engine: TorchEngine) -> None:
    engine.warm()
    state = torch.get_rng_state()
    engine.create_model("m", "test/qwen3", LoraSpec(rank=2, seed=1))
    assert torch.equal(torch.get_rng_state(), state)
