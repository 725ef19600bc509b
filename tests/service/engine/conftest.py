"""Small random models on disk, engines over them, and a second way to compute what they compute."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from shared.tinker.service.catalogue import ModelSource
from shared.tinker.service.engine import TorchEngine
from shared.tinker.service.types import Datum
from tests.service.engine.plain import VOCAB, Reference, make_datum

CONTEXT = 96
SIZE = {
    "vocab_size": VOCAB,
    "hidden_size": 24,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 12,
    "max_position_embeddings": CONTEXT,
    "eos_token_id": 3,
    "initializer_range": 0.2,
}


def write_model(folder: Path, architecture: str, *, tied: bool = False) -> Path:
    torch.manual_seed(7)
    if architecture == "qwen3":
        model = Qwen3ForCausalLM(Qwen3Config(**SIZE, tie_word_embeddings=tied))
    else:
        model = LlamaForCausalLM(LlamaConfig(**SIZE, tie_word_embeddings=tied))
    model.save_pretrained(folder)
    words = {f"w{i}": i for i in range(VOCAB)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="w0"))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="w3").save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def model_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """`qwen3`, `llama` and `tied` (a qwen3 whose output layer is its embedding)."""
    root = tmp_path_factory.mktemp("models")
    return {
        "qwen3": write_model(root / "qwen3", "qwen3"),
        "llama": write_model(root / "llama", "llama"),
        "tied": write_model(root / "tied", "qwen3", tied=True),
    }


@pytest.fixture
def engine(model_folders: dict[str, Path]) -> TorchEngine:
    """A fresh engine serving `test/qwen3`, `test/llama` and `test/tied`."""
    return TorchEngine(
        [
            ModelSource(name=f"test/{name}", location=str(path))
            for name, path in model_folders.items()
        ]
    )


@pytest.fixture
def datum() -> Callable[..., Datum]:
    """`datum(rng, length, loss, columns)`: a random datum that the loss accepts."""
    return make_datum


@pytest.fixture
def reference(model_folders: dict[str, Path], tmp_path: Path) -> Callable[..., Reference]:
    """`reference(engine, model_id, architecture)`: a reference with the model's present adapter."""

    def build(engine: TorchEngine, model_id: str, architecture: str) -> Reference:
        archive = tmp_path / f"reference-{len(list(tmp_path.iterdir()))}"
        archive.mkdir()
        engine.save(model_id, archive, optimizer=False)
        return Reference(model_folders[architecture], archive)

    return build
