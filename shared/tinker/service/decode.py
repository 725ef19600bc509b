"""Decode many jobs together, one token a row and step.

A job's prompt runs once, however many samples it asks for, and equal prompts of jobs that start
together run once too. Rows that end leave at once, jobs that arrive join at the next step. Jobs
wait while their rows, each taken at its longest, would not fit the cache.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shared.tinker.errors import UserError
from shared.tinker.service.base_model import BaseModel
from shared.tinker.service.drawing import Choice, Streams, draw
from shared.tinker.service.kv_cache import Cache, prefill
from shared.tinker.service.rows import Job, Row
from shared.tinker.service.scoring import score_prompt
from shared.tinker.service.transformer import Weights
from shared.tinker.service.types import SampleJob, SampleResult


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much is done at once. The defaults suit a laptop."""

    cache_bytes: int = 512 << 20
    rows: int = 256
    logits: int = 1 << 24
    """Rows times vocabulary at most: drawing makes a few copies of the logits."""
    prefill_tokens: int = 8192
    """Prompt tokens, padding included, that run at once, and that start in one step."""


GPU_LIMITS = Limits(cache_bytes=16 << 30, rows=1024, logits=1 << 27, prefill_tokens=65536)


@dataclass(frozen=True, kw_only=True)
class Start:
    """One prompt with the jobs that begin with it, and the rows of these to start now."""

    prompt: NDArray[np.int64]
    jobs: list[Job]
    rows: list[Row]


