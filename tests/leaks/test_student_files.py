"""No file that a student gets holds a hidden case, a reference, a known mistake or a rubric.

Two labs with a mark in each hidden text are released, and wrong hand-ins of every kind are graded
by the real `labkit grade` and get their pages by `labkit feedback`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from autograder.cli import build_app
from autograder.course import Course
from autograder.grading import session
from autograder.lab import load_spec
from autograder.sandbox.probe import probe
from tests.leaks.answers import KINDS, answers_for
from tests.leaks.finder import Hidden, leaks_below, leaks_in
from tests.leaks.planting import MARKS, plant

LABS = ("lab90_tiny", "lab05_lora_math")
pytestmark = [pytest.mark.jail, pytest.mark.slow]


@dataclass(frozen=True)
class Term:
    """A repository with marked labs, and a course of them that is graded to the last page."""

    root: Path
    course: Course
    hidden: Hidden


def labkit(*words: str | Path) -> str:
    done = CliRunner().invoke(build_app(), [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def term(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Term]:
    """The marked labs, released and graded."""
    if probe().level is None:
        pytest.skip("no sandbox here")
    root = tmp_path_factory.mktemp("marked")
    hidden = marked_labs(repository, root / "solutions")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_ROOT", str(root))
        complete(root, repository)
        labkit("build")
        labkit("course", "init", root / "course", "--seed", "a seed")
        course = Course.load(root / "course")
        for lab in LABS:
            hand_in_all(course, lab)
            labkit("grade", lab, "--course", course.root, "--jobs", "2")
            labkit("feedback", lab, "--course", course.root)
        yield Term(root, course, hidden)
        session.close_sessions()


def complete(root: Path, repository: Path) -> None:
    """Everything of the repository but its labs."""
    for name in ("shared", "autograder"):
        os.symlink(repository / name, root / name)
    for name in ("site", "tools"):
        shutil.copytree(repository / name, root / name)
    for name in ("pyproject.toml", "requirements.lock", "LICENSE", "mkdocs.yml"):
        shutil.copyfile(repository / name, root / name)


def marked_labs(repository: Path, solutions: Path) -> Hidden:
    marks, bodies = {}, {}
    for lab in LABS:
        folders = (repository / "tests" / "judge" / "labs" / lab, repository / "solutions" / lab)
        source = next(folder for folder in folders if folder.is_dir())
        shutil.copytree(source, solutions / lab, ignore=shutil.ignore_patterns("__pycache__"))
        planted = plant(solutions / lab)
        marks |= planted.marks
        bodies |= planted.bodies
        quick(solutions / lab / "lab.yml")
    return Hidden(marks, bodies)


def quick(path: Path) -> None:
    """Two seconds an exercise: a hand-in that never ends costs no more."""
    spec = yaml.safe_load(path.read_text("utf-8"))
    for exercise in spec["exercises"]:
        exercise["limits"] = {**exercise.get("limits", {}), "cpu_seconds": 2.0}
    path.write_text(yaml.safe_dump(spec, sort_keys=False, allow_unicode=True), "utf-8")


def hand_in_all(course: Course, lab: str) -> None:
    """Hand-ins that answer with every kind, and a file that is no notebook."""
    names = list(load_spec(course.solution_dir(lab)).by_name)
    release = json.loads(course.release_path(lab).read_text("utf-8"))
    for number, start in enumerate(range(0, len(KINDS), len(names))):
        answers = answers_for(names, start)
        notebook = json.loads(json.dumps(release))
        for cell in notebook["cells"]:
            cell["source"] = answers.get(cell["id"], cell["source"])
        put(course, lab, f"s{number}", json.dumps(notebook))
    put(course, lab, "stub", json.dumps(release))
    put(course, lab, "broken", "no notebook")


def put(course: Course, lab: str, student: str, text: str) -> None:
    path = course.submitted(student, lab) / f"{lab}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")


def test_the_labs_are_full_of_marks_and_hidden_code(term: Term) -> None:
    found = leaks_below([term.root / "solutions"], Hidden(MARKS))
    assert set().union(*found.values()) == set(MARKS.values())
    assert len(term.hidden.bodies) > 60
    judge = (term.root / "solutions" / LABS[1] / "judge_snippets.py").read_bytes()
    assert leaks_in(judge, term.hidden)


def test_no_page_and_no_graded_notebook_holds_anything_hidden(term: Term) -> None:
    folders = [term.course.root / "feedback", term.course.root / "autograded"]
    pages = list(folders[0].rglob("*.html"))
    assert len(pages) == sum(len(term.course.handed_in(lab)) for lab in LABS) > 10
    told = "".join(page.read_text("utf-8") for page in pages)
    for words in ("not right yet", "stopped with an error", "took too long", "not attempted"):
        assert words in told
    assert "12345" in told and "ZeroDivisionError" in told
    assert leaks_below(folders, term.hidden) == {}


def test_a_page_with_one_hidden_line_would_be_found(term: Term, tmp_path: Path) -> None:
    page = next((term.course.root / "feedback").rglob("*.html")).read_text("utf-8")
    source = (term.root / "solutions" / LABS[1] / "judge_inputs.py").read_text("utf-8")
    (tmp_path / "mark.html").write_text(page.replace("</body>", "<p>ZQmarkJudge</p></body>"))
    (tmp_path / "code.html").write_text(page.replace("</body>", f"<pre>{source}</pre></body>"))
    found = {
        Path(name).name: places for name, places in leaks_below([tmp_path], term.hidden).items()
    }
    assert found["mark.html"] == {"a hidden case"}
    assert any(place.startswith("judge_inputs.py: ") for place in found["code.html"])


def test_no_page_of_the_site_and_no_search_index_holds_anything_hidden(
    term: Term, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path / "site")]
    settings = os.environ | {"LABKIT_ROOT": str(term.root), "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=term.root, env=settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (index,) = (tmp_path / "site").rglob("search_index.json")
    shown = (tmp_path / "site" / "labs" / "index.html").read_text("utf-8")
    for lab in LABS:
        assert lab in index.read_text("utf-8") and lab in shown
    assert leaks_below([tmp_path / "site"], term.hidden) == {}


def test_no_release_and_no_kit_holds_anything_hidden(term: Term, tmp_path: Path) -> None:
    labkit("build", "--kit", tmp_path / "kit")
    released = [term.root / "labs", term.course.root / "release", tmp_path / "kit" / "labs"]
    assert all(list(folder.rglob("*.ipynb")) for folder in released)
    assert leaks_below(released, term.hidden) == {}
    code = [tmp_path / "kit" / "autograder", tmp_path / "kit" / "shared"]
    assert leaks_below(code, Hidden(MARKS)) == {}
