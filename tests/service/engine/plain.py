"""A second way to compute what the engine computes, and small tools of its tests."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForCausalLM

from shared.tinker.service.engine import TorchEngine
from shared.tinker.service.types import AdamParams, Datum, LoraSpec, LossBatch

VOCAB = 61
MakeDatum = Callable[..., Datum]
# float32 against float64 on a model of this size; the issue asks for 1e-5.
TOLERANCE = 1e-5


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


def hosted_keys(engine: TorchEngine, model_id: str) -> list[str]:
    paths = engine._models[model_id].adapter.weights
    hosted = [p.replace("lm_head", "model.unembed_tokens") for p in paths]
    return [f"base_model.model.{p}.lora_{m}.weight" for p in hosted for m in "AB"]


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
