"""From a checkpoint of the real service to a PEFT adapter that says what the service said."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from peft import PeftModel
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from shared.models.base import NAME
from shared.tinker import TinkerClient, download_and_convert_weights, exports
from shared.tinker.adapter_files import untie
from shared.tinker.embedded import EmbeddedService
from shared.tinker.errors import CheckpointError, NotFoundError, UnsupportedError, UserError

from .conftest import Trained, train

# float32 sums in another order than the service's: a few units in the last of about 7 digits, on
# log-probabilities of size 10.
CLOSE = 1e-5


@pytest.fixture
def convert(there: TinkerClient, tmp_path: Path) -> Callable[..., Path]:
    """`download_and_convert_weights` into one folder, from the real service."""

    def run(checkpoint: object, base: str = NAME, **options: Any) -> Path:
        output = tmp_path / "weights"
        return Path(download_and_convert_weights(checkpoint, base, output, client=there, **options))

    return run


def logprobs(model: Any, tokens: tuple[int, ...]) -> NDArray[np.float64]:
    """Of each token after the first, float64 (T-1,)."""
    with torch.no_grad():
        logits = model(torch.tensor([tokens[:-1]])).logits[0].double()
    picked = torch.log_softmax(logits, -1)[torch.arange(len(tokens) - 1), list(tokens[1:])]
    return picked.numpy()


def loaded(place: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32).eval()


@pytest.mark.parametrize("kind", ["training", "external"])
def test_the_adapter_says_what_the_service_said(
    trained: Trained, convert: Callable[..., Path], kind: str
) -> None:
    adapter = convert(getattr(trained, kind))
    # PEFT warns of keys it ignores, and a warning is an error here.
    model = PeftModel.from_pretrained(loaded(trained.base), adapter).eval()
    np.testing.assert_allclose(logprobs(model, trained.tokens), trained.logprobs, atol=CLOSE)
    base = logprobs(loaded(trained.base), trained.tokens)
    assert np.abs(base - trained.logprobs).max() > 0.1  # the base alone does not


def test_the_merged_model_says_the_same(trained: Trained, convert: Callable[..., Path]) -> None:
    from tinker_cookbook.weights import build_hf_model

    raw = convert(trained.training, cleanup_archive=False).parent / "download"
    merged = raw.parent / "merged"
    build_hf_model(
        base_model=str(trained.base),
        adapter_path=str(raw),
        output_path=str(merged),
        dtype="float32",
    )
    np.testing.assert_allclose(
        logprobs(loaded(merged), trained.tokens), trained.logprobs, atol=CLOSE
    )


def test_an_adapter_of_a_tied_model_says_the_same(
    real: EmbeddedService, tied_model: Path, convert: Callable[..., Path]
) -> None:
    trained = train(real, "tied", tied_model, train_unembed=False)
    adapter = convert(trained.training, str(tied_model))
    model = PeftModel.from_pretrained(loaded(tied_model), adapter).eval()
    np.testing.assert_allclose(logprobs(model, trained.tokens), trained.logprobs, atol=CLOSE)


def test_a_tied_models_output_layer_is_adapted_and_its_embedding_is_not(
    tied_model: Path, tmp_path: Path
) -> None:
    from tinker_cookbook.weights import build_lora_adapter

    raw, adapter, rank = tmp_path / "raw", tmp_path / "adapter", 4
    raw.mkdir()
    model = loaded(tied_model)
    matrix = model.lm_head.weight.detach()  # (vocabulary, hidden)
    first, second = torch.randn(rank, matrix.shape[1]), torch.randn(matrix.shape[0], rank)
    name = "base_model.model.model.unembed_tokens.lora_"
    save_file(
        {f"{name}A.weight": first, f"{name}B.weight": second}, raw / "adapter_model.safetensors"
    )
    (raw / "adapter_config.json").write_text('{"r": 4, "lora_alpha": 32}')
    build_lora_adapter(base_model=str(tied_model), adapter_path=str(raw), output_path=str(adapter))
    untie(adapter)
    tokens = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        hidden = model.model(tokens).last_hidden_state
        expected = hidden @ (matrix + 32 / rank * second @ first).T
        with pytest.warns(UserWarning, match="tie_word_embeddings"):  # of merging, not of this
            adapted = PeftModel.from_pretrained(model, adapter).eval()
        got = adapted(tokens).logits
    # float32, sums of 32 products of size up to 100
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-3)


def test_the_record_says_what_it_is(trained: Trained, convert: Callable[..., Path]) -> None:
    adapter = convert(trained.training, metadata={"dataset": "one line"})
    info = json.loads((adapter.parent / "checkpoint_info.json").read_text())
    assert info == json.loads((adapter / "checkpoint_info.json").read_text())
    assert (info["tinker_path"], info["base_model"]) == (trained.training, NAME)
    assert (info["rank"], info["alpha"], info["dataset"]) == (8, 32, "one line")
    assert set(info["targets"]) >= {"q_proj", "down_proj", "lm_head"}
    weights = (adapter / "adapter_model.safetensors").read_bytes()
    assert info["sha256"] == hashlib.sha256(weights).hexdigest()
    assert info["versions"]["tinker"] == "0.38.0" and info["converted_at"].endswith("+00:00")
    config = json.loads((adapter / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == NAME


def test_nothing_but_the_result_is_left(
    trained: Trained, convert: Callable[..., Path], there: TinkerClient
) -> None:
    before = len(there.rest_client.list_user_checkpoints().result().checkpoints)
    adapter = convert(trained.training)
    assert adapter.name == "peft_adapter"
    assert sorted(path.name for path in adapter.parent.iterdir()) == [
        "checkpoint_info.json",
        "peft_adapter",
    ]
    after = there.rest_client.list_user_checkpoints().result().checkpoints
    assert len(after) == before  # the copy that was exported for us is deleted


def test_what_a_save_returns_is_taken_too(
    trained: Trained, convert: Callable[..., Path], there: TinkerClient
) -> None:
    training = there.service_client.create_training_client_from_state(trained.training).result()
    future = training.save_state("again")
    assert convert(future) == convert(future.result())


# Once, again, another


def test_the_same_again_returns_at_once(
    trained: Trained, convert: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = convert(trained.external)
    monkeypatch.setattr(exports, "fetch", lambda *_: pytest.fail("downloaded again"))
    assert convert(trained.external, metadata={"note": ["late"]}) == adapter
    info = json.loads((adapter.parent / "checkpoint_info.json").read_text())
    assert info["note"] == ["late"]


def test_a_damaged_one_is_made_again(trained: Trained, convert: Callable[..., Path]) -> None:
    weights = convert(trained.external) / "adapter_model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    convert(trained.external)
    assert weights.read_bytes() == whole


def test_another_is_refused_unless_told(trained: Trained, convert: Callable[..., Path]) -> None:
    adapter = convert(trained.external)
    with pytest.raises(UserError, match=r"holds tinker://.*overwrite=True"):
        convert(trained.training)
    convert(trained.training, overwrite=True)
    info = json.loads((adapter / "checkpoint_info.json").read_text())
    assert info["tinker_path"] == trained.training


def test_a_folder_of_somebody_elses_is_left_alone(
    trained: Trained, convert: Callable[..., Path], tmp_path: Path
) -> None:
    theirs = tmp_path / "weights" / "peft_adapter"
    theirs.mkdir(parents=True)
    with pytest.raises(UserError, match="not of our making"):
        convert(trained.external)


def test_a_failure_leaves_what_was_there(
    trained: Trained, convert: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = convert(trained.external)
    before = {path: path.read_bytes() for path in adapter.rglob("*") if path.is_file()}

    def full(*_: object) -> None:
        raise CheckpointError("the disk is full")

    monkeypatch.setattr(exports, "fetch", full)
    with pytest.raises(CheckpointError, match="disk is full"):
        convert(trained.training, overwrite=True)
    assert {path: path.read_bytes() for path in before} == before
    assert not list(adapter.parent.glob(".converting-*"))


# What cannot be


def test_sampler_weights_are_told_what_to_do_instead(
    trained: Trained, convert: Callable[..., Path]
) -> None:
    with pytest.raises(UnsupportedError, match=r"save_state\('final'\)") as caught:
        convert(trained.sampler)
    assert "save_weights_external('final')" in str(caught.value)


@pytest.mark.parametrize("checkpoint", ["weights/final", "tinker://run", "", 7, None])
def test_what_is_no_checkpoint_is_told(checkpoint: object, convert: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match="is no checkpoint"):
        convert(checkpoint)


@pytest.mark.parametrize("kind", ["weights", "external_weights"])
def test_a_checkpoint_nobody_has_is_told(kind: str, convert: Callable[..., Path]) -> None:
    with pytest.raises(NotFoundError):
        convert(f"tinker://00000000-0000-0000-0000-000000000000:train:0/{kind}/final")


def test_another_base_model_is_refused(trained: Trained, convert: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match="was trained on labkit/tiny, not on Qwen/Qwen3-8B"):
        convert(trained.external, "Qwen/Qwen3-8B")


def test_a_folder_of_another_size_is_refused(
    trained: Trained, convert: Callable[..., Path], tied_model: Path
) -> None:
    with pytest.raises(CheckpointError, match=r"does not fit|not an adapter of"):
        convert(trained.external, str(tied_model))


@pytest.mark.parametrize("metadata", [{"sha256": "mine"}, {"x": object()}])
def test_metadata_cannot_say_everything(
    trained: Trained, convert: Callable[..., Path], metadata: dict[str, Any]
) -> None:
    with pytest.raises(UserError, match="metadata"):
        convert(trained.external, metadata=metadata)
