"""What the engine says of its models, and what it refuses by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from shared.tinker.errors import NotFoundError, OverLimitError, UnsupportedError, UserError
from shared.tinker.service import training
from shared.tinker.service.base_model import load_base, pick_device
from shared.tinker.service.catalogue import ModelSource
from shared.tinker.service.engine import TorchEngine
from shared.tinker.service.types import AdamParams, Datum, Engine, LoraSpec, LossBatch

BATCH = LossBatch(
    data=[
        Datum(
            tokens=np.arange(4),
            inputs={"target_tokens": np.arange(4), "weights": np.ones(4, np.float32)},
        )
    ],
    loss_fn="cross_entropy",
)


def test_it_is_an_engine(engine: TorchEngine) -> None:
    contract: Engine = engine
    assert contract.served()[0].name == "test/qwen3"


def test_the_catalogue_is_told_from_config_json(model_folders: dict[str, Path]) -> None:
    location = str(model_folders["llama"])
    engine = TorchEngine(
        [
            ModelSource(name="mine", location=location),
            ModelSource(name="Famous/Model", location=location, stand_in_for="Famous/Model"),
        ]
    )
    mine, stand_in = engine.served()
    assert (mine.vocab_size, mine.max_context, mine.tokenizer_id) == (61, 96, location)
    assert (mine.stand_in_for, stand_in.stand_in_for) == (None, "Famous/Model")


def test_names_of_one_location_share_the_weights(model_folders: dict[str, Path]) -> None:
    location = str(model_folders["llama"])
    engine = TorchEngine([ModelSource(name=name, location=location) for name in ("one", "two")])
    assert engine._base("one").model is engine._base("two").model
    engine.create_model("m", "two", LoraSpec(rank=2))
    assert engine._models["m"].base.name == "two"


def test_unknown_names_are_refused_with_what_there_is(engine: TorchEngine, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="test/qwen3"):
        engine.create_model("m", "gpt-17", LoraSpec())
    with pytest.raises(NotFoundError, match="test/qwen3"):
        engine.check_batch("gpt-17", BATCH)
    with pytest.raises(NotFoundError):
        engine.open_sampler("s", "gpt-17", None)
    for call in (
        lambda: engine.forward_backward("nobody", BATCH),
        lambda: engine.optim_step("nobody", AdamParams()),
        lambda: engine.save("nobody", tmp_path, optimizer=True),
        lambda: engine.load("nobody", tmp_path, optimizer=True),
        lambda: engine.snapshot_sampler("s", "nobody"),
        lambda: engine.sampling_run("nobody"),
    ):
        with pytest.raises(NotFoundError, match="nobody"):
            call()
    engine.forget_model("nobody")
    engine.close_sampler("nobody")


def test_a_model_is_created_once_and_its_name_is_free_after_it_is_forgotten(
    engine: TorchEngine,
) -> None:
    engine.create_model("s:train:0", "test/qwen3", LoraSpec(rank=2))
    with pytest.raises(UserError, match="exists already"):
        engine.create_model("s:train:0", "test/qwen3", LoraSpec(rank=2))
    engine.forget_model("s:train:0")
    engine.create_model("s:train:0", "test/qwen3", LoraSpec(rank=3))


def test_forward_backward_checks_by_itself(engine: TorchEngine) -> None:
    engine.create_model("m", "test/qwen3", LoraSpec(rank=2))
    with pytest.raises(UserError, match="holds no data"):
        engine.forward_backward("m", LossBatch(data=[], loss_fn="cross_entropy"))


def test_a_full_memory_is_a_limit_and_other_failures_stay_what_they_are(
    engine: TorchEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.create_model("m", "test/qwen3", LoraSpec(rank=2))

    def fail(message: str) -> None:
        def raising(*_: object) -> None:
            raise RuntimeError(message)

        monkeypatch.setattr(training, "target_logprobs", raising)

    fail("DefaultCPUAllocator: can't allocate memory: you tried to allocate 7 bytes.")
    with pytest.raises(OverLimitError, match="shorter sequences"):
        engine.forward_backward("m", BATCH)
    fail("something else")
    with pytest.raises(RuntimeError, match="something else"):
        engine.forward_backward("m", BATCH)


@pytest.mark.parametrize(
    ("config", "error"),
    [
        (None, NotFoundError),
        ("{", UserError),
        ("[]", UserError),
        (json.dumps({"model_type": "qwen3"}), UserError),
        (
            json.dumps({"model_type": "gpt2", "vocab_size": 5, "max_position_embeddings": 8}),
            UnsupportedError,
        ),
    ],
)
def test_a_folder_that_is_no_model_is_told_of(
    tmp_path: Path, config: str | None, error: type[Exception]
) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    engine = TorchEngine([ModelSource(name="mine", location=str(tmp_path))])
    with pytest.raises(error):
        engine.served()


def test_a_model_without_weights_is_told_of(tmp_path: Path, model_folders: dict[str, Path]) -> None:
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((model_folders["qwen3"] / name).read_bytes())
    with pytest.raises(UserError, match="cannot be loaded from"):
        load_base(ModelSource(name="mine", location=str(tmp_path)), "cpu")
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(UserError, match="cannot be loaded from"):
        load_base(ModelSource(name="mine", location=str(tmp_path)), "cpu")
    weights = load_file(model_folders["qwen3"] / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"no model\.layers\.1\.mlp\.up_proj"):
        load_base(ModelSource(name="mine", location=str(tmp_path)), "cpu")


def test_a_hub_name_that_is_nowhere_is_not_found() -> None:
    engine = TorchEngine([ModelSource(name="mine", location="nobody/nothing")])
    with pytest.raises(NotFoundError, match="neither a folder here nor a model"):
        engine.served()


def test_devices_are_checked() -> None:
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type in ("cpu", "cuda")
    with pytest.raises(UserError, match="Use auto, cpu or cuda"):
        pick_device("tpu")


def test_end_tokens_come_from_the_model_and_its_tokenizer(engine: TorchEngine) -> None:
    assert engine._base("test/qwen3").eos_ids == (3,)
