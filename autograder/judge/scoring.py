"""From case results to an exercise's verdict: points, status, one counterexample, one next step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autograder.judge.diagnosis import Diagnosis
from autograder.judge.failure import Failure
from autograder.judge.incidents import Incident, advice
from autograder.judge.observed import CaseResult
from autograder.judge.session import Case, CaseRun
from autograder.judge.verdict import ExerciseVerdict, Status
from autograder.lab import ExerciseSpec, LabSpec


def verdict_of(
    lab: LabSpec,
    exercise: ExerciseSpec,
    runs: Sequence[CaseRun],
    *,
    cell_error: str | None,
    diagnosis: Diagnosis | None,
    scored: bool = True,
    incidents: tuple[Incident, ...] = (),
) -> ExerciseVerdict:
    """The verdict on one exercise from all of its cases, and what was seen of its code."""
    passed = sum(run.failure is None and run.done for run in runs)
    failing = shown_case(runs)
    shown = failing.failure if failing else None
    status = _status(shown, passed)
    points = earned((run.case, run.failure is None and run.done) for run in runs)
    if not scored:
        points = float(exercise.points) if status == "passed" else 0.0
    return ExerciseVerdict(
        exercise=exercise.name,
        points=points,
        max_points=float(exercise.points),
        status=status,
        cases_passed=passed,
        cases_total=len(runs),
        counterexample=shown.counterexample if shown else None,
        diagnosis=diagnosis.sentence if diagnosis else None,
        diagnosis_id=diagnosis.id if diagnosis else None,
        next_step=_next_step(lab, exercise, status, shown, diagnosis, incidents),
        error=_error(shown, cell_error),
        incidents=incidents,
    )


def shown_case(runs: Sequence[CaseRun]) -> CaseRun | None:
    """The case whose failure a student reads: the first failing core case, else the first."""
    failing = [run for run in runs if run.failure is not None and run.failure.kind != "not run"]
    return min(failing, key=lambda run: not run.case.core, default=None)


def earned(cases: Iterable[tuple[Case | CaseResult, bool]]) -> float:
    """Points of the passed cases; those of edge cases only when every core case passed.

    `cases` are all cases of an exercise, each with whether it passed.
    """
    known = list(cases)
    core_passed = all(passed for case, passed in known if case.core)
    return float(sum(c.points for c, passed in known if passed and (c.core or core_passed)))


def _status(shown: Failure | None, passed: int) -> Status:
    if shown is None:
        return "passed"
    if shown.kind == "timeout":
        return "timeout"
    if shown.kind == "died":
        return "error"
    if passed:
        return "failed"
    if shown.kind == "not attempted":
        return "not attempted"
    return "failed" if shown.kind == "failed" else "error"


def _error(shown: Failure | None, cell_error: str | None) -> str | None:
    if shown is None:
        return None
    if shown.kind == "undefined" and cell_error:
        return cell_error
    return shown.error


def _next_step(
    lab: LabSpec,
    exercise: ExerciseSpec,
    status: Status,
    shown: Failure | None,
    diagnosis: Diagnosis | None,
    incidents: tuple[Incident, ...],
) -> str:
    hint = f"labkit hint {lab.name.split('_', 1)[0]} {exercise.name}"
    if status == "passed" or shown is None:
        return ""
    if status == "not attempted":
        return f"Write this exercise; for a first idea run: {hint}"
    if shown.incident is not None and (diagnosis is None or shown.kind in ("timeout", "died")):
        return advice(shown.incident)
    if shown.kind == "undefined":
        again = f'Run the cell from top to bottom, then check("{exercise.name}") again.'
        return advice(incidents[0]) if incidents else again
    if diagnosis is not None:
        return f'Change that, then run check("{exercise.name}") again.'
    if shown.kind == "error":
        return f"Run the call above in your notebook and read the error; for help run: {hint}"
    return f"Work the call above out by hand and compare; for help run: {hint}"
