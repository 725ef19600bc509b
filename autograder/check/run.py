"""Runs a student's cells in a child process and turns what happens there into a verdict.

One child serves many exercises; it is started again only after one that did not end. Whatever the
student's code does (loops, exits, crashes Python), every exercise gets its verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from autograder.check.process import Child
from autograder.errors import LabError
from autograder.judge.verdict import ExerciseVerdict, Status, Verdict
from autograder.lab import LabSpec, load_spec
from autograder.sandbox.ops import SourceCell

LOAD_WALL_SECONDS = 180.0
"""For one cell, if the child's own CPU limit fails: a cold disk may need minutes for torch."""

CELL_CPU_SECONDS = 20.0
"""For running one cell of the notebook; importing torch and transformers takes up to ten."""

LEVEL = "trusted"
SEED = "public checks"


@dataclass(frozen=True)
class CellFailure:
    """A cell that did not run through, and why."""

    cell: str
    reason: str


@dataclass
class _Progress:
    """What is known so far of one run."""

    verdicts: dict[str, ExerciseVerdict] = field(default_factory=dict[str, ExerciseVerdict])
    failures: list[CellFailure] = field(default_factory=list[CellFailure])
    step: str = ""
    checking: str | None = None
    stopped: tuple[Status, str] | None = None
    """Why the cells could not all be run, once that is known."""


def run_checks(
    cells: Sequence[SourceCell],
    lab_dir: Path,
    exercises: Sequence[str],
    *,
    notes: Sequence[str] = (),
) -> Verdict:
    """The public checks of `exercises` on `cells`.

    Raises:
        LabError: the lab's own files are wrong, or our own code failed.
    """
    spec = load_spec(lab_dir)
    progress = _Progress()
    while pending := [name for name in exercises if name not in progress.verdicts]:
        _run_child(cells, lab_dir, [spec.exercise(name) for name in pending], progress)
        if progress.stopped is not None:
            for name in pending:
                progress.verdicts[name] = _failed(spec, name, *progress.stopped)
    return Verdict(
        lab=spec.name,
        seed=SEED,
        level=LEVEL,
        exercises=tuple(progress.verdicts[name] for name in exercises),
        notes=tuple(notes),
    )


def run_cells(cells: Sequence[SourceCell], lab_dir: Path) -> tuple[CellFailure, ...]:
    """Run `cells` top to bottom, as grading does; those that do not run through."""
    progress = _Progress()
    _run_child(cells, lab_dir, [], progress)
    if progress.stopped is not None:
        progress.failures.append(CellFailure(progress.step, progress.stopped[1]))
    return tuple(progress.failures)


def _run_child(
    cells: Sequence[SourceCell], lab_dir: Path, exercises: Sequence[Any], progress: _Progress
) -> None:
    """One child: it ends with its work done, or at an exercise or cell that stopped it."""
    job = {
        "lab_dir": str(lab_dir.resolve()),
        "cells": [{"id": c.id, "kind": c.kind, "source": c.source} for c in cells],
        "cell_cpu_seconds": CELL_CPU_SECONDS,
        "exercises": [(e.name, e.limits.cpu_seconds) for e in exercises],
    }
    spec = load_spec(lab_dir)
    walls = {e.name: e.limits.wall_seconds for e in exercises}
    progress.checking, progress.failures = None, []
    with Child(job) as child:
        while True:
            event = child.next(walls.get(progress.checking or "", LOAD_WALL_SECONDS))
            if _take(event, progress):
                continue
            if event.get("event") != "done":
                _stopped(event, spec, progress)
            return


def _take(event: dict[str, Any], progress: _Progress) -> bool:
    """Note what the event says; False when the child has come to its end."""
    kind = event["event"]
    if kind in ("loading", "checking"):
        progress.step = event.get("cell") or event["exercise"]
        progress.checking = event.get("exercise")
    elif kind == "loaded":
        report = cast(dict[str, Any], event["report"])
        if error := report["error"]:
            reason = f"{(error['mro'] or ['Exception'])[0]}: {error['message']}"
            progress.failures.append(
                CellFailure(report["id"], "\n".join([reason, *error["lines"]]))
            )
    elif kind == "verdict":
        verdict = Verdict.model_validate(event["verdict"])
        progress.verdicts[event["exercise"]] = verdict.exercises[0]
        progress.checking = None
    else:
        return False
    return True


def _stopped(event: dict[str, Any], spec: LabSpec, progress: _Progress) -> None:
    """The child ended early: blame the exercise that ran, or the cell, or our own files."""
    if event["event"] in ("refused", "crashed"):
        raise LabError(f"{spec.name} cannot be checked: {event['message']}")
    if event["event"] == "timeout":
        reason = f"had not finished after {event.get('seconds', 0):g} CPU seconds"
        status: Status = "timeout"
    else:
        reason, status = f"ended Python ({event['reason']})", "error"
    if progress.checking is None:
        told = f"Cell {progress.step} {reason}, so nothing could be checked."
        progress.stopped = (status, told)
        return
    name = progress.checking
    progress.verdicts[name] = _failed(spec, name, status, f"Your code {reason}.")


def _failed(spec: LabSpec, name: str, status: Status, error: str) -> ExerciseVerdict:
    return ExerciseVerdict(
        exercise=name,
        points=0,
        max_points=spec.exercise(name).points,
        status=status,
        cases_passed=0,
        cases_total=0,
        error=error,
        next_step=f"labkit hint {spec.name.split('_')[0]} {name}",
    )
