"""A judge that has rehearsed: prepared once for a lab and a seed, it judges many submissions.

It gives the verdicts of `runner.judge`, in a fraction of the time: inputs are generated, and the
reference is asked, once for all submissions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.errors import LabError, LabkitError
from autograder.judge.observed import Observed
from autograder.judge.places import jail_spawn, local_spawn, local_subject, reference_source
from autograder.judge.rehearsal import Prompter, Rehearsal, Stage
from autograder.judge.runner import answer_with, answer_without, collect_seldom, run, verdict_in
from autograder.judge.service import Address, graded_service
from autograder.judge.session import Choice
from autograder.judge.verdict import Verdict
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
    prompter: Prompter | None
    """None for labs with the Tinker service: its clients are threads, which no fork survives."""
    rehearsal: Rehearsal | None

    @property
    def stage(self) -> Stage:
        """Where one submission is examined."""
        return Stage(self.prompter, self.rehearsal)


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
        exercises: Sequence[str] | None = None,
        on_stdout: Callable[[str, str], None] | None = None,
        on_observed: Callable[[Observed], None] | None = None,
        service: Address | None = None,
    ) -> Verdict:
        """The verdict on a submission's grafted cells, run in jails; on `exercises` alone if given.

        `on_stdout` is called with an exercise and what its code printed, `on_observed` with what
        is for the instructor only; `service` is where labs that need the Tinker service find it.

        Raises:
            LabError: the lab's own files are wrong.
            EnvironmentRefused: a jail could not be built.
            ForkDied: the judge's process crashed or was killed.
        """
        plain_cells = [[cell.id, cell.kind, cell.source] for cell in cells]
        chosen = None if exercises is None else list(exercises)
        job = {"cells": plain_cells, "exercises": chosen, "service": service}
        return verdict_in(self._resident.call(job), on_stdout, on_observed)

    def close(self) -> None:
        """End its process. Closing twice is fine."""
        self._resident.close()


def prepare(payload: dict[str, Any], zygote: Any) -> Prepared | str:
    """Judge the reference itself, and keep what was asked; a sentence when the lab is wrong."""
    collect_seldom()
    lab_dir = Path(payload["lab_dir"])
    try:
        spec = load_spec(lab_dir)
        if spec.service is not None:
            return Prepared(lab_dir, spec, Choice(seed=payload["seed"]), None, None)
        trusted = reference_source(lab_dir)
        prompter = Prompter(local_subject(trusted, upcast=True))
        choice = Choice(seed=payload["seed"])
        stage = Stage(prompter)
        verdict, _ = run(
            trusted,
            lab_dir,
            spec,
            local_spawn(spec),
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
    return Prepared(lab_dir, spec, choice, prompter, stage.rehearsal())


def examine(job: dict[str, Any], zygote: Any, prepared: Prepared | str) -> dict[str, Any]:
    """Judge one submission in a fork of what was prepared."""
    if isinstance(prepared, str):
        return {"error": prepared}
    collect_seldom()
    chosen: list[str] | None = job["exercises"]
    choice = replace(prepared.choice, exercises=None if chosen is None else tuple(chosen))
    try:
        with graded_service(prepared.spec, job["service"]) as service:
            verdict, observed = run(
                [SourceCell(*parts) for parts in job["cells"]],
                prepared.lab_dir,
                prepared.spec,
                jail_spawn(prepared.spec, zygote, service),
                choice,
                file="judge.py",
                reference=prepared.prompter,
                stage=prepared.stage,
                service=service,
            )
    except LabkitError as error:
        return answer_without(error)
    return answer_with(verdict, observed)
