"""`pytest solutions/LAB/judge.py --submission FILE.ipynb`: one submission, pytest's own report.

Starts a zygote of its own. `--labkit-trust` runs the submission in this process instead.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.errors import LabkitError
from autograder.judge.bench import Bench, Spawn
from autograder.judge.places import jail_spawn, local_spawn, local_subject, reference_source
from autograder.judge.plugin import FILES
from autograder.judge.runner import PRELOAD, PUBLIC_SEED
from autograder.judge.service import GradedService, started
from autograder.judge.session import Choice, JudgeSession
from autograder.judge.subject import Subject
from autograder.lab import LabSpec, labs_folder, load_spec


def judge_alone(config: pytest.Config, submission: Path) -> None:
    """Register the plugin that judges `submission` with the one file named on the command line.

    Raises:
        pytest.UsageError: there is not exactly one such file, or something cannot be read.
    """
    path = _judged_file(config)
    try:
        _register(config, path, submission)
    except LabkitError as error:
        raise pytest.UsageError(str(error)) from error


def _judged_file(config: pytest.Config) -> Path:
    named = {Path(argument.split("::", 1)[0]).resolve() for argument in config.args}
    files = [path for path in named if path.name in FILES and path.is_file()]
    if len(files) != 1:
        raise pytest.UsageError(
            f"--submission needs one judge.py or checks.py on the command line, not {len(files)}."
        )
    return files[0]


def _register(config: pytest.Config, path: Path, submission: Path) -> None:
    from autograder.notebook import graft, read_notebook, read_release

    lab_dir = path.parent
    spec = load_spec(lab_dir)
    hidden = path.name == "judge.py"
    release = labs_folder() / lab_dir.name if hidden else lab_dir
    grafted = graft(read_notebook(submission), read_release(release))
    seed: str = config.getoption("--labkit-seed") or PUBLIC_SEED
    service = _service(config, spec)
    reference: Subject | None = None
    if hidden:
        reference = local_subject(reference_source(lab_dir), upcast=True, service=service)
    bench = Bench(grafted.cells, _spawn(config, spec, service), reference, spec.limits)
    session = JudgeSession(spec, bench, Choice(seed=seed, scored=hidden))
    config.pluginmanager.register(session, "labkit_judging")


def _service(config: pytest.Config, spec: LabSpec) -> GradedService | None:
    """A service of this run's own, if the lab needs one."""
    if spec.service is None:
        return None
    running = started(spec.service)
    config.add_cleanup(running.stop)
    return GradedService((running.url, running.key), spec.service)


def _spawn(config: pytest.Config, spec: LabSpec, service: GradedService | None) -> Spawn:
    if config.getoption("--labkit-trust"):
        return local_spawn(spec, service=service)
    from autograder.sandbox.client import Zygote

    zygote = Zygote.start(preload=("numpy", "torch", *PRELOAD))
    config.add_cleanup(zygote.close)
    return jail_spawn(spec, zygote, service)
