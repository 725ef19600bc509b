"""What the parts of the service say to each other: plain frozen records, numpy arrays, no torch.

`wire` turns requests into these records, the `Engine` computes on them, `wire` turns its answers
back. The engine knows no HTTP, no keys and no paths of the protocol; the routes know no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

ALPHA = 32
"""LoRA's alpha, fixed on Tinker: every adapter is scaled by `ALPHA / rank`."""


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """A model of the catalogue. `stand_in_for` names what a stand-in is called after."""

    name: str
    tokenizer_id: str
    max_context: int
    vocab_size: int
    trainable: bool = True
    sampleable: bool = True
    stand_in_for: str | None = None


@dataclass(frozen=True, kw_only=True)
class LoraSpec:
    """What the client may choose of an adapter."""

    rank: int = 32
    seed: int | None = None
    train_attn: bool = True
    train_mlp: bool = True
    train_unembed: bool = True


@dataclass(frozen=True, kw_only=True)
class Datum:
    """One training sequence. `tokens` int64 (T,); inputs dense float32 or int64, (T,) or (T, K)."""

    tokens: NDArray[np.int64]
    inputs: Mapping[str, NDArray[np.float32] | NDArray[np.int64]]


@dataclass(frozen=True, kw_only=True)
class LossBatch:
    """One forward or forward_backward call."""

    data: Sequence[Datum]
    loss_fn: str
    config: Mapping[str, float | str] = field(default_factory=dict[str, float | str])
    backward: bool = True


@dataclass(frozen=True, kw_only=True)
class LossResult:
    """`logprobs[i]` float32, shaped like datum i's target_tokens; metrics `name:reduction`."""

    logprobs: Sequence[NDArray[np.float32]]
    metrics: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class AdamParams:
    """One AdamW step. `grad_clip_norm` 0 clips nothing; weight decay is decoupled."""

    learning_rate: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.95
    eps: float = 1e-12
    weight_decay: float = 0.0
    grad_clip_norm: float = 0.0


@dataclass(frozen=True, kw_only=True)
class SamplingParams:
    """How tokens are drawn. `stop` None: the model's end of text; () never stops early."""

    max_tokens: int
    temperature: float = 1.0
    top_k: int = -1
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[int, ...] | tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class SampleJob:
    """One /asample call: one prompt, `num_samples` completions (0 with prompt logprobs only)."""

    job_id: str
    prompt: NDArray[np.int64]
    num_samples: int
    params: SamplingParams
    prompt_logprobs: bool = False
    topk_prompt_logprobs: int = 0


@dataclass(frozen=True, kw_only=True)
class Completion:
    """One sampled sequence, the stop token included; logprobs float32 under the tempered model."""

    tokens: NDArray[np.int64]
    logprobs: NDArray[np.float32]
    stop_reason: Literal["stop", "length"]


@dataclass(frozen=True, kw_only=True)
class SampleResult:
    """The answer to one `SampleJob`.

    `prompt_logprobs` float32 (P,), NaN at 0, untempered. `topk_*` are (P, k) with the sentinel
    (0, -99999.0) at position 0.
    """

    job_id: str
    completions: Sequence[Completion]
    prompt_logprobs: NDArray[np.float32] | None = None
    topk_tokens: NDArray[np.int64] | None = None
    topk_logprobs: NDArray[np.float32] | None = None


class SamplingRun(Protocol):
    """A batch being decoded on one sampler. The worker calls `step` until `idle`.

    Between steps it may run other sessions' work, `add` jobs that arrived late (the run starts
    them at its next step) and `cancel` abandoned ones.
    """

    def add(self, jobs: Sequence[SampleJob]) -> None:
        """Take more jobs; each was checked by `Engine.check_sample` before."""
        ...

    def cancel(self, job_id: str) -> None:
        """Drop a job; unknown or finished ones are ignored."""
        ...

    def step(self) -> Sequence[SampleResult]:
        """Prefill what is new, decode one token for every live row, return finished jobs."""
        ...

    @property
    def idle(self) -> bool:
        """True when no job is left."""
        ...


class Engine(Protocol):
    """All that touches torch. One thread owns it after start; every method may take long.

    Raises `shared.tinker.errors` only: `UserError` for what the caller did wrong,
    `CheckpointError` for a folder that cannot be written or read. A call that raises leaves the
    model as it was before: no half-accumulated gradient, no half-applied step.
    """

    def served(self) -> Sequence[ServedModel]:
        """The catalogue. Cheap; callable from any thread before the weights are loaded."""
        ...

    def warm(self) -> None:
        """Import torch and load the first model, so that the first request need not wait."""
        ...

    def create_model(self, model_id: str, base_model: str, lora: LoraSpec) -> None:
        """A new LoRA model: A Kaiming-uniform from `lora.seed`, B zero."""
        ...

    def forget_model(self, model_id: str) -> None:
        """Free a model; unknown ids are ignored."""
        ...

    def forward_backward(self, model_id: str, batch: LossBatch) -> LossResult:
        """Loss and, with `batch.backward`, its gradient added to what is there. Sums, not means."""
        ...

    def optim_step(self, model_id: str, adam: AdamParams) -> Mapping[str, float]:
        """Clip, step, zero. Without accumulated gradient: a step on zeros. Metrics: grad norm."""
        ...

    def save(self, model_id: str, folder: Path, *, optimizer: bool) -> None:
        """Write a model into the existing, empty `folder`; nothing is pickled.

        adapter_config.json and adapter_model.safetensors carry the names of hosted Tinker's
        archives; with `optimizer` there is optimizer.safetensors too.
        """
        ...

    def load(self, model_id: str, folder: Path, *, optimizer: bool) -> None:
        """Put a saved adapter (and optimizer state) into an existing model of the same shape."""
        ...

    def read_spec(self, folder: Path) -> tuple[str, LoraSpec]:
        """Base model name and adapter spec of a saved folder, checked; `CheckpointError` else."""
        ...

    def open_sampler(self, sampler_id: str, base_model: str, folder: Path | None) -> None:
        """Register a sampler over the base, with a saved adapter when `folder` is given."""
        ...

    def snapshot_sampler(self, sampler_id: str, model_id: str) -> None:
        """Register a sampler over a copy of a model's adapter as it is now."""
        ...

    def close_sampler(self, sampler_id: str) -> None:
        """Free a sampler; unknown ids are ignored."""
        ...

    def check_batch(self, base_model: str, batch: LossBatch) -> None:
        """Refuse what forward_backward would refuse, without torch: lengths, NaN, token range."""
        ...

    def check_sample(self, base_model: str, job: SampleJob) -> None:
        """Refuse a bad sampling job, without torch: token range, context, k, p, temperature."""
        ...

    def sampling_run(self, sampler_id: str) -> SamplingRun:
        """A fresh, idle run on a sampler."""
        ...
