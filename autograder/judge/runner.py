"""Runs a judge's file on one submission: in a fork of the zygote, or in this process.

`judge` is the hidden exam, the student's code jailed; `check` is the public one, in the student's
own process, without a reference.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from autograder.errors import EnvironmentRefused, LabError, LabkitError
from autograder.judge.bench import Bench, Spawn
from autograder.judge.determinism import no_pytest_settings
from autograder.judge.diagnosis import known_mistakes
from autograder.judge.observed import Observed
from autograder.judge.places import jail_spawn, local_spawn, local_subject, reference_source
from autograder.judge.rehearsal import Stage
from autograder.judge.remembered import Memory
from autograder.judge.service import Address, GradedService, graded_service
from autograder.judge.session import Choice, JudgeSession
from autograder.judge.subject import Subject
from autograder.judge.verdict import Verdict
from autograder.judge.verdicts import Mistakes, observed_in, verdict_from
from autograder.lab import LabSpec, load_spec
from autograder.sandbox.ops import SourceCell

if TYPE_CHECKING:
    from autograder.sandbox.client import Zygote

PRELOAD = ("autograder.judge.warm",)
"""What a zygote should import beside the libraries of the labs. Nothing hidden is in it."""

PUBLIC_SEED = "public checks"
USUAL_EXAMPLES = 50
"""Inputs a case that an exercise's time limit is meant for; a local run of more gets more."""

_QUIET = (
    "--assert=plain",
    "--import-mode=importlib",
    "--disable-plugin-autoload",
    "--noconftest",
    "--capture=no",
    "-pno:cacheprovider",
    "-pno:terminal",
    "-pno:logging",
    "-pno:faulthandler",
    "-pno:unraisableexception",
    "-pno:threadexception",
    "-pno:junitxml",
    "-pno:doctest",
    "-pno:unittest",
    "-pno:tmpdir",
)


def judge(
    cells: Sequence[SourceCell],
    lab_dir: Path,
    *,
    zygote: Zygote,
    seed: str,
    exercises: Sequence[str] | None = None,
    file: str = "judge.py",
    examples: int | None = None,
    local: bool = False,
    fast: bool = False,
    notes: Sequence[str] = (),
    on_stdout: Callable[[str, str], None] | None = None,
    service: Address | None = None,
) -> Verdict:
    """The verdict on a submission's grafted cells, from a fork of `zygote`.

    Args:
        cells: what is judged, by the files in `lab_dir`.
        lab_dir: the lab's source folder.
        zygote: where forks come from.
        seed: the course's seed of the generated inputs.
        exercises: only these; all when None.
        file: `checks.py` runs the public checks the same way.
        examples: generated inputs a case, instead of what the case says.
        local: run the cells in the trusted fork instead of a jail (the audit's own code only).
        fast: stop at the first failure and do not search a smaller counterexample.
        notes: what happened to the notebook, for the verdict.
        on_stdout: called with an exercise and what its code printed, for the instructor's log.
        service: where labs that need the Tinker service find it.

    Raises:
        LabError: the lab's own files are wrong.
        EnvironmentRefused: a jail could not be built.
    """
    options = {"seed": seed, "file": file, "examples": examples, "local": local, "fast": fast}
    more = {"exercises": exercises, "notes": list(notes), "service": service}
    plain_cells = [[cell.id, cell.kind, cell.source] for cell in cells]
    job = {"lab_dir": str(lab_dir), "cells": plain_cells, **more, **options}
    return verdict_in(zygote.fork_call("autograder.judge.runner:run_job", job), on_stdout)


def verdict_in(
    answer: dict[str, Any],
    on_stdout: Callable[[str, str], None] | None,
    on_observed: Callable[[Observed], None] | None = None,
) -> Verdict:
    """The verdict in a fork's answer; raises the error when it tells of one."""
    if "refused" in answer:
        raise EnvironmentRefused(answer["refused"])
    if "error" in answer:
        raise LabError(answer["error"])
    observed = Observed.model_validate(answer["observed"])
    for name, text in observed.printed.items():
        if on_stdout is not None and text:
            on_stdout(name, text)
    if on_observed is not None:
        on_observed(observed)
    return Verdict.model_validate(answer["verdict"])


def collect_seldom() -> None:
    """A fork lives shortly: looking through what it inherited finds nothing to free."""
    gc.freeze()
    gc.set_threshold(50_000)


