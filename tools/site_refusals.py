"""What the service says to requests it does not serve: asked of the code itself, so it is so.

Each case makes one real check fail. The checks need no torch and no running service.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from shared.models import base
from shared.tinker.errors import TinkerKitError
from shared.tinker.service import requests
from shared.tinker.service.checking import check_adam, check_batch
from shared.tinker.service.limits import Limits, check_cap
from shared.tinker.service.sample_checks import check_job, check_params
from shared.tinker.service.training_routes import only_adamw
from shared.tinker.service.types import (
    AdamParams,
    Datum,
    LossBatch,
    SampleJob,
    SamplingParams,
    ServedModel,
)

_CONFIG = json.loads((base.folder() / "config.json").read_text(encoding="utf-8"))
MODEL = ServedModel(
    name=base.NAME,
    tokenizer_id="",
    max_context=_CONFIG["max_position_embeddings"],
    vocab_size=_CONFIG["vocab_size"],
)
Inputs = dict[str, NDArray[np.float32] | NDArray[np.int64]]


def batch(loss: str, config: dict[str, float | str] | None = None, **given: list[float]) -> None:
    """Check one datum of three tokens whose inputs are good where `given` does not say other."""
    values = {"target_tokens": [1, 2, 3], "logprobs": [-1, -1, -1], "advantages": [1, 1, 1]} | given
    inputs: Inputs = {name: np.asarray(value, np.float32) for name, value in values.items()}
    inputs["target_tokens"] = np.asarray(values["target_tokens"], np.int64)
    datum = Datum(tokens=np.asarray([0, 1, 2], np.int64), inputs=inputs)
    check_batch(
        LossBatch(data=[datum], loss_fn=loss, config=config or {}),
        vocab_size=MODEL.vocab_size,
        max_context=MODEL.max_context,
    )


def long_prompt() -> None:
    """A prompt that fills the context."""
    params = SamplingParams(max_tokens=1)
    prompt = np.zeros(9000, np.int64)
    check_job(MODEL, SampleJob(job_id="", prompt=prompt, num_samples=1, params=params))


def many_samples() -> None:
    """More completions than the cap."""
    check_cap("num_samples", 5000, Limits().num_samples, "Ask again for more.")


CASES: dict[str, Callable[[], None]] = {
    "a loss whose mathematics is not published": lambda: batch("stable_reinforce"),
    "an unknown loss": lambda: batch("grpo"),
    "a mask for a loss that reads none": lambda: batch("ppo", mask=[0, 1, 1]),
    "lengths that differ": lambda: batch("ppo", advantages=[1, 1]),
    "an advantage that is no number": lambda: batch("ppo", advantages=[1, float("nan"), 1]),
    "a token id out of range": lambda: batch("ppo", target_tokens=[1, 2, MODEL.vocab_size]),
    "an unknown setting": lambda: batch("ppo", {"epsilon": 0.2}),
    "thresholds around 0": lambda: batch("ppo", {"clip_low_threshold": -0.2}),
    "another optimizer": lambda: only_adamw(requests.Optimizer(type="dimuon")),
    "a learning rate below 0": lambda: check_adam(AdamParams(learning_rate=-1.0)),
    "nothing to sample": lambda: check_params(SamplingParams(max_tokens=0), MODEL.vocab_size),
    "a prompt without room behind it": long_prompt,
    "more than a cap": many_samples,
}


def refusals() -> str:
    """A table of what was asked and the answer, each from a call made now."""
    rows = ["| what you ask | what you read |", "| --- | --- |"]
    for asked, call in CASES.items():
        try:
            call()
        except TinkerKitError as error:
            rows.append(f"| {asked} | {error} |".replace("\n", " "))
        else:
            raise AssertionError(f"{asked} is not refused any more")
    return "\n".join(rows)
