"""What a decoding run knows of its jobs: which samples wait, which tokens came, when one ends."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from shared.tinker.service.drawing import row_key
from shared.tinker.service.sample_checks import completion_limit
from shared.tinker.service.scoring import PromptScores
from shared.tinker.service.stops import TextWatch, stop_ids, stop_strings
from shared.tinker.service.types import Completion, SampleJob, SampleResult


class Job:
    """A `SampleJob` and what has been found of its answer."""

    def __init__(
        self, job: SampleJob, *, eos_ids: Sequence[int], max_context: int, tokenizer: Any
    ) -> None:
        self.asked = job
        self.prompt_key = job.prompt.tobytes()
        self.limit = completion_limit(max_context, len(job.prompt), job.params.max_tokens)
        self.slots = len(job.prompt) + self.limit - 1
        """Places in the cache a row needs at most; the last token is never fed back."""
        self.stop_ids = stop_ids(job.params.stop, eos_ids)
        self.scores: PromptScores | None = None
        self._strings = stop_strings(job.params.stop)
        self._tokenizer = tokenizer
        self._seed = secrets.randbits(63) if job.params.seed is None else job.params.seed
        self._started = 0
        self._completions: dict[int, Completion] = {}

    @property
    def scored(self) -> bool:
        """Whether logprobs of the prompt are asked for."""
        return self.asked.prompt_logprobs or self.asked.topk_prompt_logprobs > 0

    @property
    def waiting(self) -> int:
        """Samples that have not started."""
        return self.asked.num_samples - self._started

    @property
    def finished(self) -> bool:
        """Nothing is left to do."""
        enough = len(self._completions) == self.asked.num_samples
        return enough and (self.scores is not None or not self.scored)

    def start(self, count: int) -> list[Row]:
        """The next `count` samples as rows without tokens."""
        first, self._started = self._started, self._started + count
        return [
            Row(
                job=self,
                index=index,
                key=row_key(self._seed, index),
                stop_ids=self.stop_ids,
                limit=self.limit,
                watch=TextWatch(self._tokenizer, self._strings) if self._strings else None,
            )
            for index in range(first, first + count)
        ]

    def finish(self, row: Row, reason: Literal["stop", "length"]) -> None:
        """Keep what a row came to."""
        self._completions[row.index] = Completion(
            tokens=np.array(row.tokens, np.int64),
            logprobs=np.array(row.logprobs, np.float32),
            stop_reason=reason,
        )

    def result(self) -> SampleResult:
        """The answer of a finished job."""
        scores, k = self.scores, self.asked.topk_prompt_logprobs
        return SampleResult(
            job_id=self.asked.job_id,
            completions=[self._completions[i] for i in range(self.asked.num_samples)],
            prompt_logprobs=scores.logprobs if scores and self.asked.prompt_logprobs else None,
            topk_tokens=scores.topk_tokens if scores and k else None,
            topk_logprobs=scores.topk_logprobs if scores and k else None,
        )


@dataclass(eq=False, slots=True)
class Row:
    """One sample being decoded."""

    job: Job
    index: int
    key: int
    stop_ids: frozenset[int]
    limit: int
    watch: TextWatch | None
    tokens: list[int] = field(default_factory=list[int])
    logprobs: list[float] = field(default_factory=list[float])

    def ends(self, token: int) -> bool:
        """Whether `token`, the last of `tokens`, is the last for good; its job then holds them."""
        if token in self.stop_ids or (self.watch is not None and self.watch.push(token)):
            self.job.finish(self, "stop")
        elif len(self.tokens) >= self.limit:
            self.job.finish(self, "length")
        else:
            return False
        return True