class Run:
    """`types.SamplingRun` over one model's weights. Not for several threads."""

    def __init__(self, base: BaseModel, weights: Weights, limits: Limits | None = None) -> None:
        self._base = base
        self._weights = weights
        self._limits = limits or (GPU_LIMITS if weights.device.type == "cuda" else Limits())
        self._most_rows = max(1, min(self._limits.rows, self._limits.logits // base.vocab_size))
        self._cache = Cache(weights)
        self._jobs: dict[str, Job] = {}
        self._waiting: deque[Job] = deque()
        self._rows: list[Row] = []
        self._plan: tuple[Choice, Streams] | None = None

    @property
    def idle(self) -> bool:
        """True when no job is left."""
        return not self._jobs

    def add(self, jobs: Sequence[SampleJob]) -> None:
        """Take more jobs, checked by `sample_checks.check_job`; they start at the next step."""
        for asked in jobs:
            job = Job(
                asked,
                eos_ids=self._base.eos_ids,
                max_context=self._base.max_context,
                tokenizer=self._base.tokenizer,
            )
            self._jobs[asked.job_id] = job
            self._waiting.append(job)

    @torch.inference_mode()
    def cancel(self, job_id: str) -> None:
        """Drop a job; unknown or finished ones are ignored."""
        job = self._jobs.pop(job_id, None)
        if job is None:
            return
        if job in self._waiting:
            self._waiting.remove(job)
        self._drop([i for i, row in enumerate(self._rows) if row.job is job])

    @torch.inference_mode()
    def step(self) -> Sequence[SampleResult]:
        """Prefill what is new, decode one token for every live row, return finished jobs."""
        for chunk in self._chunks(self._admit()):
            self._start(chunk)
        if self._rows:
            self._decode()
        results = [job.result() for job in self._jobs.values() if job.finished]
        for result in results:
            del self._jobs[result.job_id]
        if not self._rows:
            self._cache.clear()
        return results

    def _admit(self) -> list[Start]:
        """Take waiting samples, oldest job first, as far as cache and step have room."""
        starts: dict[bytes, Start] = {}
        live, tokens = len(self._rows), 0
        slots = max((row.job.slots for row in self._rows), default=0)
        while self._waiting and tokens < self._limits.prefill_tokens:
            job = self._waiting[0]
            slots = max(slots, job.slots)
            room = min(
                self._most_rows, self._limits.cache_bytes // (slots * self._cache.slot_bytes)
            )
            count = min(job.waiting, max(0, max(room, 1) - live))
            if count == 0 and job.waiting:
                break
            start = starts.get(job.prompt_key)
            if start is None:
                start = Start(prompt=job.asked.prompt, jobs=[], rows=[])
                starts[job.prompt_key] = start
                tokens += len(start.prompt)
            start.jobs.append(job)
            start.rows.extend(job.start(count))
            live += count
            if not job.waiting:
                self._waiting.popleft()
        return list(starts.values())

    def _chunks(self, starts: list[Start]) -> Iterator[list[Start]]:
        """Prompts of similar length, so that little is padding."""
        chunk: list[Start] = []
        for start in sorted(starts, key=lambda start: len(start.prompt)):
            if chunk and (len(chunk) + 1) * len(start.prompt) > self._limits.prefill_tokens:
                yield chunk
                chunk = []
            chunk.append(start)
        if chunk:
            yield chunk

    def _start(self, chunk: list[Start]) -> None:
        lengths = [len(start.prompt) for start in chunk]
        padded = np.zeros((len(chunk), max(lengths)), np.int64)
        for line, start in zip(padded, chunk, strict=True):
            line[: len(start.prompt)] = start.prompt
        device = self._weights.device
        hidden, kept = prefill(self._weights, torch.from_numpy(padded).to(device))
        for states, start in zip(hidden, chunk, strict=True):
            self._score(states[: len(start.prompt)], start)
        rows = [row for start in chunk for row in start.rows]
        if not rows:
            return
        numbers = [n for n, start in enumerate(chunk) for _ in start.rows]
        last = hidden[torch.arange(len(chunk)), torch.tensor(lengths) - 1]
        logits = self._weights.logits(last)[torch.tensor(numbers, device=device)]
        ended = set(self._take(rows, logits, self._parameters(rows)))
        alive = [i for i in range(len(rows)) if i not in ended]
        if alive:
            counts = Counter(numbers[i] for i in alive)
            self._cache.append(kept, lengths, [counts[n] for n in range(len(chunk))])
            self._rows.extend(rows[i] for i in alive)
            self._plan = None

    def _score(self, states: Tensor, start: Start) -> None:
        wanted = [job for job in start.jobs if job.scored and job.scores is None]
        for k in {job.asked.topk_prompt_logprobs for job in wanted}:
            scores = score_prompt(self._weights, states, start.prompt, k)
            for job in wanted:
                if job.asked.topk_prompt_logprobs == k:
                    job.scores = scores

    def _decode(self) -> None:
        sampled = [len(row.tokens) - 1 for row in self._rows]
        tokens = torch.tensor([row.tokens[-1] for row in self._rows], device=self._weights.device)
        logits = self._cache.decode(tokens, sampled)
        if self._plan is None:
            self._plan = self._parameters(self._rows)
        self._drop(self._take(self._rows, logits, self._plan))

    def _parameters(self, rows: list[Row]) -> tuple[Choice, Streams]:
        wanted = [row.job.asked.params for row in rows]
        choice = Choice.of(
            [(p.temperature, p.top_k, p.top_p) for p in wanted],
            self._base.vocab_size,
            self._weights.device,
        )
        keys, sampled = [row.key for row in rows], [len(row.tokens) for row in rows]
        return choice, Streams(keys, sampled, self._weights.device)

    def _take(self, rows: list[Row], logits: Tensor, plan: tuple[Choice, Streams]) -> list[int]:
        """Draw a token for each row; returns the numbers of those that ended, ascending."""
        choice, streams = plan
        tokens, logprobs = draw(logits, choice, streams.next())
        if torch.isnan(logprobs).any():
            raise UserError(
                "The model answers NaN: its weights are not finite, which a far too high learning "
                "rate does. Sample an earlier checkpoint, or train again with a lower rate."
            )
        drawn = tokens.tolist()
        for row, token, logprob in zip(rows, drawn, logprobs.tolist(), strict=True):
            row.tokens.append(token)
            row.logprobs.append(logprob)
        return [i for i, token in enumerate(drawn) if rows[i].ends(token)]

    def _drop(self, numbers: list[int]) -> None:
        """Forget rows by number, given ascending. From the last, so that living rows fill gaps."""
        for number in reversed(numbers):
            self._cache.drop(number)
            self._rows[number] = self._rows[-1]
            self._rows.pop()
        if numbers:
            self._plan = None
