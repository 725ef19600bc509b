"""From the cases of a run that is over to its verdict, and to what only the instructor sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from autograder.judge.bench import Bench
from autograder.judge.diagnosis import Diagnosis, Mistake, diagnose
from autograder.judge.incidents import OTHER_CELLS
from autograder.judge.observed import Observed, case_results
from autograder.judge.places import local_subject
from autograder.judge.remembered import Memory
from autograder.judge.scoring import shown_case, verdict_of
from autograder.judge.service import GradedService
from autograder.judge.session import CaseRun, JudgeSession
from autograder.judge.text import LONG, plain
from autograder.judge.verdict import ExerciseVerdict, Verdict
from autograder.lab import ExerciseSpec, LabSpec

Mistakes = Callable[[str], Sequence[Mistake]]
"""Those known of an exercise."""


def verdict_from(
    session: JudgeSession,
    mistakes: Mistakes | None,
    service: GradedService | None = None,
    memory: Memory | None = None,
) -> Verdict:
    """The verdict on all exercises that were chosen; without `mistakes` nothing is diagnosed.

    `memory` is of what the mistakes that call the service have answered; more is added to it.
    """
    wanted = session.choice.exercises
    return Verdict(
        lab=session.spec.name,
        seed=session.choice.seed,
        level=session.bench.level,
        exercises=tuple(
            exercise_verdict(session, exercise, mistakes, service, memory)
            for exercise in session.spec.exercises
            if wanted is None or exercise.name in wanted
        ),
        notes=tuple(cell_notes(session.bench, session.spec)),
        incidents=tuple(session.bench.incidents.get(OTHER_CELLS, ())),
    )


def observed_in(session: JudgeSession) -> Observed:
    """What a run that is over saw beside the verdict."""
    bench = session.bench
    return Observed(
        cases=case_results(session.runs),
        used=bench.used,
        details={name: tuple(told) for name, told in bench.details.items()},
        printed=bench.printed,
    )


def cell_notes(bench: Bench, spec: LabSpec) -> Iterator[str]:
    """What happened to cells when they ran; an exercise's own error is told with the exercise."""
    yield from bench.cell_notes
    for cell, error in bench.cell_errors.items():
        if cell not in spec.by_name:
            yield plain(f"Cell {cell} stopped: {error.splitlines()[0]}", LONG)


def exercise_verdict(
    session: JudgeSession,
    exercise: ExerciseSpec,
    mistakes: Mistakes | None,
    service: GradedService | None = None,
    memory: Memory | None = None,
) -> ExerciseVerdict:
    """The verdict on one exercise; with a diagnosis when one of its `mistakes` answers alike."""
    runs = [run for run in session.runs if run.case.exercise == exercise.name]
    failing = shown_case(runs)
    fast = session.choice.fast
    diagnosis: Diagnosis | None = None
    if mistakes is not None and failing is not None and _answered(failing) and not fast:
        seconds = exercise.limits.cpu_seconds
        there = service if exercise.calls_service else None
        start = partial(local_subject, cpu_seconds=seconds, service=there)
        known = memory if exercise.calls_service else None
        diagnosis = diagnose(mistakes(exercise.name), failing, runs, start, known)
    return verdict_of(
        session.spec,
        exercise,
        runs,
        cell_error=session.bench.cell_errors.get(exercise.name),
        diagnosis=diagnosis,
        scored=session.choice.scored,
        incidents=tuple(session.bench.incidents.get(exercise.name, ())),
    )


def _answered(failing: CaseRun) -> bool:
    """Whether there is an answer that a known mistake could give too: the stub is none."""
    failure = failing.failure
    return failure is not None and failure.kind != "not attempted" and bool(failure.trace)
