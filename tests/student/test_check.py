"""`labkit check` says what is right and what is not, whatever the student's code does."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from autograder.judge.verdict import Verdict

SOLVED = {
    "double": "def double(x):\n    return 2 * x",
    "total": "def total(n):\n    return sum(n)\n\n\ndef mean(n):\n    return total(n) / len(n)",
}


def statuses(done: Any) -> dict[str, str]:
    verdict = Verdict.model_validate(json.loads(done.stdout) | {"seed": "", "level": ""})
    return {e.exercise: e.status for e in verdict.exercises}


def test_a_stub_is_not_attempted(labkit: Any, work: Path) -> None:
    done = labkit("check", "lab00")
    assert done.exit_code == 1
    assert "· double: not attempted" in done.stdout
    assert "labkit hint lab00 double" in done.stdout
    assert "0 of 2 pass" in done.stdout


def test_a_class_that_stops_at_its_stub_is_not_attempted(labkit: Any, solve: Any) -> None:
    stub = "class total:\n    raise NotImplementedError('lab00 total: Sum a list')"
    solve(SOLVED | {"total": stub})
    done = labkit("check", "lab00", "--json")
    assert statuses(done) == {"double": "passed", "total": "not attempted"}


def test_right_answers_pass(labkit: Any, solve: Any) -> None:
    solve(SOLVED)
    done = labkit("check", "lab00")
    assert done.exit_code == 0
    assert "✓ double: passed" in done.stdout
    assert "2 of 2 pass their checks. Next: labkit submit lab00" in done.stdout


@pytest.mark.parametrize(("two", "used"), [("2", False), ("int(torch.tensor(2))", True)])
def test_torch_is_loaded_only_for_code_that_uses_it(
    labkit: Any, solve: Any, two: str, used: bool
) -> None:
    code = (
        "import sys\nimport tinker\nimport torch\n\n\n"
        f"def double(x):\n    y = {two} * x\n"
        f"    return y if ('torch.nn' in sys.modules) is {used} else None"
    )
    solve(SOLVED | {"double": code})
    assert labkit("check", "lab00", "double").exit_code == 0


def test_one_exercise_can_be_checked_alone(labkit: Any, solve: Any) -> None:
    solve({"double": SOLVED["double"]})
    done = labkit("check", "lab00", "double")
    assert done.exit_code == 0
    assert "total" not in done.stdout


def test_a_wrong_answer_is_shown_with_its_call(labkit: Any, solve: Any) -> None:
    solve(SOLVED | {"double": "def double(x):\n    return x ** 2"})
    done = labkit("check", "lab00")
    assert done.exit_code == 1
    assert "✗ double" in done.stdout
    assert "double(3)" in done.stdout
    assert "9" in done.stdout
    assert "labkit hint lab00 double" in done.stdout
    assert "✓ total" in done.stdout


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("def double(x:\n  return", "error"),
        ("def double(x):\n    raise KeyError('mine')", "error"),
        ("def double(x):\n    while True: pass", "timeout"),
        ("import os\ndef double(x):\n    os._exit(0)", "error"),
        ("import sys\ndef double(x):\n    sys.exit(0)", "error"),
        ("import os\ndef double(x):\n    os.kill(os.getpid(), 9)", "error"),
    ],
    ids=["syntax", "raises", "loops", "exits at once", "exits", "kills itself"],
)
def test_other_exercises_still_count(labkit: Any, solve: Any, answer: str, status: str) -> None:
    solve(SOLVED | {"double": answer})
    done = labkit("check", "lab00", "--json")
    assert done.exit_code == 1
    assert statuses(done) == {"double": status, "total": "passed"}
    assert "Traceback" not in done.stdout


def test_a_cell_that_ends_python_when_loaded_is_named(labkit: Any, solve: Any) -> None:
    solve(SOLVED | {"double": "import os\nos._exit(7)"})
    done = labkit("check", "lab00")
    assert done.exit_code == 1
    assert "Cell double ended Python (exit code 7), so nothing could be checked." in done.stdout


def test_a_cell_that_loops_when_loaded_is_named(
    labkit: Any, solve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.check.run.CELL_CPU_SECONDS", 0.5)
    solve(SOLVED | {"total": "while True:\n    pass"})
    done = labkit("check", "lab00")
    assert done.exit_code == 1
    assert "Cell total had not finished after 0.5 CPU seconds" in done.stdout


def test_what_the_code_prints_is_not_mixed_in(labkit: Any, solve: Any) -> None:
    loud = "import sys, os\nprint('loud')\nos.write(1, b'louder')\n" + SOLVED["double"]
    solve(SOLVED | {"double": loud.replace("return", "print('x', file=sys.stderr); return")})
    done = labkit("check", "lab00")
    assert done.exit_code == 0
    assert "loud" not in done.stdout + done.stderr


def test_the_keys_of_the_hosted_service_are_not_there(
    labkit: Any, solve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINKER_API_KEY", "secret")
    monkeypatch.setenv("TINKER_BASE_URL", "https://example.org")
    monkeypatch.setenv("TINKER_TELEMETRY", "0")  # as `connect()` leaves it in a notebook
    asks = "import os\nassert not [k for k in os.environ if k.startswith('TINKER_')]\n"
    solve({"double": asks + SOLVED["double"]})
    assert labkit("check", "lab00", "double").exit_code == 0


def test_what_happened_to_the_notebook_is_said(labkit: Any, solve: Any) -> None:
    solve(SOLVED | {"setup": "import os", "double": ""})
    done = labkit("check", "lab00")
    assert "Note: Cell setup was changed" in done.stdout
    assert "Note: Cell double is missing" in done.stdout


def test_the_lab_may_be_named_by_the_notebooks_path(labkit: Any, solve: Any, desk: Path) -> None:
    path = solve(SOLVED).rename(desk / "renamed 数.ipynb")
    assert labkit("check", str(path)).exit_code == 0
    assert (desk / ".labkit-progress.json").is_file()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"no json", "is not JSON"),
        (b'{"nbformat": 3}', "format 3"),
        (b'{"nbformat": 4, "cells": []}', "belongs to lab00_tiny"),
    ],
)
def test_an_unreadable_notebook_ends_with_two(
    labkit: Any, notebook: Path, content: bytes, sentence: str
) -> None:
    notebook.write_bytes(content)
    done = labkit("check", "lab00")
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("check", "lab00", "doubl"), "has no exercise 'doubl'. It has: double, total."),
        (("check", "lab99"), "'lab99' names 0 labs"),
        (("check", "no.ipynb"), "There is no notebook at no.ipynb."),
        (("check", "lab00", "--watch", "--json"), "use one of them"),
    ],
)
def test_wrong_usage_ends_with_two(
    labkit: Any, work: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    done = labkit(*arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr


def test_a_lab_that_was_not_started_says_how_to(labkit: Any) -> None:
    done = labkit("check", "lab00")
    assert done.exit_code == 2
    assert "Run `labkit start lab00` there" in done.stderr


def test_broken_checks_are_the_labs_fault(
    labkit: Any, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    shutil.copytree(Path(os.environ["LABKIT_ROOT"]), tmp_path / "root")
    monkeypatch.setenv("LABKIT_ROOT", str(tmp_path / "root"))
    (tmp_path / "root" / "labs" / "lab00_tiny" / "checks.py").write_text('"""x"""\n1 / 0\n')
    done = labkit("check", "lab00")
    assert done.exit_code == 2
    assert "lab00_tiny cannot be checked" in done.stderr
