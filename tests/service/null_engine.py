"""An engine without torch: deterministic, immediate, and it remembers what was asked of it.

A model is a counter of steps and of gradients. Logprobs are minus the target token over 100, so
that a test can compute them; sampled tokens count up from the prompt's last one. `pause` holds the
next calls, `fail_with` makes them raise.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from shared.tinker.errors import CheckpointError, NotFoundError, UserError
from shared.tinker.service.types import (
    AdamParams,
    Completion,
    LoraSpec,
    LossBatch,
    LossResult,
    SampleJob,
    SampleResult,
    SamplingRun,
    ServedModel,
)

NAME = "null/base"
VOCAB = 300
CONTEXT = 4096


@dataclass
class NullModel:
    base_model: str
    lora: LoraSpec
    steps: int = 0
    gradient: float = 0.0
    learning_rates: list[float] = field(default_factory=list[float])


class NullRun:
    """One token for every live job at each step."""

    def __init__(self, engine: NullEngine, steps_taken: int) -> None:
        self._engine = engine
        self._shift = steps_taken
        self._live: dict[str, tuple[SampleJob, list[int]]] = {}

    def add(self, jobs: Sequence[SampleJob]) -> None:
        self._live.update((job.job_id, (job, [])) for job in jobs)
        self._engine.batch_sizes.append(len(self._live))

    def cancel(self, job_id: str) -> None:
        self._engine.cancelled.append(job_id)
        self._live.pop(job_id, None)

    def step(self) -> Sequence[SampleResult]:
        self._engine.work("step")
        done: list[SampleResult] = []
        for job_id, (job, tokens) in list(self._live.items()):
            tokens.append((int(job.prompt[-1]) + self._shift + len(tokens) + 1) % VOCAB)
            if len(tokens) >= job.params.max_tokens:
                del self._live[job_id]
                done.append(result(job, tokens))
        return done

    @property
    def idle(self) -> bool:
        return not self._live


def result(job: SampleJob, tokens: Sequence[int]) -> SampleResult:
    one = Completion(
        tokens=np.array(tokens, dtype=np.int64),
        logprobs=np.full(len(tokens), -0.5, dtype=np.float32),
        stop_reason="length",
    )
    scores = (-job.prompt / 100).astype(np.float32)
    scores[:1] = np.nan
    k = job.topk_prompt_logprobs
    top = np.tile(np.arange(k), (len(job.prompt), 1))
    return SampleResult(
        job_id=job.job_id,
        completions=[one] * job.num_samples,
        prompt_logprobs=scores if job.prompt_logprobs else None,
        topk_tokens=top if k else None,
        topk_logprobs=(-top - 0.5).astype(np.float32) if k else None,
    )


class NullEngine:
    """Implements `types.Engine`."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.models: dict[str, NullModel] = {}
        self.samplers: dict[str, int] = {}
        self.calls: list[str] = []
        self.batch_sizes: list[int] = []
        self.cancelled: list[str] = []
        self.batches: list[LossBatch] = []
        self.fail_with: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def work(self, what: str) -> None:
        """What every call does first: be noted, wait, perhaps fail."""
        self.calls.append(what)
        self.gate.wait(30)
        if self.seconds:
            time.sleep(self.seconds)
        if self.fail_with is not None:
            raise self.fail_with

    def served(self) -> Sequence[ServedModel]:
        return [
            ServedModel(name=NAME, tokenizer_id=NAME, max_context=CONTEXT, vocab_size=VOCAB),
            ServedModel(
                name="null/other",
                tokenizer_id=NAME,
                max_context=CONTEXT,
                vocab_size=VOCAB,
                stand_in_for="other",
            ),
        ]

    def warm(self) -> None:
        self.calls.append("warm")

    def create_model(self, model_id: str, base_model: str, lora: LoraSpec) -> None:
        self.work("create_model")
        self.models[model_id] = NullModel(base_model, lora)

    def forget_model(self, model_id: str) -> None:
        self.calls.append("forget_model")
        self.models.pop(model_id, None)

    def forward_backward(self, model_id: str, batch: LossBatch) -> LossResult:
        self.work("forward_backward" if batch.backward else "forward")
        self.batches.append(batch)
        logprobs = [
            (-datum.inputs["target_tokens"] / 100).astype(np.float32) for datum in batch.data
        ]
        loss = -float(sum(one.sum() for one in logprobs))
        if batch.backward:
            self.models[model_id].gradient += loss
        return LossResult(logprobs=logprobs, metrics={"loss:sum": loss})

    def optim_step(self, model_id: str, adam: AdamParams) -> Mapping[str, float]:
        self.work("optim_step")
        model = self.models[model_id]
        model.learning_rates.append(adam.learning_rate)
        norm, model.gradient, model.steps = model.gradient, 0.0, model.steps + 1
        return {"grad_norm:mean": norm}

    def save(self, model_id: str, folder: Path, *, optimizer: bool) -> None:
        self.work("save")
        model = self.models[model_id]
        facts = {"base_model": model.base_model, "lora": asdict(model.lora), "steps": model.steps}
        (folder / "adapter_model.safetensors").write_text(json.dumps(facts))
        (folder / "adapter_config.json").write_text(json.dumps({"r": model.lora.rank}))
        if optimizer:
            (folder / "optimizer.safetensors").write_text(str(model.steps))

    def load(self, model_id: str, folder: Path, *, optimizer: bool) -> None:
        self.work("load")
        if optimizer and not (folder / "optimizer.safetensors").exists():
            raise CheckpointError("no optimizer state there")
        self.models[model_id].steps = self._facts(folder)["steps"]

    def read_spec(self, folder: Path) -> tuple[str, LoraSpec]:
        facts = self._facts(folder)
        return facts["base_model"], LoraSpec(**facts["lora"])

    def _facts(self, folder: Path) -> dict:
        try:
            return json.loads((folder / "adapter_model.safetensors").read_text())
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{folder} is damaged") from error

    def open_sampler(self, sampler_id: str, base_model: str, folder: Path | None) -> None:
        self.work("open_sampler")
        self.samplers[sampler_id] = self._facts(folder)["steps"] if folder else 0

    def snapshot_sampler(self, sampler_id: str, model_id: str) -> None:
        self.work("snapshot_sampler")
        self.samplers[sampler_id] = self.models[model_id].steps

    def close_sampler(self, sampler_id: str) -> None:
        self.calls.append("close_sampler")
        self.samplers.pop(sampler_id, None)

    def check_batch(self, base_model: str, batch: LossBatch) -> None:
        if batch.loss_fn != "cross_entropy":
            raise UserError(f"There is no loss {batch.loss_fn!r}; expected cross_entropy.")
        for index, datum in enumerate(batch.data):
            targets = datum.inputs.get("target_tokens")
            if targets is None or len(targets) != len(datum.tokens):
                raise UserError(f"Datum {index}: target_tokens does not fit the tokens.")

    def check_sample(self, base_model: str, job: SampleJob) -> None:
        if not len(job.prompt) or job.prompt.max(initial=0) >= VOCAB:
            raise UserError(f"The prompt is empty or has a token that is not below {VOCAB}.")
        if len(job.prompt) + job.params.max_tokens > CONTEXT or job.params.max_tokens < 1:
            raise UserError(f"max_tokens is {job.params.max_tokens}; the context is {CONTEXT}.")

    def sampling_run(self, sampler_id: str) -> SamplingRun:
        if sampler_id not in self.samplers:
            raise NotFoundError(f"There is no sampler {sampler_id}.")
        return NullRun(self, self.samplers[sampler_id])
