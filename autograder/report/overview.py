"""Sums a class's verdicts up: points per student, and per exercise how many passed and why not.

Works on verdicts alone; where they come from (gradebook, cache) is the caller's business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.judge.verdict import ExerciseVerdict, Verdict

COMMON = 3
"""How many of the commonest diagnoses of an exercise are listed."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One student's result. `verdict` is None when nothing was handed in or judged yet."""

    student: str
    name: str
    verdict: Verdict | None
    handed_in: bool = False
    written: float | None = None
    """Points given by hand; None until someone has graded them."""
    written_max: float = 0.0
    feedback: str | None = None
    """Link to the feedback page, relative to the report."""


@dataclass(frozen=True, kw_only=True)
class ExerciseSummary:
    """How the class did on one exercise. Shares are of the submissions, from 0 to 1."""

    exercise: str
    passed: int
    submissions: int
    mean_points: float
    max_points: float
    common: tuple[tuple[str, int], ...]
    """The commonest diagnoses with the number of students, most frequent first."""

    @property
    def share(self) -> float:
        """Share of the submissions that passed, 0 when there are none."""
        return self.passed / self.submissions if self.submissions else 0.0


@dataclass(frozen=True, kw_only=True)
class Overview:
    """Everything the page shows, in the order it shows it."""

    lab: str
    title: str
    levels: tuple[str, ...]
    rows: tuple[Row, ...]
    exercises: tuple[ExerciseSummary, ...]


def overview(lab: str, title: str, rows: Sequence[Row]) -> Overview:
    """Sum up `rows`, sorted by student id."""
    ordered = tuple(sorted(rows, key=lambda row: row.student))
    verdicts = [row.verdict for row in ordered if row.verdict is not None]
    by_exercise: dict[str, list[ExerciseVerdict]] = {}
    for verdict in verdicts:
        for result in verdict.exercises:
            by_exercise.setdefault(result.exercise, []).append(result)
    return Overview(
        lab=lab,
        title=title,
        levels=tuple(sorted({verdict.level for verdict in verdicts})),
        rows=ordered,
        exercises=tuple(_summary(name, results) for name, results in by_exercise.items()),
    )


def _summary(name: str, results: Sequence[ExerciseVerdict]) -> ExerciseSummary:
    told = Counter(result.diagnosis for result in results if result.diagnosis)
    return ExerciseSummary(
        exercise=name,
        passed=sum(result.status == "passed" for result in results),
        submissions=len(results),
        mean_points=sum(result.points for result in results) / len(results),
        max_points=results[0].max_points,
        common=tuple(sorted(told.items(), key=lambda item: (-item[1], item[0]))[:COMMON]),
    )
