"""A judge that has rehearsed: prepared once for a lab and a seed, it judges many submissions.

It gives the verdicts of `runner.judge`, in a fraction of the time: inputs are generated, and the
reference is asked, once for all submissions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.errors import LabError, LabkitError
from autograder.judge.diagnosis import Mistake, known_mistakes, loaded
from autograder.judge.firstlook import Look, Looker
from autograder.judge.observed import Observed
from autograder.judge.places import (
    batched_spawn,
    jail_spawn,
    local_spawn,
    local_subject,
    reference_source,
)
from autograder.judge.questions import questions
from autograder.judge.rehearsal import Prompter, Rehearsal, Stage
from autograder.judge.remembered import Memory, learn
from autograder.judge.runner import answer_with, answer_without, collect_seldom, run, verdict_in
from autograder.judge.service import Address, graded_service
from autograder.judge.session import Choice
from autograder.judge.settle import Known, joined, settle
from autograder.judge.verdict import Verdict
from autograder.lab import ExerciseSpec, LabSpec, load_spec
from autograder.sandbox.ops import SourceCell

if TYPE_CHECKING:
    from autograder.sandbox.client import Zygote


@dataclass(frozen=True)
class Unrehearsed:
    """What the calls of one examiner share. Lives in its process only.

    It is all there is where every exercise may call the Tinker service: its clients are threads,
    which no fork survives.
    """

    lab_dir: Path
    spec: LabSpec
    choice: Choice


@dataclass(frozen=True)
class Prepared(Unrehearsed):
    """The same with what a rehearsal of the exercises that call no service found."""

    prompter: Prompter
    rehearsal: Rehearsal
    known: Known
    mistakes: Mapping[str, Sequence[Mistake]]


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
        self._remembered: Memory = {}

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
        answer = self._resident.call(job | {"remembered": dict(self._remembered)})
        learn(self._remembered, answer.get("learned", {}))
        return verdict_in(answer, on_stdout, on_observed)

    def close(self) -> None:
        """End its process. Closing twice is fine."""
        self._resident.close()


def prepare(payload: dict[str, Any], zygote: Any) -> Prepared | Unrehearsed | str:
    """Judge the reference itself, and keep what was asked; a sentence when the lab is wrong."""
    collect_seldom()
    lab_dir = Path(payload["lab_dir"])
    try:
        spec = load_spec(lab_dir)
        choice = Choice(seed=payload["seed"])
        plain = tuple(e for e in spec.exercises if not spec.calls_service(e.name))
        if not plain:
            return Unrehearsed(lab_dir, spec, choice)
        trusted = reference_source(lab_dir)
        prompter = Prompter(local_subject(trusted, upcast=True))
        stage = Stage(prompter)
        verdict, observed = run(
            trusted,
            lab_dir,
            spec,
            stage.recording(local_spawn(spec)),
            replace(choice, exercises=tuple(e.name for e in plain)),
            file="judge.py",
            reference=prompter,
            stage=stage,
        )
        failed = [found.exercise for found in verdict.exercises if found.status != "passed"]
        if failed:
            raise LabError(
                f"The reference of {spec.name} fails its own judge: {', '.join(failed)}."
            )
        mistakes = {e.name: _mistakes(lab_dir, e, trusted) for e in plain}
    except LabkitError as error:
        return str(error)
    looker = Looker(spec, questions(stage.scenes()), prompter)
    known = Known(spec, looker, verdict, observed)
    return Prepared(lab_dir, spec, choice, prompter, stage.rehearsal(), known, mistakes)


def _mistakes(
    lab_dir: Path, exercise: ExerciseSpec, trusted: Sequence[SourceCell]
) -> tuple[Mistake, ...]:
    start = partial(local_subject, cpu_seconds=exercise.limits.cpu_seconds)
    return loaded(known_mistakes(lab_dir, exercise.name, trusted), start)


def examine(
    job: dict[str, Any], zygote: Any, prepared: Prepared | Unrehearsed | str
) -> dict[str, Any]:
    """Judge one submission in a fork of what was prepared."""
    if isinstance(prepared, str):
        return {"error": prepared}
    collect_seldom()
    chosen: list[str] | None = job["exercises"]
    spec = prepared.spec
    exercises = [name for name in spec.by_name if chosen is None or name in chosen]
    calling = [name for name in exercises if spec.calls_service(name)]
    plain = [name for name in exercises if name not in calling]
    cells = [SourceCell(*parts) for parts in job["cells"]]
    parts: list[tuple[Verdict, Observed]] = []
    remembered: Memory = job["remembered"]
    memory = dict(remembered)
    try:
        if isinstance(prepared, Prepared) and (plain or not calling):
            parts.append(_settled(prepared, cells, plain, zygote))
        if calling or not parts:
            parts.append(_in_full(prepared, cells, calling, zygote, job["service"], memory))
    except LabkitError as error:
        return answer_without(error)
    learned = {key: answer for key, answer in memory.items() if key not in remembered}
    return answer_with(*joined(spec, parts)) | {"learned": learned}


def _in_full(
    shared: Unrehearsed,
    cells: Sequence[SourceCell],
    exercises: Sequence[str],
    zygote: Any,
    address: Address | None,
    memory: Memory,
) -> tuple[Verdict, Observed]:
    """A plain run, as `runner.judge` does it, with what mistakes answered before."""
    spec, choice = shared.spec, replace(shared.choice, exercises=tuple(exercises))
    with graded_service(spec, address) as service:
        spawn = jail_spawn(spec, zygote, service)
        return run(
            cells, shared.lab_dir, spec, spawn, choice,
            file="judge.py", service=service, memory=memory,
        )  # fmt: skip


def _settled(
    prepared: Prepared, cells: Sequence[SourceCell], exercises: Sequence[str], zygote: Any
) -> tuple[Verdict, Observed]:
    """A first look, and a run with the rehearsal over what is not right in it."""
    spawn = batched_spawn(prepared.spec, zygote)

    def alone(exercises: Sequence[str]) -> tuple[Verdict, Observed]:
        return run(
            cells,
            prepared.lab_dir,
            prepared.spec,
            spawn,
            replace(prepared.choice, exercises=tuple(exercises)),
            file="judge.py",
            reference=prepared.prompter,
            stage=Stage(prepared.prompter, prepared.rehearsal),
            mistakes=lambda name: prepared.mistakes[name],
        )

    def look() -> Look:
        return prepared.known.looker.look(cells, exercises, spawn)

    return settle(exercises, prepared.known, look, alone)
