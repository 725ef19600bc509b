"""The frame of `labkit`: version, completion, and how an error ends a command."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from autograder.cli import LabkitGroup, build_app
from autograder.errors import CheckFailed, EnvironmentRefused, LabError, LabkitError


def test_the_version_is_the_packages(labkit: Any) -> None:
    done = labkit("--version")
    assert (done.exit_code, done.stdout) == (0, f"labkit {version('tinker-lab-kit')}\n")


@pytest.mark.parametrize(
    ("error", "code"),
    [(LabkitError, 2), (LabError, 2), (CheckFailed, 1), (EnvironmentRefused, 3)],
)
def test_an_error_is_one_message_and_its_own_code(error: type[LabkitError], code: int) -> None:
    app = build_app()
    assert app.info.cls is LabkitGroup

    @app.command()
    def fail() -> None:
        raise error("What came. What to do.")

    done = CliRunner().invoke(app, ["fail"])
    assert (done.exit_code, done.stdout) == (code, "")
    assert done.stderr == "labkit: What came. What to do.\n"


def test_every_student_command_says_what_it_does(labkit: Any) -> None:
    text = labkit("--help").stdout
    for command in ("labs", "start", "check", "hint", "submit", "build"):
        assert f" {command} " in text
        assert labkit(command, "--help").exit_code == 0


def test_an_unknown_command_ends_with_two(labkit: Any) -> None:
    assert labkit("chekc").exit_code == 2


def test_the_shell_completes_commands(tmp_path: Path) -> None:
    environment = os.environ | {
        "_LABKIT_COMPLETE": "complete_bash",
        "COMP_WORDS": "labkit sub",
        "COMP_CWORD": "1",
    }
    code = "from autograder.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["submit"]