def run_job(job: dict[str, Any], zygote: Any) -> dict[str, Any]:
    """What `judge` asks the fork to do: a verdict, or the sentence why there is none."""
    collect_seldom()
    lab_dir = Path(job["lab_dir"])
    try:
        spec = load_spec(lab_dir)
        longer = max(1.0, (job["examples"] or 0) / USUAL_EXAMPLES)
        cells = [SourceCell(*parts) for parts in job["cells"]]
        exercises = job["exercises"]
        choice = Choice(
            seed=job["seed"],
            exercises=None if exercises is None else tuple(exercises),
            examples=job["examples"],
            fast=job["fast"],
            scored=job["file"] == "judge.py",
        )
        with graded_service(spec, job["service"]) as service:
            if job["local"]:
                spawn = local_spawn(spec, times=longer, service=service)
            else:
                spawn = jail_spawn(spec, zygote, service)
            verdict, observed = run(
                cells, lab_dir, spec, spawn, choice, file=job["file"], service=service
            )
    except LabkitError as error:
        return answer_without(error)
    verdict = verdict.model_copy(update={"notes": (*job["notes"], *verdict.notes)})
    return answer_with(verdict, observed)


def answer_with(verdict: Verdict, observed: Observed) -> dict[str, Any]:
    """A fork's answer, for `verdict_in`."""
    return {
        "verdict": verdict.model_dump(mode="json"),
        "observed": observed.model_dump(mode="json"),
    }


def answer_without(error: LabkitError) -> dict[str, Any]:
    """A fork's answer when there is no verdict: the lab is at fault, or else the machine."""
    return {"refused" if isinstance(error, EnvironmentRefused) else "error": str(error)}


def check(
    cells: Sequence[SourceCell],
    lab_dir: Path,
    exercises: Sequence[str] | None = None,
    *,
    service: Address | None = None,
) -> Verdict:
    """The public checks of the released lab in `lab_dir`, on trusted cells, in this process.

    Points are all or nothing here: public checks promise nothing about marks.

    Raises:
        LabError: the lab's own files are wrong.
    """
    spec = load_spec(lab_dir)
    wanted = None if exercises is None else tuple(spec.exercise(e).name for e in exercises)
    choice = Choice(seed=PUBLIC_SEED, exercises=wanted, scored=False)
    with graded_service(spec, service) as graded:
        spawn = local_spawn(spec, service=graded)
        return run(cells, lab_dir, spec, spawn, choice, file="checks.py", service=graded)[0]


def run(
    cells: Sequence[SourceCell],
    lab_dir: Path,
    spec: LabSpec,
    spawn: Spawn,
    choice: Choice,
    *,
    file: str,
    reference: Subject | None = None,
    stage: Stage | None = None,
    service: GradedService | None = None,
    mistakes: Mistakes | None = None,
    memory: Memory | None = None,
) -> tuple[Verdict, Observed]:
    """One run of pytest over `file`: the verdict, and what only the instructor sees.

    `reference` and `mistakes` are read from the lab when left out; `stage` has a rehearsal or
    records one; `service` is what `spawn` was made with,
    `memory` of what mistakes answered to earlier runs.
    """
    hidden = file == "judge.py"
    path = lab_dir / file
    if not path.is_file():
        raise LabError(f"{lab_dir} has no {file}.")
    trusted = reference_source(lab_dir) if hidden else ()
    if hidden and mistakes is None:
        mistakes = partial(known_mistakes, lab_dir, reference=trusted)
    if hidden and reference is None:
        reference = local_subject(trusted, upcast=True, service=service)
    session = JudgeSession(spec, Bench(cells, spawn, reference, spec.limits), choice, stage)
    _run_pytest(path, session)
    if session.fault is not None:
        raise session.fault
    verdict = verdict_from(session, mistakes, service, memory)
    return verdict, observed_in(session)


def _run_pytest(path: Path, session: JudgeSession) -> None:
    """Pytest's own main on one file, silent, leaving no module of the lab behind."""
    arguments = [str(path), *_QUIET, f"--rootdir={path.parent}", f"--config-file={os.devnull}"]
    if session.choice.fast:
        arguments.append("--maxfail=1")
    before = set(sys.modules)
    said = io.StringIO()
    try:
        with no_pytest_settings(), redirect_stdout(said), redirect_stderr(said):
            code = pytest.main(arguments, plugins=[session])
    finally:
        for name in set(sys.modules) - before:
            if getattr(sys.modules[name], "__file__", None) == str(path):
                del sys.modules[name]
    fine = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
    if code not in fine and session.fault is None:
        session.fault = LabError(f"{path} cannot be run: {said.getvalue().strip() or code}")
