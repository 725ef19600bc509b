"""Makes the subjects a judge works on: jailed or local student code, the reference, mistakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autograder.errors import LabError
from autograder.judge.batched import BatchedSubject
from autograder.judge.bench import Spawn
from autograder.judge.failure import error_text
from autograder.judge.subject import LocalSubject, Subject
from autograder.lab import ExerciseSpec, LabSpec, Limits
from autograder.sandbox.ops import SourceCell

Jailed = Callable[[ExerciseSpec, Limits], BatchedSubject]


def stub_of(lab: LabSpec, exercise: ExerciseSpec) -> str:
    """How the message of an exercise that is not yet written starts."""
    return f"{lab.name.split('_', 1)[0]} {exercise.name}:"


def reference_source(lab_dir: Path) -> tuple[SourceCell, ...]:
    """The lab's setup and solution cells."""
    from autograder.notebook import reference_cells

    return reference_cells(lab_dir)


def local_subject(
    cells: Sequence[SourceCell], *, upcast: bool = False, cpu_seconds: float = 0
) -> LocalSubject:
    """The lab's own code in this process; `upcast` computes in float64.

    Raises:
        LabError: a cell does not run.
    """
    from autograder.sandbox.interpreter import Interpreter

    interpreter = Interpreter("float64" if upcast else "float32", upcast=upcast)
    subject = LocalSubject(interpreter, cpu_seconds=cpu_seconds)
    for report in subject.load(cells):
        if report.error is not None:
            raise LabError(f"The lab's own cell {report.id} failed: {error_text(report.error)}")
    return subject


def local_spawn(lab: LabSpec, *, times: float = 1.0) -> Spawn:
    """Student code in this process, for `check` and the audit, with `times` the CPU time."""
    from autograder.sandbox.interpreter import Interpreter

    def spawn(exercise: ExerciseSpec, limits: Limits) -> Subject:
        stub = stub_of(lab, exercise)
        return LocalSubject(Interpreter(), stub=stub, cpu_seconds=times * limits.cpu_seconds)

    return spawn


def jail_spawn(lab: LabSpec, zygote: Any) -> Jailed:
    """Student code in a fresh jailed fork of `zygote`."""
    from autograder.sandbox.errors import JailDied
    from autograder.sandbox.limits import Limits as JailLimits

    def spawn(exercise: ExerciseSpec, limits: Limits) -> BatchedSubject:
        jail = zygote.spawn(JailLimits(**limits.model_dump()))
        return BatchedSubject(jail, JailDied, stub=stub_of(lab, exercise))

    return spawn
