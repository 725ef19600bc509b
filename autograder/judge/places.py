"""Makes the subjects a judge works on: jailed or local student code, the reference, mistakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.errors import LabError
from autograder.judge.batched import BatchedSubject
from autograder.judge.bench import Spawn
from autograder.judge.failure import error_text
from autograder.judge.subject import LocalSubject, Subject
from autograder.lab import ExerciseSpec, LabSpec, Limits
from autograder.sandbox.ops import SourceCell

if TYPE_CHECKING:
    from autograder.judge.service import GradedService

Jailed = Callable[[ExerciseSpec, Limits], BatchedSubject]


def stub_of(lab: LabSpec, exercise: ExerciseSpec) -> str:
    """How the message of an exercise that is not yet written starts."""
    return f"{lab.name.split('_', 1)[0]} {exercise.name}:"


def reference_source(lab_dir: Path) -> tuple[SourceCell, ...]:
    """The lab's setup and solution cells."""
    from autograder.notebook import reference_cells

    return reference_cells(lab_dir)


def local_subject(
    cells: Sequence[SourceCell],
    *,
    upcast: bool = False,
    cpu_seconds: float = 0,
    service: GradedService | None = None,
) -> LocalSubject:
    """The lab's own code in this process; `upcast` computes in float64.

    Raises:
        LabError: a cell does not run.
    """
    from autograder.sandbox.interpreter import Interpreter

    interpreter = Interpreter("float64" if upcast else "float32", upcast=upcast)
    subject = _local(interpreter, service, "the lab's own code", cpu_seconds=cpu_seconds)
    for report in subject.load(cells):
        if report.error is not None:
            raise LabError(f"The lab's own cell {report.id} failed: {error_text(report.error)}")
    return subject


def _local(
    interpreter: Any, service: GradedService | None, name: str, **options: Any
) -> LocalSubject:
    if service is None:
        return LocalSubject(interpreter, **options)
    from autograder.judge.doors import TenantSubject

    return TenantSubject(interpreter, service, name, **options)


def local_spawn(lab: LabSpec, *, times: float = 1.0, service: GradedService | None = None) -> Spawn:
    """Student code in this process, for `check` and the audit, with `times` the CPU time."""
    from autograder.sandbox.interpreter import Interpreter

    def spawn(exercise: ExerciseSpec, limits: Limits) -> Subject:
        seconds = times * limits.cpu_seconds
        stub = stub_of(lab, exercise)
        there = service if exercise.calls_service else None
        return _local(Interpreter(), there, exercise.name, stub=stub, cpu_seconds=seconds)

    return spawn


def batched_spawn(lab: LabSpec, zygote: Any) -> Jailed:
    """Student code in a fresh jailed fork of `zygote`, ready for many questions at once."""
    from autograder.sandbox.errors import JailDied
    from autograder.sandbox.limits import Limits as JailLimits

    def spawn(exercise: ExerciseSpec, limits: Limits) -> BatchedSubject:
        jail = zygote.spawn(JailLimits(**limits.model_dump()))
        return BatchedSubject(jail, JailDied, stub=stub_of(lab, exercise))

    return spawn


def jail_spawn(lab: LabSpec, zygote: Any, service: GradedService | None = None) -> Spawn:
    """Student code in a fresh jailed fork of `zygote`.

    With a door to `service`, if there is one and the exercise may use it.
    """
    plain = batched_spawn(lab, zygote)
    if service is None:
        return plain
    from autograder.judge.doors import jail_with_door
    from autograder.sandbox.limits import Limits as JailLimits

    def spawn(exercise: ExerciseSpec, limits: Limits) -> Subject:
        if not exercise.calls_service:
            return plain(exercise, limits)
        allowed, stub = JailLimits(**limits.model_dump()), stub_of(lab, exercise)
        return jail_with_door(zygote, allowed, service, exercise=exercise.name, stub=stub)

    return spawn
