"""The main job on the real lab: twelve hand-ins graded by `labkit`, and again by stock nbgrader."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LAB = "lab05_lora_math"
BIN = Path(sys.executable).parent
pytestmark = [pytest.mark.slow, pytest.mark.jail]


def run(*command: str, cwd: Path) -> str:
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "160"}
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The demo's folder and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    told = run(str(BIN / "labkit"), "demo", "--dir", "story", cwd=folder)
    yield folder / "story", told


@pytest.fixture(scope="module")
def stock(demo: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's course before grading, graded by `nbgrader autograde` alone, one by one."""
    course = Path(shutil.copytree(demo[0] / "course", tmp_path_factory.mktemp("stock") / "course"))
    for made in ("autograded", "feedback", "verdicts", "reports"):
        shutil.rmtree(course / made)
        (course / made).mkdir()
    (course / "ledger.jsonl").unlink()
    run(str(BIN / "nbgrader"), "db", "assignment", "remove", LAB, "--force", cwd=course)
    labkit = str(BIN / "labkit")
    run(labkit, "course", "init", ".", "--lab", LAB, cwd=course)
    run(str(BIN / "nbgrader"), "autograde", LAB, cwd=course)
    run(str(BIN / "nbgrader"), "generate_feedback", LAB, cwd=course)
    return course


def exported(course: Path) -> list[dict[str, str]]:
    text = run(str(BIN / "labkit"), "export", "--format", "csv", cwd=course)
    return list(csv.DictReader(io.StringIO(text)))


def test_the_demo_comes_out_as_it_should(demo: tuple[Path, str]) -> None:
    story, told = demo  # exit code 0: every one of the twelve scored as expected
    assert told.count(" of 26") == 12
    assert (story / "course" / "reports" / f"{LAB}.html").is_file()
    pages = list((story / "course" / "feedback").glob(f"*/{LAB}/{LAB}.html"))
    assert len(pages) == 12


def test_every_grade_is_in_the_gradebook_and_the_ledger(demo: tuple[Path, str]) -> None:
    course = demo[0] / "course"
    rows = exported(course)
    assert len(rows) == 12
    entries = [json.loads(line) for line in (course / "ledger.jsonl").read_text().splitlines()]
    assert (
        len(
            {
                json.dumps(entry["entry"]["student"] if "entry" in entry else entry["student"])
                for entry in entries
            }
        )
        == 12
    )


def test_stock_nbgrader_gives_the_same_points(demo: tuple[Path, str], stock: Path) -> None:
    assert exported(stock) == exported(demo[0] / "course")


def test_feedback_is_the_same_to_the_byte(demo: tuple[Path, str], stock: Path) -> None:
    ours = demo[0] / "course" / "feedback"
    pages = sorted(page.relative_to(ours) for page in ours.rglob("*.html"))
    assert pages
    for page in pages:
        assert (ours / page).read_bytes() == (stock / "feedback" / page).read_bytes(), page


def test_feedback_names_no_file_of_ours_and_no_hidden_case(demo: tuple[Path, str]) -> None:
    root = Path(__file__).resolve().parents[2]
    hidden = re.findall(r"^def (test_\w+)", (root / f"solutions/{LAB}/judge.py").read_text(), re.M)
    assert len(hidden) > 9
    for page in (demo[0] / "course" / "feedback").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "Traceback (most recent" not in text
        assert str(root) not in text
        assert not [name for name in hidden if name in text]


def test_a_second_demo_replaces_the_first_and_nothing_else(tmp_path: Path) -> None:
    from autograder.demo.story import play
    from autograder.errors import CourseError

    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(CourseError, match="no demo made"):
        play(tmp_path, tmp_path / LAB)
    assert (tmp_path / "thesis.tex").read_text() == "mine"
