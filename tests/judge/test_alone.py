"""`pytest judge.py --submission FILE.ipynb`, and the plugin in runs that judge nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.judge.runner import check
from autograder.notebook import reference_cells

LAB = Path(__file__).parent / "labs" / "lab90_tiny"


def notebook(path: Path, **answers: str) -> Path:
    """The reference as a released notebook, with some answers replaced."""
    cells = [
        {
            "cell_type": "code",
            "id": cell.id,
            "metadata": {
                "tags": [cell.kind],
                "nbgrader": {
                    "grade_id": cell.id,
                    "schema_version": 3,
                    "grade": False,
                    "solution": cell.kind == "solution",
                    "locked": cell.kind == "setup",
                    "task": False,
                },
            },
            "source": answers.get(cell.id, cell.source),
            "outputs": [],
            "execution_count": None,
        }
        for cell in reference_cells(LAB)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    path.write_text(json.dumps(whole))
    return path


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the lab released in labs/."""
    folder = tmp_path_factory.mktemp("kit")
    notebook(folder / "labs" / LAB.name / f"{LAB.name}.ipynb")
    return folder


def run_pytest(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-c", os.devnull, "--noconftest", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "LABKIT_ROOT": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_right_submission_passes_every_case(course: Path) -> None:
    file = notebook(course / "Zoë 1.ipynb")
    done = run_pytest(course, LAB / "judge.py", "--submission", file, "--labkit-trust")
    assert "5 passed" in done.stdout, done.stdout + done.stderr


def test_it_runs_under_the_projects_own_settings_too(course: Path) -> None:
    """There, warnings are errors."""
    lab = Path(shutil.copytree(LAB, course / "solutions" / LAB.name))
    file = notebook(course / "right.ipynb")
    settings = Path(__file__).resolve().parents[2] / "pyproject.toml"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", settings, lab / "judge.py", f"--submission={file}"],
        cwd=course,
        env={**os.environ, "LABKIT_ROOT": str(course)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "5 passed" in done.stdout, done.stdout + done.stderr


def test_a_wrong_one_fails_in_a_few_lines_of_ours(course: Path) -> None:
    file = notebook(course / "wrong.ipynb", ratio="def ratio(a, b): return 1 // b")
    done = run_pytest(course, LAB / "judge.py", "--submission", file, "--labkit-trust")
    assert "2 failed, 3 passed" in done.stdout, done.stdout + done.stderr
    assert "expected  raises ValueError" in done.stdout
    assert "Traceback" not in done.stdout and "autograder/" not in done.stdout


def test_without_a_submission_the_option_is_named() -> None:
    done = run_pytest(LAB, "judge.py")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "add --submission FILE.ipynb" in done.stderr + done.stdout


def test_an_unreadable_submission_is_one_sentence(course: Path) -> None:
    done = run_pytest(course, LAB / "judge.py", "--submission", course / "none.ipynb")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "There is no notebook at" in done.stderr


def test_other_suites_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\n"
        "def test_nothing_heavy():\n"
        "    assert not {'hypothesis.core', 'torch', 'numpy'} & set(sys.modules)\n"
    )
    done = run_pytest(tmp_path, "-p", "no:hypothesispytest", "test_other.py")
    assert "1 passed" in done.stdout, done.stdout


def test_check_gives_the_same_in_this_process_and_in_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = check(reference_cells(LAB), LAB)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--maxfail=1 -k nothing")
    assert check(reference_cells(LAB), LAB) == here
    assert here.points == 7
