"""Small random models on disk, engines over them, and a second way to compute what they compute."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, models
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from shared.tinker.service.catalogue import ModelSource
from shared.tinker.service.engine import TorchEngine
from shared.tinker.service.types import Datum, LossBatch

VOCAB = 61
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


def make_datum(
    rng: np.random.Generator, length: int, loss: str = "cross_entropy", columns: int | None = None
) -> Datum:
    shape = (length,) if columns is None else (length, columns)
    inputs: dict[str, np.ndarray] = {"target_tokens": rng.integers(0, VOCAB, shape)}
    if loss == "cross_entropy":
        inputs["weights"] = rng.normal(size=shape).astype(np.float32)
    else:
        # About what a random model gives, so that ratios lie on both sides of every threshold.
        inputs["logprobs"] = rng.normal(-math.log(VOCAB), 1.0, shape).astype(np.float32)
        inputs["advantages"] = rng.normal(size=shape).astype(np.float32)
    if loss == "gspo":
        inputs["sequence_ratio_mask"] = (rng.random(shape) < 0.7).astype(np.float32)
        inputs["sequence_ratio_mask"][-1] = 1.0
    return Datum(tokens=rng.integers(0, VOCAB, length), inputs=inputs)


@pytest.fixture
def datum() -> Callable[..., Datum]:
    """`datum(rng, length, loss, columns)`: a random datum that the loss accepts."""
    return make_datum


def _loss(
    name: str, lp: Tensor, inputs: Mapping[str, Tensor], config: Mapping[str, float]
) -> Tensor:
    """The published formulas once more, token by token, on purpose not vectorised."""
    if name == "cross_entropy":
        return -torch.dot(lp.reshape(-1), inputs["weights"].reshape(-1))
    q, advantages = inputs["logprobs"], inputs["advantages"]
    low, high = config.get("clip_low_threshold", 0.8), config.get("clip_high_threshold", 1.2)
    terms: list[Tensor] = []
    mask = inputs.get("sequence_ratio_mask")
    for t, a in enumerate(advantages.tolist()):
        ratio = torch.exp(lp[t] - q[t])
        if name == "gspo" and mask is not None:
            kept = [i for i in range(len(lp)) if mask[i] == 1]
            mean = sum(float(lp[i].detach() - q[i]) for i in kept) / len(kept)
            ratio = math.exp(mean) * torch.exp(lp[t] - lp[t].detach())
        if name == "importance_sampling":
            terms.append(ratio * a)
        elif name in ("ppo", "gspo"):
            terms.append(torch.min(ratio * a, torch.clip(ratio, low, high) * a))
        elif name == "cispo":
            low, high = (
                config.get("clip_low_threshold", 0.0),
                config.get("clip_high_threshold", 4.0),
            )
            terms.append(min(max(float(ratio.detach()), low), high) * lp[t] * a)
        elif name == "dro":
            terms.append(lp[t] * a - config.get("beta", 0.05) / 2 * (lp[t] - q[t]) ** 2)
    return -torch.stack(terms).sum()


class Reference:
    """The same model without peft, padding or micro-batches: W + 32/r B A, float64, one by one.

    Reads A and B from a saved archive; gradients gather in `.grad` of `parameters`.
    """

    def __init__(self, model_folder: Path, archive: Path) -> None:
        self.model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float64).eval()
        saved = load_file(archive / "adapter_model.safetensors")
        self.parameters = {k: v.double().requires_grad_() for k, v in saved.items()}

    def _weights(self) -> dict[str, Tensor]:
        weights = dict(self.model.named_parameters())
        for key, a in self.parameters.items():
            if ".lora_A." not in key:
                continue
            b = self.parameters[key.replace("lora_A", "lora_B")]
            name = key.removeprefix("base_model.model.").replace(".lora_A", "")
            name = name.replace("model.unembed_tokens", "lm_head")
            weights[name] = weights[name].detach() + 32 / a.shape[0] * (b @ a)
        return weights

    def logprobs(self, datum: Datum) -> Tensor:
        tokens = torch.tensor(datum.tokens)[None]
        logits = torch.func.functional_call(
            self.model, self._weights(), kwargs={"input_ids": tokens}
        )
        table = torch.log_softmax(logits["logits"][0], -1)
        targets = torch.tensor(datum.inputs["target_tokens"])
        return table.gather(1, targets.reshape(len(table), -1)).reshape(targets.shape)

    def forward_backward(self, batch: LossBatch) -> tuple[list[Tensor], float]:
        found, total = [], 0.0
        config = {k: float(v) for k, v in batch.config.items()}
        for datum in batch.data:
            lp = self.logprobs(datum)
            inputs = {k: torch.tensor(v).double() for k, v in datum.inputs.items()}
            loss = _loss(batch.loss_fn, lp, inputs, config)
            loss.backward()
            found.append(lp.detach())
            total += float(loss.detach())
        return found, total


@pytest.fixture
def reference(model_folders: dict[str, Path], tmp_path: Path) -> Callable[..., Reference]:
    """`reference(engine, model_id, architecture)`: a reference with the model's present adapter."""

    def build(engine: TorchEngine, model_id: str, architecture: str) -> Reference:
        archive = tmp_path / f"reference-{len(list(tmp_path.iterdir()))}"
        archive.mkdir()
        engine.save(model_id, archive, optimizer=False)
        return Reference(model_folders[architecture], archive)

    return build
