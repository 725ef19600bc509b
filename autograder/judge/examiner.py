"""A judge that has rehearsed: prepared once for a lab and a seed, it judges many submissions.

It gives the verdicts of `runner.judge`, in a fraction of the time: inputs are generated, and the
reference is asked, once for all submissions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.errors import LabError, LabkitError
from autograder.judge.firstlook import Questions, look_at, questions
from autograder.judge.places import (
    Jailed,
    jail_spawn,
    local_spawn,
    local_subject,
    reference_source,
)
from autograder.judge.rehearsal import Prompter, Rehearsal, Stage
from autograder.judge.runner import collect_seldom, run, verdict_in
from autograder.judge.session import Choice
from autograder.judge.verdict import ExerciseVerdict, Verdict
from autograder.lab import LabSpec, load_spec
from autograder.sandbox.ops import SourceCell

if TYPE_CHECKING:
    from autograder.sandbox.client import Zygote


@dataclass(frozen=True)
class Prepared:
    """What the calls of one examiner share. Lives in its process only."""

    lab_dir: Path
    spec: LabSpec
    choice: Choice
    prompter: Prompter
    rehearsal: Rehearsal
    questions: Questions
    passed: Mapping[str, ExerciseVerdict]
    """The verdict on an exercise that is right."""


class Examiner:
    """Judges submissions of one lab. Calls may come from several threads; close it at the end."""

    def __init__(self, lab_dir: Path, *, zygote: Zygote, seed: str) -> None:
        """Rehearse, in a trusted fork of `zygote`.

        Raises:
            ForkDied: the rehearsal crashed.
        """
        self._resident = zygote.reside(
            f"{__name__}:prepare", f"{__name__}:examine", {"lab_dir": str(lab_dir), "seed": seed}
        )

    def judge(
        self,
        cells: Sequence[SourceCell],
        *,
        on_stdout: Callable[[str, str], None] | None = None,
    ) -> Verdict:
        """The verdict on a submission's grafted cells, run in jails.

        `on_stdout` is called with an exercise and what its code printed.

        Raises:
            LabError: the lab's own files are wrong.
            ForkDied: the judge's process crashed or was killed.
        """
        plain_cells = [[cell.id, cell.kind, cell.source] for cell in cells]
        return verdict_in(self._resident.call({"cells": plain_cells}), on_stdout)

    def close(self) -> None:
        """End its process. Closing twice is fine."""
        self._resident.close()


def prepare(payload: dict[str, Any], zygote: Any) -> Prepared | str:
    """Judge the reference itself, and keep what was asked; a sentence when the lab is wrong."""
    collect_seldom()
    lab_dir = Path(payload["lab_dir"])
    try:
        spec = load_spec(lab_dir)
        trusted = reference_source(lab_dir)
        prompter = Prompter(local_subject(trusted, upcast=True))
        choice = Choice(seed=payload["seed"])
        stage = Stage(prompter)
        verdict, _ = run(
            trusted,
            lab_dir,
            spec,
            stage.recording(local_spawn(spec)),
            choice,
            file="judge.py",
            reference=prompter,
            stage=stage,
        )
        failed = [found.exercise for found in verdict.exercises if found.status != "passed"]
        if failed:
            raise LabError(
                f"The reference of {spec.name} fails its own judge: {', '.join(failed)}."
            )
    except LabkitError as error:
        return str(error)
    passed = {found.exercise: found for found in verdict.exercises}
    asked = questions(stage.scenes())
    return Prepared(lab_dir, spec, choice, prompter, stage.rehearsal(), asked, passed)


def examine(job: dict[str, Any], zygote: Any, prepared: Prepared | str) -> dict[str, Any]:
    """Judge one submission in a fork of what was prepared."""
    if isinstance(prepared, str):
        return {"error": prepared}
    collect_seldom()
    cells = [SourceCell(*parts) for parts in job["cells"]]
    try:
        verdict, printed = _verdict(cells, prepared, jail_spawn(prepared.spec, zygote))
    except LabkitError as error:
        return {"error": str(error)}
    return {"verdict": verdict.model_dump(mode="json"), "stdout": printed}


def _verdict(
    cells: Sequence[SourceCell], prepared: Prepared, spawn: Jailed
) -> tuple[Verdict, dict[str, str]]:
    """What a first look settles, and a full run for the exercises that it does not."""
    spec, choice = prepared.spec, prepared.choice
    look = look_at(cells, spec, prepared.questions, prepared.prompter, spawn)
    found = {name: prepared.passed[name] for name in look.right}
    left = tuple(name for name in spec.by_name if name not in found)
    notes, level, printed = look.notes, look.level, look.printed
    if left:
        stage = Stage(prepared.prompter, prepared.rehearsal)
        verdict, more = run(
            cells,
            prepared.lab_dir,
            spec,
            spawn,
            replace(choice, exercises=left),
            file="judge.py",
            reference=prepared.prompter,
            stage=stage,
        )
        found |= {exercise.exercise: exercise for exercise in verdict.exercises}
        notes, level, printed = verdict.notes, verdict.level, printed | more
    exercises = tuple(found[name] for name in spec.by_name)
    whole = Verdict(lab=spec.name, seed=choice.seed, level=level, exercises=exercises, notes=notes)
    return whole, {name: printed[name] for name in spec.by_name if name in printed}
