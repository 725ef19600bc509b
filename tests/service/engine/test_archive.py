"""Checkpoints: hosted names, bit-equal resume, and damage that is told of."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from tinker_cookbook import weights
from transformers import AutoModelForCausalLM

from shared.tinker.errors import CheckpointError, UserError
from shared.tinker.service.archive import CONFIG, OPTIMIZER, WEIGHTS
from shared.tinker.service.engine import TorchEngine
from shared.tinker.service.types import AdamParams, Datum, LoraSpec, LossBatch, LossResult

MakeDatum = Callable[..., Datum]
ADAM = AdamParams(learning_rate=1e-2, weight_decay=0.01)


def batch_of(make: MakeDatum, seed: int, loss: str = "cross_entropy") -> LossBatch:
    rng = np.random.default_rng(seed)
    return LossBatch(data=[make(rng, n, loss) for n in (7, 19, 3)], loss_fn=loss)


def steps(engine: TorchEngine, model_id: str, make: MakeDatum, seeds: range) -> LossResult:
    for seed in seeds:
        result = engine.forward_backward(model_id, batch_of(make, seed))
        engine.optim_step(model_id, ADAM)
    return result


@pytest.fixture
def saved(engine: TorchEngine, datum: MakeDatum, tmp_path: Path) -> Path:
    """A checkpoint of `m`, a qwen3 model after four steps."""
    engine.create_model("m", "test/qwen3", LoraSpec(rank=3, seed=5))
    steps(engine, "m", datum, range(4))
    folder = tmp_path / "saved"
    folder.mkdir()
    engine.save("m", folder, optimizer=True)
    return folder


def test_the_files_bear_the_names_of_hosted_archives(saved: Path) -> None:
    assert {p.name for p in saved.iterdir()} == {CONFIG, WEIGHTS, OPTIMIZER}
    config = json.loads((saved / CONFIG).read_text())
    assert (config["r"], config["lora_alpha"]) == (3, 32)
    tensors = load_file(saved / WEIGHTS)
    layers = [f"layers.{i}.self_attn.{p}_proj" for i in range(2) for p in "qkvo"]
    layers += [f"layers.{i}.mlp.{p}_proj" for i in range(2) for p in ("gate", "up", "down")]
    expected = {
        f"base_model.model.model.{layer}.lora_{matrix}.weight"
        for layer in [*layers, "unembed_tokens"]
        for matrix in "AB"
    }
    assert set(tensors) == expected
    assert tensors["base_model.model.model.unembed_tokens.lora_B.weight"].shape == (61, 3)


def test_without_optimizer_none_is_written(
    engine: TorchEngine, saved: Path, tmp_path: Path
) -> None:
    sampler = tmp_path / "sampler"
    sampler.mkdir()
    engine.save("m", sampler, optimizer=False)
    assert {p.name for p in sampler.iterdir()} == {CONFIG, WEIGHTS}
    engine.load("m", sampler, optimizer=False)
    with pytest.raises(UserError, match="holds no optimizer state"):
        engine.load("m", sampler, optimizer=True)


@pytest.mark.parametrize(
    "spec",
    [
        LoraSpec(rank=2, seed=9),
        LoraSpec(rank=4, seed=None, train_mlp=False),
        LoraSpec(rank=1, seed=0, train_attn=False, train_unembed=False),
    ],
)
def test_the_spec_is_read_back(engine: TorchEngine, tmp_path: Path, spec: LoraSpec) -> None:
    engine.create_model("m", "test/llama", spec)
    engine.save("m", tmp_path, optimizer=False)
    assert engine.read_spec(tmp_path) == ("test/llama", spec)


def test_resume_in_another_engine_is_bit_equal(
    engine: TorchEngine, datum: MakeDatum, saved: Path
) -> None:
    onward = steps(engine, "m", datum, range(4, 8))
    other = TorchEngine(list(engine._sources.values()))
    other.create_model("again", "test/qwen3", LoraSpec(rank=3, seed=77))
    other.load("again", saved, optimizer=True)
    again = steps(other, "again", datum, range(4, 8))
    assert again.metrics == onward.metrics
    for one, two in zip(onward.logprobs, again.logprobs, strict=True):
        assert np.array_equal(one, two)
    pair = (engine._models["m"].adapter, other._models["again"].adapter)
    for a, b in zip(pair[0].parameters(), pair[1].parameters(), strict=True):
        assert torch.equal(a, b)


def test_resume_of_an_unstepped_model_is_bit_equal(
    engine: TorchEngine, datum: MakeDatum, tmp_path: Path
) -> None:
    engine.create_model("m", "test/llama", LoraSpec(rank=2, seed=5))
    engine.save("m", tmp_path, optimizer=True)
    engine.create_model("n", "test/llama", LoraSpec(rank=2, seed=6))
    engine.load("n", tmp_path, optimizer=True)
    assert (
        steps(engine, "m", datum, range(3)).metrics == steps(engine, "n", datum, range(3)).metrics
    )


def test_loading_weights_alone_starts_the_optimizer_afresh(
    engine: TorchEngine, datum: MakeDatum, saved: Path
) -> None:
    engine.forward_backward("m", batch_of(datum, 1))
    engine.load("m", saved, optimizer=False)
    state = engine._models["m"].optimizer_state()
    assert state.step == 0
    assert not any(m.any() for m in (*state.first, *state.second))
    assert engine._models["m"].gradients() is None


def cut(path: Path, keep: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS, OPTIMIZER])
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.99])
def test_a_file_cut_off_is_told_of_and_the_model_stays(
    engine: TorchEngine, saved: Path, name: str, keep: float
) -> None:
    cut(saved / name, keep)
    before = [p.clone() for p in engine._models["m"].adapter.parameters()]
    with pytest.raises(CheckpointError, match=r"damaged|missing"):
        engine.load("m", saved, optimizer=True)
    if name != OPTIMIZER:
        with pytest.raises(CheckpointError):
            engine.read_spec(saved)
    after = engine._models["m"].adapter.parameters()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop(next(iter(t))), "holds nothing for"),
        (lambda t: t.update({"extra.lora_A.weight": torch.zeros(3, 2)}), "no place for"),
        (lambda t: next(iter(t.values())).fill_(float("nan")), "not finite"),
        (lambda t: t.update({k: v[:2] for k, v in t.items() if "lora_A" in k}), "not of rank 3"),
        (
            lambda t: t.update({k: v[:, :2] for k, v in t.items() if "lora_A" in k}),
            "expected shape",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    engine: TorchEngine,
    saved: Path,
    change: Callable[[dict[str, torch.Tensor]], None],
    message: str,
) -> None:
    tensors = load_file(saved / WEIGHTS)
    change(tensors)
    save_file({k: v.contiguous() for k, v in tensors.items()}, saved / WEIGHTS)
    with pytest.raises(CheckpointError, match=message):
        engine.load("m", saved, optimizer=False)


@pytest.mark.parametrize(
    "config", ["[]", "{}", '{"r": 3}', '{"base_model_name_or_path": "x", "r": 3, "lora_alpha": 16}']
)
def test_a_config_that_says_too_little_or_the_wrong_thing_is_refused(
    engine: TorchEngine, saved: Path, config: str
) -> None:
    (saved / CONFIG).write_text(config)
    with pytest.raises(CheckpointError):
        engine.read_spec(saved)


def test_a_model_of_another_shape_takes_no_such_checkpoint(
    engine: TorchEngine, saved: Path
) -> None:
    engine.create_model("other", "test/qwen3", LoraSpec(rank=4))
    with pytest.raises(CheckpointError, match=r"rank=3.*rank=4"):
        engine.load("other", saved, optimizer=False)


def test_a_folder_that_cannot_be_written_is_told_of(engine: TorchEngine, tmp_path: Path) -> None:
    engine.create_model("m", "test/qwen3", LoraSpec(rank=2))
    with pytest.raises(CheckpointError, match="Make room"):
        engine.save("m", tmp_path / "missing", optimizer=True)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_told_of(engine: TorchEngine, tmp_path: Path) -> None:
    engine.create_model("m", "test/qwen3", LoraSpec(rank=2))
    (tmp_path / CONFIG).symlink_to("/dev/full")
    with pytest.raises(CheckpointError, match="No space left"):
        engine.save("m", tmp_path, optimizer=True)


@pytest.mark.parametrize("architecture", ["qwen3", "llama", "tied"])
def test_the_cookbooks_exports_give_the_engines_logprobs(
    engine: TorchEngine,
    datum: MakeDatum,
    model_folders: dict[str, Path],
    tmp_path: Path,
    architecture: str,
) -> None:
    spec = LoraSpec(rank=3, seed=5, train_unembed=architecture != "tied")
    engine.create_model("m", f"test/{architecture}", spec)
    steps(engine, "m", datum, range(4))
    archive = tmp_path / "archive"
    archive.mkdir()
    engine.save("m", archive, optimizer=False)
    base = str(model_folders[architecture])
    paths = {"base_model": base, "adapter_path": str(archive)}
    weights.build_lora_adapter(**paths, output_path=str(tmp_path / "peft"))
    weights.build_hf_model(**paths, output_path=str(tmp_path / "merged"), dtype="float32")
    plain = AutoModelForCausalLM.from_pretrained(base)
    peft = PeftModel.from_pretrained(plain, str(tmp_path / "peft")).eval()
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype=torch.float32).eval()
    batch = batch_of(datum, 99)
    ours = engine.forward_backward("m", batch)
    for one, logprobs in zip(batch.data, ours.logprobs, strict=True):
        for model in (peft, merged):
            with torch.no_grad():
                logits = model(input_ids=torch.tensor(one.tokens)[None]).logits[0]
            targets = torch.tensor(one.inputs["target_tokens"])[:, None]
            exported = torch.log_softmax(logits, -1).gather(1, targets)[:, 0]
            # float32 throughout; merging rounds W + B A once more.
            assert float((exported - torch.tensor(logprobs)).abs().max()) <= 1e-5
