"""What the judge says about a submission: plain frozen data, JSON in and out.

A verdict holds nothing hidden but each exercise's one shrunk counterexample, so all of it may be
shown to the student; incidents and `diagnosis_id` are for the instructor, and pages leave them out.
It holds no date, duration or machine name: the same submission gives the same bytes.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from autograder.judge.incidents import Incident

Status = Literal["passed", "failed", "error", "timeout", "not attempted"]
"""`failed` may carry part of the points: the cases that passed. See `ExerciseVerdict`."""
RAISED = "raised "
"""What a counterexample's `got` starts with when the code raised instead of answering."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Counterexample(_Model):
    """The smallest input found on which the student's answer is not the expected one."""

    call: str
    expected: str
    got: str
    where: str | None = None
    """First place of difference, such as "index (0, 2): expected 1.0, got 0.5"."""


class ExerciseVerdict(_Model):
    """One exercise. Points of edge cases count only when every core case passed."""

    exercise: str
    points: float
    max_points: float
    status: Status
    cases_passed: int
    cases_total: int
    counterexample: Counterexample | None = None
    diagnosis: str | None = None
    """The sentence of the known mistake that behaves the same; None when none or several do."""
    diagnosis_id: str | None = None
    """The mistake's file stem. For instructors and the audit; not shown to students."""
    next_step: str = ""
    error: str | None = None
    """What the student's code raised, with its own lines; no line of ours."""
    incidents: tuple[Incident, ...] = ()
    """Limits hit and what may have been an attack. For the ledger; not shown to students."""


class Verdict(_Model):
    """A whole submission."""

    lab: str
    seed: str
    level: str
    """Sandbox level the code ran at: "A", "B" or "trusted"."""
    exercises: tuple[ExerciseVerdict, ...]
    notes: tuple[str, ...] = ()
    """What happened to the notebook itself: missing, doubled or retyped cells, unreadable file."""
    incidents: tuple[Incident, ...] = ()
    """Those of cells that belong to no exercise."""

    @property
    def points(self) -> float:
        """Sum over the exercises."""
        return sum(e.points for e in self.exercises)

    @property
    def max_points(self) -> float:
        """Sum over the exercises."""
        return sum(e.max_points for e in self.exercises)
