"""What the judge saw beside the verdict: every hidden case, what the code used, how it ended.

For the instructor alone, who has to explain a number. It names hidden cases and holds durations,
so it is kept apart from the verdict: that may be shown to the student, and is the same each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from autograder.judge.text import LONG, plain
from autograder.judge.verdict import Counterexample

if TYPE_CHECKING:
    from autograder.judge.session import CaseRun
    from autograder.sandbox.limits import Usage

Outcome = Literal[
    "passed", "failed", "error", "timeout", "died", "not attempted", "undefined", "not run"
]
"""`undefined`: the notebook defines no such name. `not run`: the code was gone by then."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CaseResult(_Model):
    """One hidden case on one submission."""

    exercise: str
    name: str
    points: float
    core: bool
    outcome: Outcome
    counterexample: Counterexample | None = None
    error: str | None = None


class Used(_Model):
    """What the code of one exercise used, all its processes together."""

    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_mb: float = 0.0
    output_kb: float = 0.0

    def plus(self, usage: Usage) -> Used:
        """With one more process."""
        return self.with_more(
            Used(
                cpu_seconds=usage.cpu_seconds,
                wall_seconds=usage.wall_seconds,
                peak_mb=usage.peak_mb,
                output_kb=usage.output_bytes / 1024,
            )
        )

    def with_more(self, used: Used) -> Used:
        """With what other processes used."""
        return Used(
            cpu_seconds=round(self.cpu_seconds + used.cpu_seconds, 3),
            wall_seconds=round(self.wall_seconds + used.wall_seconds, 3),
            peak_mb=round(max(self.peak_mb, used.peak_mb), 1),
            output_kb=round(self.output_kb + used.output_kb, 1),
        )


class Observed(_Model):
    """One submission. Mappings are by exercise."""

    cases: tuple[CaseResult, ...] = ()
    used: dict[str, Used] = {}
    details: dict[str, tuple[str, ...]] = {}
    """How processes ended, in the sandbox's words."""
    printed: dict[str, str] = {}


def case_results(runs: Sequence[CaseRun]) -> tuple[CaseResult, ...]:
    """The cases of a run, in the order they ran."""
    return tuple(_case_result(run) for run in runs)


def _case_result(run: CaseRun) -> CaseResult:
    failure = run.failure
    passed = failure is None and run.done
    return CaseResult(
        exercise=run.case.exercise,
        name=run.case.name,
        points=run.case.points,
        core=run.case.core,
        outcome=failure.kind if failure else "passed" if passed else "not run",
        counterexample=failure.counterexample if failure else None,
        error=failure.error if failure else None,
    )


def details_of(told: Sequence[str]) -> tuple[str, ...]:
    """Each sentence once, printable and bounded: parts of them may be the student's."""
    return tuple(dict.fromkeys(plain(sentence, LONG) for sentence in told))
